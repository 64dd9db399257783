"""The driver: the seam's operations in terms of KV version 2."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from tailorsecrets.driver import ABSENT, PRESENT, Caps, Driver, Entry, Problem, Stored, Target
from tailorsecrets.errors import AlreadyExists, Conflict, Corrupt, NotFound, TooLarge, Unsupported
from tailorsecrets.secret import Secret
from tailorsecrets_vault import entries
from tailorsecrets_vault.client import Connection
from tailorsecrets_vault.entries import Facts
from tailorsecrets_vault.errors import Setting, meaning
from tailorsecrets_vault.hvac_types import InvalidPath, InvalidRequest, VaultError
from tailorsecrets_vault.kv import Kv, Spot
from tailorsecrets_vault.login import login_of
from tailorsecrets_vault.mounts import Folders, Mounts
from tailorsecrets_vault.options import settings_of
from tailorsecrets_vault.refusals import is_gone, is_stale
from tailorsecrets_vault.retry import insist

T = TypeVar("T")

CAPS: Final = Caps(
    max_name=1_024,
    max_bytes=1_000_000,
    empty=True,
    writes=True,
    lists=True,
    stats=True,
    stamps=True,
    cas="full",
    versions=True,
    undelete=True,
)
MOUNT_CAPS: Final = replace(CAPS, containers=True)
ENCODED: Final = 1_048_000  # bytes of a value as JSON that fit into an entry of a megabyte, with what goes with it
_TRIES: Final = 16  # of a write that may replace anything, while others write the same name


@dataclass(frozen=True, slots=True)
class _Before:
    """What a write meets."""

    entry: Entry
    number: int  # of the current version; 0: the name never had a value
    restorable: bool


class VaultDriver(Driver):
    """One Vault or OpenBao server."""

    def __init__(self, target: Target) -> None:
        settings, login = settings_of(target), login_of(target)
        self._connection = Connection(settings, login)
        self._kv, self._max_versions = Kv(self._connection, settings.field), settings.max_versions
        self._field, self._patience = settings.field, settings.timeout
        self._mounts = None if target.path.strip("/") else Mounts(self._connection)
        self._places = self._mounts or Folders(self._connection, target)
        self._setting = Setting(settings.address, login.way, mounts=self._mounts is not None)
        self.caps = MOUNT_CAPS if self._mounts else CAPS

    def explain(self, exc: Exception, op: str) -> Problem:
        """Say what *exc* means."""
        return meaning(exc, op, self._setting)

    def get(self, name: str, version: str = "") -> Stored:
        """Read the value of the current version, or of *version*."""
        spot, wanted = self._places.spot(name), entries.parse(version)
        if version and wanted is None:
            raise NotFound
        value, facts = self._looked(spot.mount, lambda: self._kv.read(spot, wanted.number if wanted else None))
        if wanted and facts["created_time"] != wanted.created:
            raise NotFound  # purged since, and written as often again
        if value is None:
            raise Corrupt(f"the entry has no text in the field {self._field}", hint="see the option field")
        return Stored(value, entries.read(name, facts))

    def stat(self, name: str) -> Entry:
        """Read the metadata."""
        return entries.current(name, self._metadata(self._places.spot(name)))

    def list(self, prefix: str, *, deleted: bool = False) -> Iterator[Entry]:
        """Yield what lives, or what was deleted and can be restored, folder by folder."""
        folder, start = self._places.folder(prefix)
        empty = True
        for path, metadata in self._walk(folder, start):
            empty = False
            entry = entries.current(f"{folder.mount}/{path}", metadata)
            if entry.state == ("deleted" if deleted else "live") and not entries.is_destroyed(metadata):
                yield entry
        if empty:
            self._places.check(folder.mount)

    def put(
        self,
        name: str,
        value: Secret,
        *,
        expect: str | None = None,
        stamp: str = "",
        tags: Mapping[str, str] | None = None,
    ) -> Entry:
        """Write a version over the one that *expect* allows, then its stamp; undelete what it replaced at last."""
        del tags  # no name is so long that it needs them
        check_size(value)
        spot = self._places.spot(name)
        self._places.check(spot.mount)
        before, facts = self._created(spot, value) if expect == ABSENT else self._replaced(spot, value, expect)
        if stamp or self._max_versions:
            mark = entries.stamped(stamp, facts)
            insist(lambda: self._kv.mark(spot, mark, self._max_versions), self._patience)
        if before is not None and before.restorable:
            number = before.number
            insist(lambda: self._kv.undelete(spot, number), self._patience)
        return entries.written(name, facts, stamp)

    def delete(self, name: str, *, purge: bool = False) -> None:
        """Mark the current version as deleted, or delete all versions."""
        spot = self._places.spot(name)
        self._places.check(spot.mount)
        try:
            (self._kv.purge if purge else self._kv.delete)(spot)
        except InvalidPath as exc:
            if not self._is_gone_vault(exc):
                raise

    def restore(self, name: str) -> Entry:
        """Take the mark off the current version."""
        spot = self._places.spot(name)
        before = self._before(spot)
        if before is None or not before.restorable:
            raise NotFound
        self._kv.undelete(spot, before.number)
        return replace(before.entry, name=name, state="live")

    def versions(self, name: str) -> Iterator[Entry]:
        """Yield the versions that are neither deleted nor destroyed."""
        metadata = self._metadata(self._places.spot(name))
        for number in sorted(map(int, metadata["versions"]), reverse=True):
            entry = entries.of_version(name, metadata, number)
            if entry.state == "live":
                yield entry

    def containers(self, prefix: str) -> Iterator[Entry]:
        """Yield the KV version 2 mounts under *prefix*."""
        return self._own_mounts().containers(prefix)

    def make(self, container: str, note: str) -> None:
        """Mount a new store, with *note* in its description."""
        self._own_mounts().make(container, note)

    def drop(self, container: str) -> None:
        """Unmount an empty store."""
        self._own_mounts().drop(container, self._kv)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _created(self, spot: Spot, value: Secret) -> tuple[_Before | None, Facts]:
        """Write what is not there; one call where nothing was ever there."""
        try:
            return None, self._kv.write(spot, value, 0)
        except InvalidRequest as exc:
            if not is_stale(exc):
                raise
        before = self._before(spot)
        if before is not None and before.entry.state == "live":
            raise AlreadyExists
        return before, self._kv.write(spot, value, before.number if before else 0)

    def _replaced(self, spot: Spot, value: Secret, expect: str | None) -> tuple[_Before | None, Facts]:
        """Write over the version that *expect* means; the server compares only numbers, so its time is read first."""
        for _ in range(_TRIES):
            before = self._before(spot)
            _check_expected(before, expect)
            try:
                return before, self._kv.write(spot, value, before.number if before else 0)
            except InvalidRequest as exc:
                if not is_stale(exc) or expect not in {None, PRESENT}:
                    raise
        raise Conflict

    def _before(self, spot: Spot) -> _Before | None:
        try:
            metadata = self._kv.metadata(spot)
        except InvalidPath:
            return None
        entry = entries.current(spot.path, metadata)
        restorable = entry.state == "deleted" and not entries.is_destroyed(metadata)
        return _Before(entry, metadata["current_version"], restorable)

    def _metadata(self, spot: Spot) -> Facts:
        return self._looked(spot.mount, lambda: self._kv.metadata(spot))

    def _looked(self, mount: str, look: Callable[[], T]) -> T:
        """Return what *look* finds; before a miss is believed, the mount must be of the right kind."""
        try:
            return look()
        except InvalidPath:
            self._places.check(mount)
            raise

    def _walk(self, folder: Spot, start: str) -> Iterator[tuple[str, Facts]]:
        try:
            yield from self._kv.walk(folder, start)
        except InvalidPath as exc:
            if not self._is_gone_vault(exc):
                raise

    def _is_gone_vault(self, exc: VaultError) -> bool:
        """Tell whether *exc* says that a vault's own mount is not there, so nothing is in it."""
        return self._mounts is not None and is_gone(exc)

    def _own_mounts(self) -> Mounts:
        if self._mounts is None:
            raise Unsupported
        return self._mounts


def check_size(value: Secret) -> None:
    """Raise TooLarge for a value that does not fit into an entry, where its JSON is longer than its text."""
    if _encoded(value.reveal()) > ENCODED:
        raise TooLarge("the value is over the store's limit: as JSON it does not fit into one entry")


def _encoded(text: str) -> int:
    """Return the bytes of *text* as JSON, at most; the server writes some characters in six bytes."""
    longer = 5 * sum(map(text.count, "<>&\b\f")) + 3 * sum(map(text.count, "\u2028\u2029"))
    return len(json.dumps(text, ensure_ascii=False).encode(errors="replace")) + longer


def _check_expected(before: _Before | None, expect: str | None) -> None:
    current = before.entry.version if before is not None and before.entry.state == "live" else ""
    if expect == PRESENT and not current:
        raise NotFound
    if expect not in {None, PRESENT, current}:
        raise Conflict
