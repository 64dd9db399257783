"""One plan over several targets: stamp keys, values that are copied from target to target, moved vaults. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Literal

from tailorsecrets.declared.sources import Generate
from tailorsecrets.deploy.layout import Group, Layout
from tailorsecrets.deploy.observe import Observed
from tailorsecrets.deploy.plan import Carried, Desired, DesiredValue, Plan, Rotation, Step, diff
from tailorsecrets.driver import Entry
from tailorsecrets.errors import ConfigError, SecretsError, Throttled, Unavailable
from tailorsecrets.secret import Secret
from tailorsecrets.store.names import Place
from tailorsecrets.store.workspace import VaultState
from tailorsecrets.targets.choice import Choice

Seen = Observed | SecretsError
Due = Callable[[Place, Generate, Entry], str]  # why a generated secret gets another value now; "": it does not
Status = Literal["planned", "unreachable", "failed"]


@dataclass(frozen=True, slots=True)
class TargetPlan:
    """The plan of one target, or the error that planning it raised.

    ``aside``: the target was only read, because other targets need its values; nothing is changed there.
    """

    target: Choice
    profile: str
    plan: Plan | None
    error: SecretsError | None = None
    aside: bool = False

    @property
    def status(self) -> Status:
        """Whether the target is planned, and if not, whether it did not answer."""
        if self.error is None:
            return "planned"
        return "unreachable" if isinstance(self.error, Unavailable | Throttled) else "failed"


@dataclass(frozen=True, slots=True)
class JointPlan:
    """The plans of all targets; a ``Carried`` value names a target by its number in ``targets``.

    ``primary_first``: every step waits for the primary, not only those that take a value from it.
    """

    layout: Layout
    targets: tuple[TargetPlan, ...]
    primary_first: bool = False

    @property
    def shown(self) -> list[tuple[int, TargetPlan]]:
        """The targets to which something may be done, with their numbers."""
        return [(number, target) for number, target in enumerate(self.targets) if not target.aside]

    @property
    def failures(self) -> list[TargetPlan]:
        """The targets that could not be planned."""
        return [target for _, target in self.shown if target.error is not None]

    @property
    def plans(self) -> dict[int, Plan]:
        """The plans to carry out, by the number of the target."""
        return {number: target.plan for number, target in self.shown if target.plan is not None}

    def noted(self, *, declares: bool) -> "JointPlan":
        """Return this plan with the fact whether the config *declares* a vault, of any target."""
        targets = [
            replace(target, plan=replace(target.plan, declares=declares)) if target.plan else target
            for target in self.targets
        ]
        return replace(self, targets=tuple(targets))

    def waits(self, number: int, step: Step) -> bool:
        """Tell whether *step* at target *number* comes after the steps of its vault's primary."""
        if not (self.primary_first or isinstance(step.value, Carried)):
            return False
        return number != self.primary(number, step.place.vault)

    def primary(self, number: int, vault: str) -> int:
        """Return the primary of *vault* in the route that target *number* belongs to."""
        return self.layout.group(number, vault).route[0]


@dataclass(frozen=True, slots=True)
class Question:
    """What must still be read at one target after it was observed.

    Which secrets were ``deleted``, some ``values``, and for which of the ``unstamped`` secrets this login may not keep
    a stamp.
    """

    deleted: frozenset[Place] = frozenset()
    values: frozenset[Place] = frozenset()
    unstamped: frozenset[Place] = frozenset()


def share(desired: Desired, layout: Layout, target: int) -> Desired:
    """Return the part of *desired* that *target* is to hold."""
    return replace(desired, vaults={vault: desired.vaults[vault] for vault in layout.vaults(target)})


