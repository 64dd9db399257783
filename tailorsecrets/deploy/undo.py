"""Undoing a report: the plan that brings back what was there before. All is checked before anything is written."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from tailorsecrets.deploy.joint import JointPlan, TargetPlan
from tailorsecrets.deploy.layout import Group, Layout
from tailorsecrets.deploy.plan import Owned, Plan, Restored, Step
from tailorsecrets.deploy.reports import Done, SavedReport
from tailorsecrets.driver import Entry
from tailorsecrets.errors import Disabled, NotFound, Refused, SecretsError
from tailorsecrets.secret import Secret
from tailorsecrets.store.names import Place
from tailorsecrets.store.parallel import at_once, parallel
from tailorsecrets.store.record import Record
from tailorsecrets.store.store import Store, workspace_of
from tailorsecrets.store.versions import is_version
from tailorsecrets.store.workspace import Workspace

_LIVE: Final = ("live", "disabled")
_MOVED: Final = "its current version is not the one in the report"
_FOR_GOOD: Final = "it was deleted for good"


class _Filled(str):
    """The reason not to delete a vault that now has other secrets."""

    __slots__ = ()


Answer = Step | str | None  # what undoes a step of a report, why nothing can, or None: it is undone already


def plan_undo(report: SavedReport, stores: Sequence[Store]) -> JointPlan:
    """Return the plan that undoes *report* on *stores*, one for each of its targets; no step: nothing is left to undo.

    A vault that the run made and that holds other secrets stops the undo; where the report was cut off, they may be the
    run's own, and the vault stays.

    Raise Refused with UNDO_REFUSED that lists every step that cannot be undone. Raise Denied where a value that must be
    written again may not be read, and the error of a target that does not answer.
    """
    lines = [[step for step in report.steps if step.target == number] for number in range(len(stores))]
    undone = at_once(
        [
            partial(_at_target, steps, store, complete=report.complete)
            for steps, store in zip(lines, stores, strict=True)
        ]
    )
    problems = [
        f"{line.place} at {report.targets[line.target]}: {problem}"
        for found in undone
        for line, problem in found.problems
    ]
    if problems:
        raise Refused(
            f"this report cannot be undone; nothing was changed: {'; '.join(problems)}",
            code="UNDO_REFUSED",
            hint="undo reverses the whole report or nothing",
        )
    plans = [Plan(report.owner, _ordered(found.steps), found.records) for found in undone]
    targets = [TargetPlan(choice, "", plan) for choice, plan in zip(report.targets, plans, strict=True)]
    return JointPlan(_layout(report), tuple(targets), primary_first=True)


@dataclass(frozen=True, slots=True)
class _Undone:
    """What undoes the steps of one target, and which of them cannot be undone."""

    steps: list[Step]
    problems: list[tuple[Done, str]]
    records: Mapping[str, Record | None]


def _at_target(lines: Sequence[Done], store: Store, *, complete: bool) -> _Undone:
    workspace = workspace_of(store)
    vaults = sorted({line.place.vault for line in lines})
    found = workspace.records(vaults) if vaults else {}
    for result in found.values():
        if isinstance(result, SecretsError):
            raise result
    records = {vault: record for vault, record in found.items() if isinstance(record, Record)}
    created = {line.place for line in lines if line.action == "create"}

    def answer(line: Done) -> Answer:
        if line.place.secret:
            return _SECRETS[line.action](line, store)
        return _VAULTS[line.action](line, records.get(line.place.vault), created, workspace)

    answers = list(zip(lines, parallel(store.caps, answer, lines), strict=True))
    if not complete:
        answers = [(line, None if isinstance(found, _Filled) else found) for line, found in answers]
    return _Undone(
        [step for _, step in answers if isinstance(step, Step)],
        [(line, problem) for line, problem in answers if isinstance(problem, str)],
        {vault: records.get(vault, Record()) for vault in vaults},
    )


def _created_secret(line: Done, store: Store) -> Answer:
    entry = _stat(line.place, store)
    if entry is None or entry.state not in _LIVE:
        return None
    if not is_version(entry, line.after):
        return _MOVED
    return Step("delete", line.place, expect=line.after, for_good=not store.caps.undelete)


def _updated_secret(line: Done, store: Store) -> Answer:
    entry = _stat(line.place, store)
    if entry is None or entry.state not in _LIVE:
        return "it was deleted since"
    old = _old_value(line, store)
    if not is_version(entry, line.after):
        return None if isinstance(old, Secret) and old == _value(line.place, store) else _MOVED
    return Step("update", line.place, old, line.after, note="rolled back") if isinstance(old, Secret) else old


def _deleted_secret(line: Done, store: Store) -> Answer:
    if line.for_good or not store.caps.undelete:
        return _FOR_GOOD
    entry = _stat(line.place, store)
    if entry is None or entry.state == "bare":
        return "the store does not have it any more"
    if entry.state != "deleted":
        return None if _is_back(line, entry, store) else "it was created again since"
    return (
        Step("create", line.place, Restored(), line.before, note="restored") if _is_at(line, entry, store) else _MOVED
    )


def _created_vault(line: Done, record: Record | None, created: Iterable[Place], workspace: Workspace) -> Answer:
    if record is None and not (workspace.caps.containers and line.place.vault in workspace.containers()):
        return None
    if record is not None and not _is_of(record, line.after):
        return "its owner or its labels changed since"
    others = [place.secret for place, _ in _listed(line.place.vault, workspace) if place not in created]
    if others:
        return _Filled(f"it has other secrets now: {', '.join(sorted(filter(None, others)))}")
    for_good = workspace.caps.containers or not workspace.caps.undelete
    return Step("delete", line.place, expect=line.after, for_good=for_good)


def _updated_vault(line: Done, record: Record | None, _created: Iterable[Place], _workspace: Workspace) -> Answer:
    before, after = line.owners
    if before == after:
        return None  # another stamp key: what is written again gets its stamp with it
    if record is None:
        return "it was deleted since"
    if _is_of(record, line.after):
        return Step("update", line.place, Owned(before), record.version, note="owner")
    return None if record.owner == before else "its owner or its labels changed since"


def _deleted_vault(line: Done, record: Record | None, _created: Iterable[Place], workspace: Workspace) -> Answer:
    if line.for_good or workspace.caps.containers or not workspace.caps.undelete:
        return _FOR_GOOD
    if record is None:
        entry = workspace.operations.stat(line.place, deleted=True)
        if entry is None or entry.state != "deleted":
            return "the store does not have its record any more" if line.before else None
        return Step("create", line.place, Restored(), line.before, note="restored")
    if _is_of(record, line.before):
        return None
    try:
        old = workspace.operations.get(line.place, line.before).value
    except NotFound:
        return "it was created again since"
    return None if old == workspace.operations.get(line.place).value else "it was created again since"


_SECRETS: Final[Mapping[str, Callable[[Done, Store], Answer]]] = {
    "create": _created_secret,
    "update": _updated_secret,
    "delete": _deleted_secret,
}
_VAULTS: Final[Mapping[str, Callable[[Done, Record | None, Iterable[Place], Workspace], Answer]]] = {
    "create": _created_vault,
    "update": _updated_vault,
    "delete": _deleted_vault,
}


def _stat(place: Place, store: Store) -> Entry | None:
    return workspace_of(store).operations.stat(place, deleted=True)


def _is_at(line: Done, entry: Entry, store: Store) -> bool:
    """Tell whether a restore of *entry*, a deleted secret, brings back what the report says was deleted.

    In some stores a deletion is a separate version; the newest one that can be read is then the one before it.
    """
    if not entry.version or is_version(entry, line.before):
        return True
    newest = next(workspace_of(store).operations.versions(line.place), None) if store.caps.versions else None
    return newest is not None and is_version(newest, line.before)


def _is_of(record: Record, version: str) -> bool:
    return is_version(Entry(name="", version=record.version), version)


def _is_back(line: Done, entry: Entry, store: Store) -> bool:
    """Tell whether the secret has the value again that the report says was deleted."""
    if is_version(entry, line.before):
        return True
    old = _old_value(line, store)
    return isinstance(old, Secret) and old == _value(line.place, store)


def _old_value(line: Done, store: Store) -> Secret | str:
    """Return the value before the step, or why there is none."""
    if not store.caps.versions:
        return "the store keeps no versions"
    if not line.before:
        return "the report has no previous version"
    try:
        return store.read(*line.place, line.before).value
    except (NotFound, Disabled):
        return f"its version {line.before} cannot be read any more"


def _value(place: Place, store: Store) -> Secret | None:
    try:
        return store.read(*place).value
    except (NotFound, Disabled):
        return None


def _listed(vault: str, workspace: Workspace) -> list[tuple[Place, Entry]]:
    return [found for found in workspace.operations.list(vault) if found[0].secret]


def _ordered(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Return *steps* with vaults before what is in them, and owners and deletions last."""

    def turn(step: Step) -> int:
        if step.place.secret:
            return 2 if step.action == "delete" else 1
        return {"create": 0, "update": 3, "delete": 4}[step.action]

    return tuple(sorted(steps, key=turn))


def _layout(report: SavedReport) -> Layout:
    routes: dict[str, Counter[int]] = {}
    for line in report.steps:
        routes.setdefault(line.place.vault, Counter())[line.target] += 1
    groups = tuple(Group(vault, tuple(sorted(numbers))) for vault, numbers in routes.items())
    none: frozenset[str] = frozenset()
    return Layout(report.targets, groups, ("",) * len(report.targets), (none,) * len(report.targets))
