"""The state of each secret at each target, by metadata. Pure."""

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, get_args

from tailorsecrets.driver import Entry
from tailorsecrets.errors import Denied, SecretsError, Unauthenticated
from tailorsecrets.secret import Secret
from tailorsecrets.store.names import Place
from tailorsecrets.store.record import Owner, Record
from tailorsecrets.store.survey import Names, Seen
from tailorsecrets.store.workspace import VaultState
from tailorsecrets.targets.choice import Choice

State = Literal[
    "unreachable",  # the target, or the record of the vault, cannot be read
    "denied",  # this login may not see it
    "owner",  # the vault belongs to another owner
    "unmanaged",  # the vault has no owner
    "missing",  # it should be there
    "extra",  # it is in a vault of the app, and the config does not declare it
    "moved",  # the profile keeps the vault elsewhere
    "disabled",  # nobody can read it
    "by hand",  # another tool or a person wrote this version
    "differs",  # not what the primary has
    "in sync",  # the stamp proves the declared value
    "ours",  # the stamp proves that the app wrote it
    "unknown",  # the store has no stamps
    "there",  # an external secret
]  # in the order of precedence

ORDER: Final[tuple[State, ...]] = get_args(State)
CALM: Final[frozenset[State]] = frozenset({"in sync", "ours", "unknown", "there"})
Key = Hashable  # identifies a target


@dataclass(frozen=True, slots=True)
class Cell:
    """What one target holds at one place, and when this version was written, if the store reports it."""

    state: State
    updated: datetime | None = None
    owner: str = ""  # the name of the other owner

    @property
    def text(self) -> str:
        """The state in words."""
        return f"owner: {self.owner}" if self.state == "owner" else self.state


@dataclass(frozen=True, slots=True)
class Column:
    """What was seen at one target.

    ``seen`` is None for a target that could not be read, and for one that has only native places. ``error`` is why it
    could not be read, or that the store does not exist. ``stamps``: the store has stamps. ``native`` is what is at the
    native places of external secrets.
    """

    target: Choice
    seen: Seen | None = None
    error: SecretsError | None = None
    stamps: bool = True
    native: Mapping[Place, Entry | SecretsError | None] = field(
        default_factory=dict[Place, Entry | SecretsError | None]
    )
    profiles: tuple[str, ...] = ()

    @property
    def state(self) -> State | None:
        """The state of everything in a target that could not be read, None for one that was read."""
        return _state_of(self.error) if self.error and self.seen is None else None


@dataclass(frozen=True, slots=True)
class Declared:
    """What the config declares: the secrets of the app and of others, and the values whose sources are here."""

    owner: Owner
    names: Names
    external: Names = field(default_factory=dict[str, Collection[str]])
    values: Mapping[Place, Secret] = field(default_factory=dict[Place, Secret])


@dataclass(frozen=True, slots=True)
class Homes:
    """Where things belong: the primary of each vault at each of its targets, and the targets of external secrets.

    ``kept`` are vaults that other profiles, which the command does not name, keep in a target.
    """

    primaries: Mapping[tuple[str, Key], Key]
    external: Collection[tuple[Place, Key]] = ()
    kept: Collection[tuple[str, Key]] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """A secret, or a vault where the secrets do not show its state; a cell is None where there is nothing to show."""

    place: Place
    cells: tuple[Cell | None, ...]
    external: bool = False


def table(declared: Declared, homes: Homes, columns: Mapping[Key, Column], vaults: Collection[str] = ()) -> list[Row]:
    """Return the rows by name, with a cell for each of *columns*; *vaults*: only these vaults."""
    made = _Table(declared, homes, columns)
    rows = [*made.secrets(), *made.external()]
    rows += made.vaults(rows)
    return sorted((row for row in rows if not vaults or row.place.vault in vaults), key=lambda row: row.place)


def is_calm(rows: Iterable[Row]) -> bool:
    """Tell whether every cell is in a state that needs no action."""
    return all(cell is None or cell.state in CALM for row in rows for cell in row.cells)