def questions(desired: Desired, layout: Layout, seen: Sequence[Seen]) -> dict[int, Question]:
    """Return what must still be read before ``join``, by target; nothing if there is only one target."""
    seen = _usable(desired, layout, seen)
    deleted: dict[int, set[Place]] = {}
    values: dict[int, set[Place]] = {}
    unstamped: dict[int, set[Place]] = {}
    for group in layout.groups:
        for place, _ in _kept_values(desired, group):
            holders = [number for number in _everywhere(group) if _has(seen, number, place)]
            primary = group.route[0]
            if holders and primary not in holders and not isinstance(seen[primary], SecretsError):
                deleted.setdefault(primary, set()).add(place)
            here = [number for number in group.route if number in holders]
            bare = [number for number in here if _may_lack_stamp(seen[number], place)] if len(here) > 1 else []
            for number in bare:
                unstamped.setdefault(number, set()).add(place)
            if bare or (len(here) > 1 and not all(_stamps(seen[number]) for number in here)):
                for number in here:
                    values.setdefault(number, set()).add(place)
    return {
        number: Question(*(frozenset(asked.get(number, ())) for asked in (deleted, values, unstamped)))
        for number in {*deleted, *values}
    }


def join(
    desired: Desired,
    layout: Layout,
    seen: Sequence[Seen],
    *,
    delete_moved: bool = False,
    wanted: AbstractSet[int] | None = None,
    due: Due = lambda _place, _kind, _entry: "",
) -> JointPlan:
    """Return the plan that makes every target equal to its share of *desired*.

    *seen* has what each target holds, or why that is not known. With *delete_moved*, copies of vaults that live
    elsewhere now are deleted, if every one of their secrets is there. Only the *wanted* targets are changed; None: all.
    *due* decides by the entry at the primary which generated secrets get another value.

    Raise ConfigError where two targets are one store under two URLs.
    """
    _check_ids(layout, seen)
    chosen = frozenset(range(len(seen))) if wanted is None else wanted
    usable = _usable(desired, layout, seen)
    values = _Values(layout, usable, chosen, due)
    plans = list[TargetPlan]()
    for number, observed in enumerate(seen):
        aside = number not in chosen
        if isinstance(observed, SecretsError):
            plans.append(TargetPlan(layout.targets[number], layout.profiles[number], None, observed, aside))
            continue
        found = {vault: state for vault, state in observed.found.items() if vault not in layout.kept[number]}
        resolved = {vault: values.of(desired, number, vault) for vault in layout.vaults(number)}
        moved = {vault for vault in layout.left(number) if vault in found and _is_copy(desired, vault, found[vault])}
        ready = {vault for vault in moved if _is_complete(desired, layout, usable, number, vault)}
        copies = ready if delete_moved else set[str]()
        plan = diff(
            replace(desired, vaults=resolved),
            found,
            prune=observed.deletes,
            values=observed.values,
            unknown=observed.unknown,
            keys=_keys(layout, usable, number),
            moved=moved - copies,
            caps=observed.caps,
        )
        held = tuple(place for place in plan.skipped if place in values.held)
        skipped = tuple(place for place in plan.skipped if desired.vaults[place.vault][place.secret] is None)
        plan = replace(
            observed.noted(plan),
            ready=tuple(sorted(ready - copies)),
            copies=frozenset(copies),
            held=held,
            skipped=skipped,
        )
        plans.append(TargetPlan(layout.targets[number], layout.profiles[number], plan, aside=aside))
    return JointPlan(layout, tuple(plans))


