"""The plan of an apply: the difference between the desired and the observed state. Pure."""

from collections.abc import Collection, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal

from tailorsecrets.declared.sources import Generate
from tailorsecrets.driver import ABSENT, PRESENT, Caps, Entry
from tailorsecrets.secret import Secret
from tailorsecrets.store.names import Place
from tailorsecrets.store.record import Owner, Record
from tailorsecrets.store.workspace import VaultState

Action = Literal["create", "update", "delete"]


@dataclass(frozen=True, slots=True)
class Carried:
    """The value that another target holds, or gets in the same run.

    ``target`` is the number of that target in the joint plan; ``version`` and ``stamp`` are what the plan saw there.
    """

    target: int
    version: str = ""
    stamp: str = ""


@dataclass(frozen=True, slots=True)
class Rotation:
    """A new value for a generated secret that has one. ``note`` says why, such as "rotate: 93 days old"."""

    source: Generate
    note: str = "rotate"

    def make(self) -> Secret:
        """Return the new value."""
        return self.source.make()


@dataclass(frozen=True, slots=True)
class Restored:
    """What was deleted, with its value, its stamp and its labels: the store undoes the deletion."""


@dataclass(frozen=True, slots=True)
class Owned:
    """The owner that a vault gets in place of the plan's; None: nobody."""

    owner: Owner | None = None


DesiredValue = Secret | Generate | Carried | Rotation | None  # None: no value, and the config says to skip those
StepValue = Secret | Generate | Carried | Rotation | Restored | Owned


