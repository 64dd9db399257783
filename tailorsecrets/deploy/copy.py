"""Copying: the plan that copies secrets from some targets to others. Nothing here writes."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from tailorsecrets.deploy.joint import JointPlan, TargetPlan
from tailorsecrets.deploy.layout import Group, Layout, layout
from tailorsecrets.deploy.observe import Observed, observe, value_problems
from tailorsecrets.deploy.plan import Desired, Owned, Plan, Step, diff
from tailorsecrets.driver import Stored
from tailorsecrets.errors import (
    ConfigError,
    Denied,
    NotFound,
    SecretsError,
    Throttled,
    TooLarge,
    Unauthenticated,
    Unavailable,
    ValueInvalid,
    VaultNotFound,
)
from tailorsecrets.secret import Secret
from tailorsecrets.store.names import Place
from tailorsecrets.store.parallel import at_once
from tailorsecrets.store.record import Owner, Record
from tailorsecrets.store.store import Store, workspace_of
from tailorsecrets.store.workspace import VaultState
from tailorsecrets.targets.choice import Choice, same_target
from tailorsecrets.targets.routes import Routes

Open = Callable[[Choice], Store]
Keys = Mapping[str, Secret | None]  # the stamp key of each vault that is new; None: any

_NOBODY: Final = Owner("")
_NO_ANSWER: Final = (Throttled, Unauthenticated, Unavailable)


@dataclass(frozen=True, slots=True)
class Content:
    """What one vault holds: where, its record if it has one, and the value of each secret."""

    target: Choice
    record: Record | None
    values: Mapping[str, Secret]

    @property
    def owner(self) -> Owner | None:
        """Who manages the vault, None where nobody does."""
        return self.record.owner if self.record else None


def read_contents(routes: Routes, open_store: Open, vaults: Collection[str] = ()) -> dict[str, Content]:
    """Return the vaults that the primaries of *routes* hold; *vaults*: these alone.

    Raise VaultNotFound for one of *vaults* that is not there, one error that lists every secret that cannot be read,
    and the error of a target that does not answer.
    """
    primaries = [choice for choice in routes.targets if _is_primary(routes, choice)]
    found: dict[str, Content] = {}
    for part in at_once([partial(_read, routes, choice, open_store, vaults) for choice in primaries]):
        found |= part
    for vault in vaults:
        if vault not in found:
            raise VaultNotFound(f"vault {vault}: does not exist at the source", vault=vault)
    return dict(sorted(found.items()))


def copy_layout(contents: Mapping[str, Content], routes: Routes) -> Layout:
    """Return where the vaults of *contents* go: to all targets of *routes* except those that they come from.

    Raise ConfigError where no vault has another target.
    """
    where = layout([routes._replace(others=())], contents)
    groups: list[Group] = []
    for group in where.groups:
        source = contents[group.vault].target
        route = tuple(number for number in group.route if not same_target(where.targets[number], source))
        if route:
            groups.append(replace(group, route=route, elsewhere=()))
    if contents and not groups:
        target = next(iter(contents.values())).target
        raise ConfigError(f"both sides are {target}", hint="name two stores or two workspaces")
    return replace(where, groups=tuple(groups))


def plan_copy(contents: Mapping[str, Content], where: Layout, stores: Sequence[Store]) -> JointPlan:
    """Return the plan that writes *contents* to the *stores* of the targets in *where*; it deletes nothing.

    Raise one ValueInvalid or TooLarge that lists all that a target cannot hold, ConfigError where both sides are one
    store, and the error of a target that cannot be read.
    """
    shares = [_share(contents, where.vaults(number)) for number in range(len(stores))]
    _check_values(shares, where, stores)
    seen = at_once([partial(_seen, share, store) for share, store in zip(shares, stores, strict=True)])
    for number, observed in enumerate(seen):
        _check_ids({vault: contents[vault] for vault in where.vaults(number)}, where.targets[number], observed)
    keys = {vault: _key(content, vault, seen) for vault, content in contents.items()}
    plans = at_once(
        [
            partial(_planned, contents, where.vaults(number), observed, keys, store)
            for number, (observed, store) in enumerate(zip(seen, stores, strict=True))
        ]
    )
    targets = [TargetPlan(choice, "", plan) for choice, plan in zip(where.targets, plans, strict=True)]
    return JointPlan(where, tuple(targets))


def _is_primary(routes: Routes, choice: Choice) -> bool:
    return any(same_target(route[0], choice) for route in (routes.default, *routes.vaults.values()))


def _read(routes: Routes, choice: Choice, open_store: Open, vaults: Collection[str]) -> dict[str, Content]:
    with open_store(choice) as store:
        workspace = workspace_of(store)
        found = {
            vault: state
            for vault, state in workspace.snapshot(vaults).items()
            if same_target(routes.route(vault)[0], choice) and (not vaults or vault in vaults)
        }
        for state in found.values():
            if state.problem:
                raise state.problem
        places = [Place(vault, secret) for vault, state in found.items() for secret in state.secrets]
        values = _values(workspace.read_many(places) if places else {}, choice)
    return {
        vault: Content(
            choice,
            state.record,
            {secret: values[place] for secret in state.secrets if (place := Place(vault, secret)) in values},
        )
        for vault, state in found.items()
    }


def _values(answers: Mapping[Place, Stored | SecretsError], choice: Choice) -> dict[Place, Secret]:
    """Return the values in *answers*; a secret that was deleted in the meantime is left out."""
    errors = {
        place: answer
        for place, answer in answers.items()
        if isinstance(answer, SecretsError) and not isinstance(answer, NotFound)
    }
    for error in errors.values():
        if isinstance(error, _NO_ANSWER):
            raise error
        listed = ", ".join(f"{place} ({each.code})" for place, each in sorted(errors.items()))
        kind = Denied if isinstance(error, Denied) else type(error)
        raise kind(f"{choice}: cannot read {listed}; nothing was copied", hint=error.hint, code=error.code)
    return {place: answer.value for place, answer in answers.items() if isinstance(answer, Stored)}


def _share(contents: Mapping[str, Content], vaults: Iterable[str]) -> Desired:
    return Desired(_NOBODY, {vault: contents[vault].values for vault in vaults})


def _check_values(shares: Sequence[Desired], where: Layout, stores: Sequence[Store]) -> None:
    problems = [
        (choice, problem)
        for share, choice, store in zip(shares, where.targets, stores, strict=True)
        for problem in value_problems(share, workspace_of(store))
    ]
    if problems:
        kind = TooLarge if any(isinstance(problem, TooLarge) for _, problem in problems) else ValueInvalid
        listed = "; ".join(f"{choice}: {problem}" for choice, problem in problems)
        raise kind(f"nothing was copied: {listed}", code=problems[0][1].code)


def _seen(share: Desired, store: Store) -> Observed:
    """Return what *store* holds, without its list where that is denied."""
    try:
        return observe(share, store)
    except Denied:
        return observe(share, store, prune=False)


def _check_ids(contents: Mapping[str, Content], target: Choice, seen: Observed) -> None:
    """Raise ConfigError where a vault has one record on both sides: they are one store under two URLs."""
    for vault, content in contents.items():
        mine, theirs = content.record, seen.record(vault)
        if mine is not None and theirs is not None and mine.id and mine.id == theirs.id:
            raise ConfigError(
                f"{content.target} and {target} are one store: both show the same record of vault {vault}; "
                "nothing was changed",
                hint="name two stores or two workspaces",
                code="SAME_STORE",
            )


def _key(content: Content, vault: str, seen: Sequence[Observed]) -> Secret | None:
    """Return the stamp key for new records of *vault*: the source's, else that of a target; None: any new one."""
    records = [content.record, *(observed.record(vault) for observed in seen)]
    return next((record.key for record in records if record is not None and record.key.reveal()), None)