class _Values:
    """Where each value that the config does not have comes from, for each target."""

    def __init__(self, layout: Layout, seen: Sequence[Seen], chosen: AbstractSet[int], due: Due) -> None:
        self._layout, self._seen, self._chosen, self._due = layout, seen, chosen, due
        self.held: set[Place] = set()

    def of(self, desired: Desired, number: int, vault: str) -> dict[str, DesiredValue]:
        """Return the values that target *number* is to hold in *vault*."""
        group = self._layout.group(number, vault)
        wanted = dict(desired.vaults[vault])
        if len(group.route) + len(group.elsewhere) > 1:
            wanted |= {
                place.secret: self._value(group, number, place, kind) for place, kind in _kept_values(desired, group)
            }
        return wanted | dict(self._rotated(desired, group, number))

    def _rotated(self, desired: Desired, group: Group, number: int) -> Iterator[tuple[str, DesiredValue]]:
        """Yield the secrets that get another value: it is made at the primary, and the replicas take it from there."""
        primary = group.route[0]
        if not set(group.route) <= self._chosen or self._missing_answers(group):
            return
        if not _owns(desired, self._seen[primary], group.vault):
            return
        for place, kind in _kept_values(desired, group):
            if kind is not None and _is_live(self._seen, primary, place):
                note = self._due(place, kind, self._entry(primary, place))
                if note:
                    yield place.secret, Rotation(kind, note) if number == primary else Carried(primary)

    def _value(self, group: Group, number: int, place: Place, kind: Generate | None) -> DesiredValue:
        primary = group.route[0]
        if _has(self._seen, primary, place):
            return self._from_primary(group, number, place, kind)
        if not isinstance(self._seen[primary], SecretsError):
            origin = self._origin(group, place)
            if origin is not None:
                return self._from_origin(group, number, place, kind, origin)
            if kind is None:
                return None
            if primary in self._chosen and not self._missing_answers(group):
                return kind if number == primary else Carried(primary)
        return self._kept_back(number, place, kind)

    def _from_primary(self, group: Group, number: int, place: Place, kind: Generate | None) -> DesiredValue:
        """Return the primary's value where it is missing or differs; at the primary, where it has no stamp."""
        primary = group.route[0]
        source = self._entry(primary, place)
        if source.state != "live":
            return self._kept_back(number, place, kind)
        if len(group.route) == 1 or self._in_sync(group, number, primary, place):
            return kind
        return Carried(primary, source.version, source.stamp if self._has_key(group, primary) else "")

    def _kept_back(self, number: int, place: Place, kind: Generate | None) -> Generate | None:
        """Return *kind* where target *number* has the secret; elsewhere make none, since a new value would differ."""
        if _has(self._seen, number, place):
            return kind
        if kind is not None:
            self.held.add(place)
        return None

    def _from_origin(self, group: Group, number: int, place: Place, kind: Generate | None, origin: int) -> DesiredValue:
        if number != group.route[0] and self._in_sync(group, number, origin, place):
            return kind
        source = self._entry(origin, place)
        return Carried(origin, source.version, source.stamp if self._has_key(group, origin) else "")

    def _in_sync(self, group: Group, number: int, source: int, place: Place) -> bool:
        """Tell whether target *number* certainly holds the value of *source*, with a stamp of the vault's key."""
        mine, theirs = self._seen[number], self._seen[source]
        assert isinstance(mine, Observed)
        assert isinstance(theirs, Observed)
        entry, other = mine.entry(place), theirs.entry(place)
        if entry is None or other is None or entry.state != "live":
            return False
        stamped = all(seen.caps.stamps and place not in seen.unstampable for seen in (mine, theirs))
        if place in mine.values and place in theirs.values and not stamped:
            return mine.values[place] == theirs.values[place]
        if not (self._has_key(group, number) and self._has_key(group, source)):
            return False
        return bool(entry.stamp) and entry.stamp == other.stamp

    def _has_key(self, group: Group, number: int) -> bool:
        """Tell whether the vault at target *number* has the stamp key that it is to have."""
        observed = self._seen[number]
        record = observed.record(group.vault) if isinstance(observed, Observed) else None
        return record is not None and record.key == _key(group, self._seen)

    def _origin(self, group: Group, place: Place) -> int | None:
        """Return the first target with the value, if the primary never had it; None if the primary has deleted it."""
        primary = self._seen[group.route[0]]
        if isinstance(primary, Observed) and place in primary.deleted:
            return None
        return next((number for number in _everywhere(group) if _is_live(self._seen, number, place)), None)

    def _missing_answers(self, group: Group) -> bool:
        return any(isinstance(self._seen[number], SecretsError) for number in _everywhere(group))

    def _entry(self, number: int, place: Place) -> Entry:
        observed = self._seen[number]
        entry = observed.entry(place) if isinstance(observed, Observed) else None
        assert entry is not None
        return entry


def _kept_values(desired: Desired, group: Group) -> Iterator[tuple[Place, Generate | None]]:
    """Yield the secrets of a vault whose values are only at the targets: generated ones, and those without a value."""
    for secret, wanted in sorted(desired.vaults[group.vault].items()):
        if wanted is None or isinstance(wanted, Generate):
            yield Place(group.vault, secret), wanted