@dataclass(frozen=True, slots=True)
class Desired:
    """The state that apply makes: the owner, the values by vault and secret, and the secrets that others manage.

    ``known`` are the names to look for in a store that cannot list; other secrets there cannot be found or deleted.
    """

    owner: Owner
    vaults: Mapping[str, Mapping[str, DesiredValue]]
    external: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    known: Mapping[str, Collection[str]] = field(default_factory=dict[str, Collection[str]])


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do to a secret, or with no secret named, to a vault's record.

    An update of a vault writes its record. ``expect`` is the version that the plan saw, ABSENT for none, PRESENT where
    the store tells no version. ``for_good`` marks a deletion that the store cannot undo. ``note`` says why, where the
    action alone does not.
    """

    action: Action
    place: Place
    value: StepValue | None = None
    expect: str = ABSENT
    for_good: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """All steps in the order in which they are done, and facts that a person should know before.

    ``records`` are the records of declared vaults as they were seen, with the stamp key that each is to have; ``owned``
    counts the secrets in the store that the app owns; ``compared_values`` says that the store has no stamps, so values
    were read and compared; ``trusted`` counts the secrets whose metadata was not read, because of the stamps in a list;
    ``unread`` are vaults outside of the config whose records cannot be read: their owners are not known, so apply
    leaves them alone; ``unknown`` are secrets of the app without a stamp whose values may not be read: apply leaves
    them alone too, since another write may end without a stamp again. ``unlisted`` says that the store cannot list, so
    that only declared names were looked at, and ``read_values`` that it has no metadata read, so that the plan read
    values for it.

    With several targets, ``moved`` are the vaults that the target still holds and that the profile sends elsewhere,
    ``ready`` those of them whose secrets are all at the new targets, and ``copies`` those that the plan deletes here.
    ``held`` are generated secrets that are not made, because a target that may hold them does not answer or has them
    disabled.

    ``overwrites`` are other values, about which a person is asked before they are replaced. ``versions`` are those of
    declared secrets, as they were seen. With ``read_back``, each value that is written is read again and compared.
    ``declares``: the config declares a vault, here or elsewhere.
    """

    owner: Owner
    steps: tuple[Step, ...]
    records: Mapping[str, Record | None]
    unmanaged: tuple[str, ...] = ()
    conflicts: tuple[tuple[str, Owner], ...] = ()
    skipped: tuple[Place, ...] = ()
    owned: int = 0
    compared_values: bool = False
    trusted: int = 0
    unread: tuple[str, ...] = ()
    unknown: tuple[Place, ...] = ()
    unlisted: bool = False
    read_values: bool = False
    moved: tuple[str, ...] = ()
    ready: tuple[str, ...] = ()
    copies: frozenset[str] = frozenset()
    held: tuple[Place, ...] = ()
    overwrites: tuple[Place, ...] = ()
    versions: Mapping[Place, str] = field(default_factory=dict[Place, str])
    read_back: bool = False
    declares: bool = True

    def count(self, action: Action) -> int:
        """Return how many steps are of this *action*."""
        return sum(step.action == action for step in self.steps)

    def deletions(self) -> list[Step]:
        """Return the steps that delete, but for those of old copies, which are complete at other targets."""
        return [step for step in self.steps if step.action == "delete" and step.place.vault not in self.copies]

    def claimed(self) -> frozenset[str]:
        """Return the vaults that the plan takes over, from nobody or from another owner."""
        return frozenset(self.unmanaged) | {vault for vault, _ in self.conflicts}


def diff(
    desired: Desired,
    found: Mapping[str, VaultState],
    *,
    prune: bool = True,
    values: Mapping[Place, Secret] | None = None,
    unknown: AbstractSet[Place] = frozenset(),
    keys: Mapping[str, Secret] = MappingProxyType({}),
    moved: AbstractSet[str] = frozenset(),
    caps: Caps = Caps(stamps=True, undelete=True),  # noqa: B008  # frozen
) -> Plan:
    """Return the plan that makes the state *found* equal to *desired*.

    Without *prune* nothing is deleted. *values* are the values that the store holds now of secrets without a stamp, as
    far as they were read, and *unknown* are those that may not be read. *keys* are stamp keys that replace those of
    vaults, and *moved* are vaults outside of *desired* that stay. *caps* say what the store can do.
    """
    there = {
        vault: _with_key(found[vault], keys.get(vault))
        for vault in sorted(desired.vaults)
        if vault in found and not _is_unfinished(desired, found[vault])
    }
    rekeyed = {vault for vault, seen in there.items() if seen.record and seen.record != found[vault].record}
    owners = {vault: _owner(vault_found) for vault, vault_found in there.items()}
    steps = [*_vault_steps(desired, owners, there, rekeyed), *_secret_steps(desired, there, values or {}, unknown)]
    if prune:
        steps += _deletions(desired, {vault: seen for vault, seen in found.items() if vault not in moved}, caps)
    return Plan(
        owner=desired.owner,
        steps=tuple(steps),
        records={vault: _record(there.get(vault), keys.get(vault)) for vault in desired.vaults},
        unmanaged=tuple(vault for vault, owner in owners.items() if owner is None),
        conflicts=tuple((vault, owner) for vault, owner in owners.items() if owner and not desired.owner.owns(owner)),
        skipped=tuple(place for place, wanted in _secrets(desired) if wanted is None),
        owned=sum(len(vault.secrets) for vault in found.values() if desired.owner.owns(_owner(vault))),
        compared_values=not caps.stamps,
        declares=bool(desired.vaults),
        unread=tuple(vault for vault, seen in sorted(found.items()) if seen.problem),
        unknown=tuple(sorted(unknown)),
        moved=tuple(sorted(moved & set(found))),
        versions={
            Place(vault, secret): entry.version
            for vault in desired.vaults
            for secret, entry in found.get(vault, VaultState()).secrets.items()
            if secret in desired.vaults[vault]
        },
    )


def _with_key(vault: VaultState, key: Secret | None) -> VaultState:
    if key is None or vault.record is None or vault.record.key == key:
        return vault
    return vault._replace(record=replace(vault.record, key=key))


def _record(vault: VaultState | None, key: Secret | None) -> Record | None:
    """Return the record of *vault* as it was seen; without a version if only its future key is known."""
    if vault is not None and vault.record is not None:
        return vault.record
    return None if key is None else Record(key=key)


def _is_unfinished(desired: Desired, vault: VaultState) -> bool:
    """Tell whether an apply of this app made the vault's container, or emptied it, and stopped there."""
    return vault.record is None and not vault.secrets and vault.made_for == desired.owner.identity


