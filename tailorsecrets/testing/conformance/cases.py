"""A plain call of each method that a driver announces, and the check that its answer is true."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from tailorsecrets.driver import Caps, Driver, Stored
from tailorsecrets.errors import NotFound
from tailorsecrets.secret import Secret
from tailorsecrets.testing.backdoor import Backdoor
from tailorsecrets.testing.conformance.suite import MakeVault, Suite, names, problem

METHODS: Final = (
    *("get", "get_many", "stat", "list", "versions", "containers"),
    *("put", "delete", "restore", "make", "drop"),
)
WRITES: Final = frozenset({"put", "delete", "restore", "make", "drop"})


def announced(caps: Caps) -> Mapping[str, bool]:
    """Tell of each method whether *caps* announces it."""
    return {
        "get": True,
        "get_many": caps.batch > 1,
        "stat": caps.stats,
        "list": caps.lists,
        "versions": caps.versions,
        "containers": caps.containers,
        "put": caps.writes,
        "delete": caps.writes,
        "restore": caps.writes and caps.undelete,
        "make": caps.writes and caps.containers,
        "drop": caps.writes and caps.containers,
    }


@dataclass(frozen=True, slots=True)
class Case:
    """A call of *method*; *is_true* tells, on a store that works, whether a result that it returned is true."""

    method: str
    call: Callable[[Driver], Any]
    is_true: Callable[[Driver, Any], bool]


def cases(suite: Suite, driver: Driver, backdoor: Backdoor, make_vault: MakeVault) -> list[Case]:
    """Return a case for each method that the suite's ``caps`` announces, each with its own names."""
    vault = make_vault("api")
    for name in ("key", "other", "changed", "deleted", "restored"):
        backdoor.write(vault + name, "value")
    joiner = suite.caps.joiner
    workspace, _, last = vault.removesuffix(joiner).rpartition(joiner)
    made = _Names(vault, workspace + joiner, last, "")
    if suite.caps.undelete:
        driver.delete(vault + "restored")
    if suite.caps.containers:
        made = made._replace(empty=make_vault("empty").removesuffix(joiner))
    backdoor.settle()
    able = announced(suite.caps)
    return [case for case in _cases(made, lists=not suite.caps.list_lag) if able[case.method]]


class _Names(NamedTuple):
    vault: str
    workspace: str
    container: str  # the vault's, without the workspace
    empty: str  # a container without secrets


def _cases(made: _Names, *, lists: bool) -> list[Case]:
    key, other = made.vault + "key", made.vault + "other"
    changed, deleted, restored = (made.vault + name for name in ("changed", "deleted", "restored"))
    added, empty = f"{made.workspace}{made.container}-added", made.empty
    return [
        Case("get", lambda driver: driver.get(key), lambda _, found: found.value == Secret("value")),
        Case("get_many", lambda driver: _all(driver, key, other), lambda _, found: set(found) == {key, other}),
        Case("stat", lambda driver: driver.stat(key), lambda _, found: (found.name, found.state) == (key, "live")),
        Case(
            "list",
            lambda driver: names(driver.list(made.vault)),
            lambda _, found: not lists or {key, other, changed} <= set(found),
        ),
        Case("versions", lambda driver: list(driver.versions(key)), lambda _, found: len(found) == 1),
        Case(
            "containers",
            lambda driver: names(driver.containers(made.workspace)),
            lambda _, found: made.workspace + made.container in found,
        ),
        Case(
            "put",
            lambda driver: driver.put(changed, Secret("new")),
            lambda driver, _: driver.get(changed).value == Secret("new"),
        ),
        Case("delete", lambda driver: driver.delete(deleted), lambda driver, _: _is_missing(driver, deleted)),
        Case(
            "restore",
            lambda driver: driver.restore(restored),
            lambda driver, _: driver.get(restored).value == Secret("value"),
        ),
        Case(
            "make",
            lambda driver: driver.make(added, "note"),
            lambda driver, _: added in names(driver.containers(added)),
        ),
        Case("drop", lambda driver: driver.drop(empty), lambda driver, _: empty not in names(driver.containers(empty))),
    ]


def _all(driver: Driver, *wanted: str) -> Mapping[str, Stored | Exception]:
    """Read *wanted* in one batch; raise the first answer that is an exception."""
    answers = driver.get_many(list(wanted))
    for answer in answers.values():
        if isinstance(answer, Exception):
            raise answer
    return answers


def _is_missing(driver: Driver, name: str) -> bool:
    try:
        driver.get(name)
    except Exception as exc:  # noqa: BLE001 - every exception of a driver must have a meaning
        return issubclass(problem(driver, exc, "get").kind, NotFound)
    return False