def _everywhere(group: Group) -> tuple[int, ...]:
    return (*group.route, *group.elsewhere)


def _has(seen: Sequence[Seen], number: int, place: Place) -> bool:
    observed = seen[number]
    return isinstance(observed, Observed) and observed.entry(place) is not None


def _is_live(seen: Sequence[Seen], number: int, place: Place) -> bool:
    observed = seen[number]
    entry = observed.entry(place) if isinstance(observed, Observed) else None
    return entry is not None and entry.state == "live"


def _stamps(observed: Seen) -> bool:
    return isinstance(observed, Observed) and observed.caps.stamps


def _may_lack_stamp(observed: Seen, place: Place) -> bool:
    """Tell whether *place* has no stamp, and a write of this app may be the reason."""
    entry = observed.entry(place) if isinstance(observed, Observed) and observed.caps.stamps_apart else None
    return entry is not None and entry.state == "live" and not entry.stamp


def _usable(desired: Desired, layout: Layout, seen: Sequence[Seen]) -> list[Seen]:
    """Return what values and keys may come from: vaults at their targets, and old copies of ours elsewhere."""
    return [
        replace(
            observed,
            found={
                vault: state
                for vault, state in observed.found.items()
                if vault in layout.vaults(number) or (vault in layout.left(number) and _is_ours(desired, state))
            },
        )
        if isinstance(observed, Observed)
        else observed
        for number, observed in enumerate(seen)
    ]


def _is_ours(desired: Desired, vault: VaultState) -> bool:
    return desired.owner.owns(vault.record.owner if vault.record else None)


def _is_copy(desired: Desired, name: str, vault: VaultState) -> bool:
    """Tell whether *vault* is ours, and holds something of ours or nothing: an external secret stays where it is."""
    return _is_ours(desired, vault) and not vault.has_only(desired.external.get(name, ()))


def _key(group: Group, seen: Sequence[Seen]) -> Secret | None:
    """Return the stamp key that the vault has at its primary, else at the first other target; None for no key yet."""
    for number in _everywhere(group):
        observed = seen[number]
        record = observed.record(group.vault) if isinstance(observed, Observed) else None
        if record is not None and record.key.reveal():
            return record.key
    return None


def _keys(layout: Layout, seen: Sequence[Seen], number: int) -> dict[str, Secret]:
    """Return the stamp keys of the vaults of target *number* that have more than one target."""
    groups = [group for group in layout.groups if number in group.route and len(_everywhere(group)) > 1]
    return {group.vault: key for group in groups if (key := _key(group, seen)) is not None}


def _is_complete(desired: Desired, layout: Layout, seen: Sequence[Seen], number: int, vault: str) -> bool:
    """Tell whether every declared secret of a vault that left target *number* is at all its new targets."""
    groups = [group for group in layout.groups if group.vault == vault and number in group.elsewhere]
    places = [Place(vault, secret) for secret in desired.vaults[vault]]
    needed = [place for place in places if desired.vaults[vault][place.secret] is not None or _has(seen, number, place)]
    return all(_is_live(seen, target, place) for group in groups for target in group.route for place in needed) and all(
        _owns(desired, seen[target], vault) for group in groups for target in group.route
    )


def _owns(desired: Desired, observed: Seen, vault: str) -> bool:
    return isinstance(observed, Observed) and _is_ours(desired, observed.found.get(vault, VaultState()))


def _check_ids(layout: Layout, seen: Sequence[Seen]) -> None:
    """Raise ConfigError where a vault has one record at two targets: they are one store, and nothing may be deleted."""
    found: dict[tuple[str, str], int] = {}
    for number, observed in enumerate(seen):
        vaults: Mapping[str, VaultState] = observed.found if isinstance(observed, Observed) else {}
        for vault, state in vaults.items():
            identity = state.record.id if state.record else ""
            first = found.setdefault((vault, identity), number) if identity else number
            if first != number:
                raise ConfigError(
                    f"{layout.targets[first]} and {layout.targets[number]} are one store: "
                    f"both show the same record of vault {vault}; nothing was changed",
                    hint="name the store once; where one is a copy that another tool made, delete that copy first",
                    code="SAME_STORE",
                )