def counts(rows: Iterable[Row]) -> dict[State, int]:
    """Return how many cells are in each state, in the order of precedence, without those that no cell is in."""
    states = [cell.state for row in rows for cell in row.cells if cell]
    return {state: states.count(state) for state in ORDER if state in states}


def _state_of(error: SecretsError) -> State:
    return "denied" if isinstance(error, Denied | Unauthenticated) else "unreachable"


class _Table:
    def __init__(self, declared: Declared, homes: Homes, columns: Mapping[Key, Column]) -> None:
        self._declared, self._homes, self._columns = declared, homes, columns

    def secrets(self) -> Iterator[Row]:
        """Yield a row for each secret that is declared, or that is in a vault of the app."""
        for place in sorted({*self._declared_places(), *self._found_places()}):
            yield Row(place, tuple(self._secret(place, key) for key in self._columns))

    def external(self) -> Iterator[Row]:
        """Yield a row for each secret that others manage."""
        for vault, secrets in self._declared.external.items():
            for place in (Place(vault, secret) for secret in secrets):
                yield Row(place, tuple(self._external(place, key) for key in self._columns), external=True)

    def vaults(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Yield a row for each vault that has a state at a target where none of *rows* has a cell of it."""
        shown = {
            (row.place.vault, key) for row in rows for key, cell in zip(self._columns, row.cells, strict=True) if cell
        }
        for vault in sorted({*self._declared.names, *self._left_vaults()}):
            cells = {key: self._vault(vault, key) for key in self._columns}
            if any(cell and (vault, key) not in shown for key, cell in cells.items()):
                yield Row(Place(vault), tuple(cells.values()))

    def _declared_places(self) -> Iterator[Place]:
        for vault, secrets in self._declared.names.items():
            yield from (Place(vault, secret) for secret in secrets)

    def _found_places(self) -> Iterator[Place]:
        """Yield the secrets in vaults of the app, but for external ones."""
        for column in self._columns.values():
            for vault, state in column.seen.vaults.items() if column.seen else ():
                if self._is_ours(state):
                    others = self._declared.external.get(vault, ())
                    yield from (Place(vault, secret) for secret in state.secrets if secret not in others)

    def _left_vaults(self) -> Iterator[str]:
        """Yield the vaults of the app that the config does not name any more."""
        for column in self._columns.values():
            for vault, state in column.seen.vaults.items() if column.seen else ():
                if self._is_ours(state) and vault not in self._declared.external:
                    yield vault

    def _is_ours(self, state: VaultState) -> bool:
        return state.record is not None and self._declared.owner.owns(state.record.owner)

    def _vault(self, vault: str, key: Key) -> Cell | None:
        """Return the cell of the vault itself."""
        column = self._columns[key]
        if column.state:
            return Cell(column.state)
        cell = self._vault_as_seen(vault, column.seen or Seen({}))
        if (vault, key) in self._homes.primaries:
            return cell
        if cell.state != "ours" or (vault, key) in self._homes.kept or self._is_left_to_others(vault, column):
            return None
        return Cell("moved" if vault in self._declared.names else "extra")

    def _vault_as_seen(self, vault: str, seen: Seen) -> Cell:
        """Return the cell of the vault where it belongs to the target."""
        state = seen.vaults.get(vault)
        if Place(vault) in seen.denied:
            return Cell("denied")
        if state is None or self._is_unfinished(state):
            return Cell("missing")
        return Cell("ours") if self._is_ours(state) else _foreign(state)

    def _is_left_to_others(self, vault: str, column: Column) -> bool:
        """Tell whether the target has external secrets of *vault*, and nothing else of it."""
        state = column.seen.vaults.get(vault, VaultState()) if column.seen else VaultState()
        return state.has_only(self._declared.external.get(vault, ()))

    def _is_unfinished(self, state: VaultState) -> bool:
        """Tell whether an apply of this app made the vault's container, and stopped there."""
        return state.record is None and not state.secrets and state.made_for == self._declared.owner.identity

    def _secret(self, place: Place, key: Key) -> Cell | None:
        """Return the cell of a secret that others do not manage."""
        column, vault = self._columns[key], self._vault(place.vault, key)
        if column.state or vault is None or column.seen is None:
            return vault
        if place in column.seen.denied:
            return Cell("denied")
        state = column.seen.vaults.get(place.vault, VaultState())
        entry = state.secrets.get(place.secret)
        if entry is None:
            return self._absent(place, vault)
        if vault.state not in {"ours", "extra", "moved"}:
            return Cell(vault.state, entry.updated, vault.owner)
        return Cell(self._kept(place, key, vault, state.record, entry), entry.updated)

    def _kept(self, place: Place, key: Key, vault: Cell, record: Record | None, entry: Entry) -> State:
        """Return the state of a secret that is there, in a vault of the app."""
        if not self._is_declared(place):
            return "extra"
        return "moved" if vault.state == "moved" else self._proven(place, key, record, entry)

    def _absent(self, place: Place, vault: Cell) -> Cell | None:
        """Return the cell of a secret that is not there, in a vault with the cell *vault*."""
        if vault.state in {"extra", "moved"} or not self._is_declared(place):
            return None
        return Cell("missing") if vault.state == "ours" else vault

    def _is_declared(self, place: Place) -> bool:
        return place.secret in self._declared.names.get(place.vault, ())

    def _proven(self, place: Place, key: Key, record: Record | None, entry: Entry) -> State:
        """Return the state of a declared secret in its place, by its entry and its stamp."""
        if entry.state == "disabled":
            return "disabled"
        if not self._columns[key].stamps:
            return "unknown"
        if not entry.stamp or record is None:
            return "by hand"
        value = self._declared.values.get(place)
        in_sync = value is not None and entry.stamp == record.stamp(place.secret, value)
        if self._differs(place, key, record, entry, in_sync=in_sync):
            return "differs"
        return "in sync" if in_sync else "ours"

    def _differs(self, place: Place, key: Key, record: Record, entry: Entry, *, in_sync: bool) -> bool:
        """Tell whether a replica is known to differ from the primary.

        With two stamp keys the stamps cannot be compared; apply then writes the replica again.
        """
        primary = self._homes.primaries[place.vault, key]
        column = self._columns.get(primary)
        if primary == key or column is None or column.seen is None or not column.stamps:
            return False
        cell = self._vault(place.vault, primary)
        if place in column.seen.denied or cell is None or cell.state not in {"ours", "missing"}:
            return False
        state = column.seen.vaults.get(place.vault, VaultState())
        first = state.secrets.get(place.secret)
        if first is None or state.record is None:
            return True
        if not first.stamp:
            return False
        return first.stamp != entry.stamp if state.record.key == record.key else not in_sync

    def _external(self, place: Place, key: Key) -> Cell | None:
        """Return the cell of a secret that others manage."""
        column = self._columns[key]
        if place not in column.native and (place, key) not in self._homes.external:
            return None
        if column.state:
            return Cell(column.state)
        if place in column.native:
            return _there(column.native[place])
        seen = column.seen or Seen({})
        if place in seen.denied or Place(place.vault) in seen.denied:
            return Cell("denied")
        return _there(seen.vaults.get(place.vault, VaultState()).secrets.get(place.secret))


def _foreign(state: VaultState) -> Cell:
    """Return the cell of a vault that is not the app's."""
    if state.problem:
        return Cell(_state_of(state.problem))
    owner = state.record.owner if state.record else None
    return Cell("owner", owner=owner.name or owner.id) if owner else Cell("unmanaged")


def _there(found: Entry | SecretsError | None) -> Cell:
    if isinstance(found, SecretsError):
        return Cell(_state_of(found))
    return Cell("there", found.updated) if found else Cell("missing")