def _planned(
    contents: Mapping[str, Content],
    vaults: Sequence[str],
    seen: Observed,
    keys: Keys,
    store: Store,
) -> Plan:
    """Return the plan of one target, after reading and comparing the values there whose stamps differ."""
    plan = _plan(contents, vaults, seen, keys)
    unread = [place for place in plan.overwrites if place not in seen.values]
    if not unread:
        return plan
    values, _ = workspace_of(store).values(unread)
    return _plan(contents, vaults, replace(seen, values={**seen.values, **values}), keys)


def _plan(contents: Mapping[str, Content], vaults: Sequence[str], seen: Observed, keys: Keys) -> Plan:
    """Return the plan of one target. An existing vault keeps its record; a copy by hand releases it at the end."""
    made: list[Step] = []
    written: list[Step] = []
    released: list[Step] = []
    records: dict[str, Record | None] = {}
    unmanaged: list[str] = []
    conflicts: list[tuple[str, Owner]] = []
    for vault in vaults:
        content, state = contents[vault], seen.found.get(vault)
        part = _diff(vault, content, state, seen)
        secrets = [step for step in part.steps if step.place.secret]
        written += secrets
        if any(step.action == "create" for step in part.steps if not step.place.secret):
            made.append(Step("create", Place(vault), Owned(content.owner)))
            records[vault] = _new_record(content, keys[vault])
            continue
        record = records[vault] = (state.record if state else None) or Record()
        if _is_copy(record, content) or not secrets:
            continue
        if record.owner is None:
            unmanaged.append(vault)
        else:
            conflicts.append((vault, record.owner))
            released.append(Step("update", Place(vault), Owned(None), record.version, note="release"))
    return Plan(
        owner=_NOBODY,
        steps=(*made, *written, *released),
        records=records,
        unmanaged=tuple(unmanaged),
        conflicts=tuple(conflicts),
        overwrites=tuple(step.place for step in written if step.action == "update"),
        compared_values=not seen.caps.stamps,
        read_back=True,
    )


def _diff(vault: str, content: Content, state: VaultState | None, seen: Observed) -> Plan:
    found = {vault: state} if state is not None and (state.record or state.secrets) else {}
    desired = Desired(content.owner or _NOBODY, {vault: content.values})
    return diff(desired, found, prune=False, values=seen.values, caps=seen.caps)


def _new_record(content: Content, key: Secret | None) -> Record | None:
    """Return the record for a new vault: the labels and the stamp key of the source, never its id."""
    return None if key is None else Record(content.record.labels if content.record else {}, key)


def _is_copy(record: Record, content: Content) -> bool:
    """Tell whether a vault was made by an earlier copy, or is a replica: the same config manages both sides."""
    return content.record is not None and record.key == content.record.key and record.owner == content.owner