def _owner(vault: VaultState) -> Owner | None:
    return vault.record.owner if vault.record else None


def _is_conflicted(vault: VaultState) -> bool:
    return vault.record is not None and vault.record.conflicted


def _secrets(desired: Desired) -> Iterator[tuple[Place, DesiredValue]]:
    for vault, secrets in sorted(desired.vaults.items()):
        for secret, wanted in sorted(secrets.items()):
            yield Place(vault, secret), wanted


def _vault_steps(
    desired: Desired, owners: Mapping[str, Owner | None], found: Mapping[str, VaultState], rekeyed: AbstractSet[str]
) -> Iterator[Step]:
    for vault in sorted(desired.vaults):
        if vault not in owners:
            yield Step("create", Place(vault))
        elif owners[vault] != desired.owner or _is_conflicted(found[vault]):
            yield Step("update", Place(vault))
        elif vault in rekeyed:
            yield Step("update", Place(vault), note="stamp key")


def _secret_steps(
    desired: Desired,
    there: Mapping[str, VaultState],
    values: Mapping[Place, Secret],
    unknown: AbstractSet[Place],
) -> Iterator[Step]:
    for place, wanted in _secrets(desired):
        vault = there.get(place.vault, VaultState())
        entry = vault.secrets.get(place.secret)
        if wanted is None or place in unknown:
            continue
        if entry is None:
            yield Step("create", place, wanted)
        elif _must_write(place, wanted, entry, vault.record, values):
            yield Step("update", place, wanted, entry.version or PRESENT, note=_note(wanted))


def _note(wanted: StepValue) -> str:
    return wanted.note if isinstance(wanted, Rotation) else ""


def _must_write(
    place: Place, wanted: StepValue, entry: Entry, record: Record | None, values: Mapping[Place, Secret]
) -> bool:
    if isinstance(wanted, Secret):
        return not _unchanged(place, wanted, entry, record, values)
    return isinstance(wanted, Carried | Rotation)


def _unchanged(
    place: Place, wanted: Secret, entry: Entry, record: Record | None, values: Mapping[Place, Secret]
) -> bool:
    if entry.state != "live":
        return False
    if place in values:
        return values[place] == wanted
    return record is not None and bool(entry.stamp) and entry.stamp == record.stamp(place.secret, wanted)


def _deletions(desired: Desired, found: Mapping[str, VaultState], caps: Caps) -> Iterator[Step]:
    undeclared = [(name, vault) for name, vault in sorted(found.items()) if name not in desired.vaults]
    gone = [name for name, vault in undeclared if desired.owner.owns(_owner(vault)) or _is_unfinished(desired, vault)]
    dropped = [vault for vault in gone if not any(_stays(desired, vault, secret) for secret in found[vault].secrets)]
    for vault in sorted([*desired.vaults, *gone]):
        for_good = _is_for_good(caps, dropped=vault in dropped)
        for secret, entry in sorted(found.get(vault, VaultState()).secrets.items()):
            if not _stays(desired, vault, secret):
                yield Step("delete", Place(vault, secret), expect=entry.version, for_good=for_good)
    for vault in dropped:
        record = found[vault].record
        version = record.version if record else ABSENT
        yield Step("delete", Place(vault), expect=version, for_good=_is_for_good(caps, dropped=True))


def _is_for_good(caps: Caps, *, dropped: bool) -> bool:
    """Tell whether the store cannot undo a deletion: a vault's container is dropped with all versions in it."""
    return not caps.undelete or (caps.containers and dropped)


def _stays(desired: Desired, vault: str, secret: str) -> bool:
    return secret in desired.vaults.get(vault, {}) or secret in desired.external.get(vault, ())
