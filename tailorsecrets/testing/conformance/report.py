"""The report on each suite at the end of pytest's output: what it declares, what ran, what was left out and why.

The pytest plugin ``tailorsecrets.testing.fixture`` calls this module in runs that have loaded the suite.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from typing import Any, Final, TypedDict, cast

import pytest

from tailorsecrets.driver import Caps
from tailorsecrets.testing.backdoor import ABILITIES
from tailorsecrets.testing.conformance.declarations import missing_fixtures, problems_of
from tailorsecrets.testing.conformance.suite import Suite, left_out

OUTCOMES: Final = ("passed", "failed", "error", "skipped", "xfailed", "xpassed")
MOST_IN_FULL: Final = 4  # suites that are reported in full without -v; of more, each has a line
_STORE: Final = pytest.StashKey[dict[str, "Facts"]]()
_SKIPPED: Final = "Skipped: "


class Facts(TypedDict):
    """What a suite declares, in types that a worker of pytest-xdist can send."""

    caps: list[str]
    abilities: list[str]
    left_out: dict[str, str]


def check(collector: pytest.Collector, name: str, found: object) -> None:
    """Raise an error of the collection, in a sentence, where *found* is a suite with wrong declarations."""
    if not (isinstance(found, type) and issubclass(found, Suite)):
        return
    if cast("Any", collector).istestclass(found, name) and (
        problems := [*missing_fixtures(found), *problems_of(found)]
    ):
        raise collector.CollectError("\n".join(problems))


def note(config: pytest.Config, items: Iterable[pytest.Item]) -> None:
    """Keep the facts of the suites among *items*."""
    facts = config.stash.setdefault(_STORE, dict[str, Facts]())
    for item in items:
        suite = getattr(item, "cls", None)
        if isinstance(suite, type) and issubclass(suite, Suite):
            facts.setdefault(_suite_of(item.nodeid), facts_of(suite))


def facts_of(suite: type[Suite]) -> Facts:
    """Return the facts of *suite*."""
    caps = [f"{each.name}={getattr(suite.caps, each.name)}" for each in fields(Caps) if _is_announced(suite.caps, each)]
    switched = {name: f"switched off: {why}" for name, why in suite.switched_off.items()}
    return {"caps": caps, "abilities": sorted(ABILITIES - suite.cannot), "left_out": {**left_out(suite), **switched}}


def sent(config: pytest.Config) -> dict[str, Facts]:
    """Return the facts that this process has, for the process that reports."""
    return config.stash.get(_STORE, dict[str, Facts]())


def received(config: pytest.Config, facts: Mapping[str, Facts]) -> None:
    """Keep the facts of another process."""
    config.stash.setdefault(_STORE, dict[str, Facts]()).update(facts)


def write(terminal: pytest.TerminalReporter) -> None:
    """Write the report of all suites."""
    facts = terminal.config.stash.get(_STORE, dict[str, Facts]())
    if not facts:
        return
    terminal.section("conformance")
    outcomes, skipped = _results(terminal)
    verbosity = terminal.config.get_verbosity()
    brief = verbosity < 0 or (verbosity == 0 and len(facts) > MOST_IN_FULL)
    for suite, found in sorted(facts.items()):
        for line in lines(suite, found, outcomes[suite], skipped[suite], brief=brief):
            terminal.write_line(line)


def lines(
    suite: str, facts: Facts, outcomes: Mapping[str, int], skipped: Mapping[str, str], *, brief: bool
) -> Iterator[str]:
    """Yield the lines of one suite; *brief*: only the first."""
    reasons = {**facts["left_out"], **skipped}
    ran = ", ".join(f"{outcomes[each]} {each}" for each in OUTCOMES if outcomes.get(each) and each != "skipped")
    yield f"{suite}: {ran or 'nothing ran'}, {len(reasons)} left out"
    if brief:
        return
    yield f"  the driver declares: {', '.join(facts['caps']) or 'reads of one name, and no more'}"
    yield f"  the backdoor can: {', '.join(facts['abilities']) or 'write and read'}"
    by_reason: dict[str, list[str]] = defaultdict(list)
    for name, reason in sorted(reasons.items()):
        by_reason[reason].append(name.removeprefix("test_"))
    for reason, names in sorted(by_reason.items()):
        yield f"  left out, {reason}: {', '.join(names)}"


def _results(terminal: pytest.TerminalReporter) -> tuple[dict[str, Counter[str]], dict[str, dict[str, str]]]:
    """Return the number of each outcome, and the reasons of skipped tests, by suite."""
    outcomes, skipped = defaultdict[str, Counter[str]](Counter), defaultdict[str, dict[str, str]](dict)
    for outcome in OUTCOMES:
        for each in terminal.stats.get(outcome, []):
            suite, _, test = each.nodeid.rpartition("::")
            outcomes[suite][outcome] += 1
            if outcome == "skipped":
                skipped[suite][test] = str(each.longrepr[2]).removeprefix(_SKIPPED)
    return outcomes, skipped


def _suite_of(nodeid: str) -> str:
    return nodeid.rpartition("::")[0]


def _is_announced(caps: Caps, each: Any) -> bool:
    return bool(getattr(caps, each.name) != getattr(Caps(), each.name))
