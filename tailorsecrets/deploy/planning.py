"""Planning over several targets: all of them are read at the same time. Nothing here writes."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from functools import partial
from typing import TypeVar

from tailorsecrets.deploy.joint import Due, JointPlan, Question, Seen, join, questions, share
from tailorsecrets.deploy.layout import Layout
from tailorsecrets.deploy.observe import Observed, observe
from tailorsecrets.deploy.plan import Desired
from tailorsecrets.errors import SecretsError
from tailorsecrets.store.parallel import at_once, attempt
from tailorsecrets.store.store import Store, workspace_of

T = TypeVar("T")


def plan_targets(
    desired: Desired,
    layout: Layout,
    stores: Sequence[Store],
    *,
    prune: bool = True,
    trust: bool = False,
    delete_moved: bool = False,
    vaults: AbstractSet[str] | None = None,
    wanted: AbstractSet[int] | None = None,
    due: Due = lambda _place, _kind, _entry: "",
) -> JointPlan:
    """Return the plan that makes the *stores* of the targets in *layout* equal to *desired*.

    A target that cannot be read has its error in the plan. *vaults* are the only ones that are planned, *wanted* the
    only targets that are changed; None: all. The other arguments are those of ``observe`` and ``join``. Raise
    ConfigError where two targets are one store.
    """
    limited = desired
    if vaults is not None:
        layout = layout.only(vaults)
        limited = replace(desired, vaults=_only(desired.vaults, vaults), known=_only(desired.known, vaults))

    def seen_at(number: int) -> Seen:
        observed = attempt(lambda: observe(share(limited, layout, number), stores[number], prune=prune, trust=trust))
        if vaults is None or isinstance(observed, SecretsError):
            return observed
        return replace(observed, found=_only(observed.found, vaults))

    seen = at_once([partial(seen_at, number) for number in range(len(stores))])
    asked = questions(limited, layout, seen)
    if asked:
        seen = at_once(
            [partial(_answered, observed, asked.get(number), stores[number]) for number, observed in enumerate(seen)]
        )
    joint = join(limited, layout, seen, delete_moved=delete_moved, wanted=wanted, due=due)
    return joint.noted(declares=bool(desired.vaults))


def _answered(observed: Seen, question: Question | None, store: Store) -> Seen:
    """Return *observed* with the answers to *question*."""
    if question is None or isinstance(observed, SecretsError):
        return observed
    return attempt(lambda: _with_answers(observed, question, store))


def _with_answers(observed: Observed, question: Question, store: Store) -> Observed:
    workspace = workspace_of(store)
    states = workspace.stat(sorted(question.deleted), deleted=True) if workspace.caps.stats else {}
    read = [place for place in sorted(question.values) if place not in observed.values]
    values, denied = workspace.values(read)
    unstampable = frozenset(workspace.cannot_stamp(question.unstamped))
    return replace(
        observed,
        deleted=frozenset(place for place, entry in states.items() if entry.state == "deleted"),
        values={**observed.values, **values},
        unknown=observed.unknown | (denied & unstampable),
        unstampable=unstampable,
    )


def _only(found: Mapping[str, T], vaults: AbstractSet[str]) -> dict[str, T]:
    return {vault: value for vault, value in found.items() if vault in vaults}
