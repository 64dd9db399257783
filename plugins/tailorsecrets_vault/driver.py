"""The driver: the seam's operations on KV version 2."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, TypeVar

from hvac.exceptions import Forbidden, InvalidPath, InvalidRequest, VaultError

from tailorsecrets.driver import ABSENT, PRESENT, Caps, Driver, Entry, Identity, Problem, Stored, Target, as_field
from tailorsecrets.errors import (
    AlreadyExists,
    Conflict,
    Corrupt,
    Denied,
    NotFound,
    SecretsError,
    TooLarge,
    Unsupported,
)
from tailorsecrets.secret import Secret
from tailorsecrets_vault import entries
from tailorsecrets_vault.client import Connection
from tailorsecrets_vault.entries import Json
from tailorsecrets_vault.errors import Context, meaning
from tailorsecrets_vault.identity import identity_in
from tailorsecrets_vault.kv import Kv, KvPath
from tailorsecrets_vault.login import login_of
from tailorsecrets_vault.messages import is_unmounted, is_version_mismatch
from tailorsecrets_vault.mounts import MountPerVault, OneMount
from tailorsecrets_vault.options import options_of
from tailorsecrets_vault.retry import failure_of

T = TypeVar("T")

CAPS: Final = Caps(
    max_name=1_024,
    max_bytes=1_000_000,
    empty=True,
    writes=True,
    lists=True,
    stats=True,
    stamps=True,
    stamps_apart=True,
    cas="full",
    versions=True,
    undelete=True,
)
MOUNT_CAPS: Final = replace(CAPS, containers=True)
MAX_JSON: Final = 1_048_000  # bytes of a value as JSON; the whole entry may have a megabyte
_TRIES: Final = 16  # of a write that may replace anything, while others write the same name


@dataclass(frozen=True, slots=True)
class _Current:
    """The state of a secret before a write."""

    entry: Entry
    number: int  # of the current version; 0: the name never had a value
    restorable: bool


class VaultDriver(Driver):
    """One Vault or OpenBao server."""

    def __init__(self, target: Target) -> None:
        options, login = options_of(target), login_of(target)
        self._options, self._login, self._connection = options, login, Connection(options, login)
        self._kv = Kv(self._connection, options.field)
        self._vaults = None if target.path.strip("/") else MountPerVault(self._connection)
        self._mounts = self._vaults or OneMount(self._connection, target)
        self._context = Context(options.address, login.method, mount_per_vault=self._vaults is not None)
        self.caps = MOUNT_CAPS if self._vaults else CAPS

    def explain(self, exc: Exception, op: str) -> Problem:
        """Return the meaning of *exc*."""
        return meaning(exc, op, self._context)

    def get(self, name: str, version: str = "") -> Stored:
        """Read the value of the current version, or of *version*."""
        value, entry = self._version(name, version, self._kv.read)
        if value is None:
            raise Corrupt(f"the entry has no text in the field {self._options.field}", hint="see the option field")
        return Stored(value, entry)

    def native(self, name: str) -> str:
        """Mark *name* with a slash: a path in the mount of the URL, or in the mount that *name* begins with."""
        return f"/{name}"

    def get_field(self, name: str, field: str, version: str = "") -> Stored:
        """Read one field of the entry."""
        fields, entry = self._version(name, version, self._kv.read_fields)
        return Stored(as_field(fields, field), entry)

    def stat(self, name: str) -> Entry:
        """Read the metadata."""
        return entries.current(name, self._metadata(self._mounts.path(name)))

    def list(self, prefix: str, *, deleted: bool = False) -> Iterator[Entry]:
        """Yield the live secrets, or the deleted ones that can be restored, folder by folder."""
        folder, start = self._mounts.folder(prefix)
        empty = True
        for path, metadata in self._walk(folder, start):
            empty = False
            entry = entries.current(f"{folder.mount}/{path}", metadata)
            if entry.state == ("deleted" if deleted else "live") and not entries.is_destroyed(metadata):
                yield entry
        if empty:
            self._mounts.check(folder.mount)

    def put(
        self,
        name: str,
        value: Secret,
        *,
        expect: str | None = None,
        stamp: str = "",
        tags: Mapping[str, str] | None = None,
    ) -> Entry:
        """Write a version over the one that *expect* allows, then its stamp; last, undelete the version before.

        Once the version is written, the put is done: where a call after it fails, the entry's note says so.
        """
        del tags  # no name is so long that it needs them
        check_size(value)
        path = self._mounts.path(name)
        self._mounts.check(path.mount)
        before, version = self._create(path, value) if expect == ABSENT else self._replace(path, value, expect)
        unstamped, still_deleted = self._patch_metadata(path, stamp, version), self._undelete(path, before)
        note = "; ".join(filter(None, (unstamped, still_deleted)))
        return entries.written(name, version, "" if unstamped else stamp, note)

    def delete(self, name: str, *, purge: bool = False) -> None:
        """Mark the current version as deleted, or delete all versions."""
        path = self._mounts.path(name)
        self._mounts.check(path.mount)
        try:
            (self._kv.purge if purge else self._kv.delete)(path)
        except InvalidPath as exc:
            if not self._is_dropped_vault(exc):
                raise

    def restore(self, name: str) -> Entry:
        """Remove the deletion mark of the current version."""
        path = self._mounts.path(name)
        before = self._current(path)
        if before is None or not before.restorable:
            raise NotFound
        self._kv.undelete(path, before.number)
        return replace(before.entry, name=name, state="live")

    def check_stamp(self, name: str) -> None:
        """Send an empty patch of the metadata."""
        self._kv.patch_nothing(self._mounts.path(name))

    def versions(self, name: str) -> Iterator[Entry]:
        """Yield the versions that are neither deleted nor destroyed."""
        metadata = self._metadata(self._mounts.path(name))
        for number in sorted(map(int, metadata["versions"]), reverse=True):
            entry = entries.of_version(name, metadata, number)
            if entry.state == "live":
                yield entry

    def containers(self, prefix: str) -> Iterator[Entry]:
        """Yield the KV version 2 mounts under *prefix*."""
        return self._mount_per_vault().containers(prefix)

    def make(self, container: str, note: str) -> None:
        """Mount a new store, with *note* in its description."""
        self._mount_per_vault().make(container, note)

    def drop(self, container: str) -> None:
        """Unmount an empty store."""
        self._mount_per_vault().drop(container, self._kv)

    def identity(self) -> Identity:
        """Look up the token. The answer to a token without that right is the same as to one that is not accepted."""
        try:
            answer = self._connection.call(lambda client: client.auth.token.lookup_self())
        except Forbidden:
            raise Denied("the token may not look itself up, or is not accepted") from None
        return identity_in(answer["data"], datetime.now(UTC), given=self._login.method == "token")

    def skew(self) -> float | None:
        """Return the difference to the server's clock."""
        return self._connection.clock.ahead

    def locate(self, name: str) -> str:
        """Return the mount; the server is asked only if the path and the option ``mount`` do not show it."""
        return self._mounts.path(name).mount

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _create(self, path: KvPath, value: Secret) -> tuple[_Current | None, Json]:
        """Write a secret that does not exist; one call where the name is new."""
        try:
            return None, self._kv.write(path, value, 0)
        except InvalidRequest as exc:
            if not is_version_mismatch(exc):
                raise
        before = self._current(path)
        if before is not None and before.entry.state == "live":
            raise AlreadyExists
        return before, self._kv.write(path, value, before.number if before else 0)

    def _replace(self, path: KvPath, value: Secret, expect: str | None) -> tuple[_Current | None, Json]:
        """Write over the version *expect*; the server compares only numbers, so its time is compared first."""
        for _ in range(_TRIES):
            before = self._current(path)
            _check_expected(before, expect)
            try:
                return before, self._kv.write(path, value, before.number if before else 0)
            except InvalidRequest as exc:
                if expect not in {None, PRESENT} or not is_version_mismatch(exc):
                    raise
        raise Conflict

    def _patch_metadata(self, path: KvPath, stamp: str, version: Json) -> str:
        """Set the stamp and ``max_versions`` after a write; return a note if that fails."""
        stamped, max_versions = entries.stamped(stamp, version), self._options.max_versions
        if not stamped and not max_versions:
            return ""
        missing = "its stamp is missing" if stamped else "max_versions is not set"
        return self._note(missing, lambda: self._kv.patch_metadata(path, stamped, max_versions))

    def _undelete(self, path: KvPath, before: _Current | None) -> str:
        """Bring the deleted version *before* back into the history after a write; return a note if that fails."""
        if before is None or not before.restorable:
            return ""
        return self._note("the previous version stays deleted", lambda: self._kv.undelete(path, before.number))

    def _note(self, missing: str, do: Callable[[], object]) -> str:
        failure = failure_of(do, self._options.timeout)
        if failure is None:
            return ""
        kind = type(failure) if isinstance(failure, SecretsError) else self.explain(failure, "put").kind
        return f"the value is written, but {missing}: {kind.meaning}"

    def _version(
        self, name: str, version: str, read: Callable[[KvPath, int | None], tuple[T, Json]]
    ) -> tuple[T, Entry]:
        """Return what *read* finds in the current version or in *version*, and its entry."""
        path, wanted = self._mounts.path(name), entries.parse(version)
        if version and wanted is None:
            raise NotFound
        value, found = self._read(path, lambda: read(path, wanted.number if wanted else None))
        if wanted and found["created_time"] != wanted.created:
            raise NotFound  # purged since, and written as often again
        return value, entries.read(name, found)

    def _current(self, path: KvPath) -> _Current | None:
        """Return the state of the secret, None where it does not exist."""
        try:
            metadata = self._kv.metadata(path)
        except InvalidPath:
            return None
        entry = entries.current(path.path, metadata)
        restorable = entry.state == "deleted" and not entries.is_destroyed(metadata)
        return _Current(entry, metadata["current_version"], restorable)

    def _metadata(self, path: KvPath) -> Json:
        return self._read(path, lambda: self._kv.metadata(path))

    def _read(self, path: KvPath, read: Callable[[], T]) -> T:
        """Return what *read* returns; a secret counts as missing only if the mount is of the right type."""
        try:
            return read()
        except InvalidPath:
            self._mounts.check(path.mount)
            raise

    def _walk(self, folder: KvPath, start: str) -> Iterator[tuple[str, Json]]:
        try:
            yield from self._kv.walk(folder, start)
        except InvalidPath as exc:
            if not self._is_dropped_vault(exc):
                raise

    def _is_dropped_vault(self, exc: VaultError) -> bool:
        """Tell whether *exc* says that the mount of a vault is absent, so that nothing is in it."""
        return self._vaults is not None and is_unmounted(exc)

    def _mount_per_vault(self) -> MountPerVault:
        if self._vaults is None:
            raise Unsupported
        return self._vaults


def check_size(value: Secret) -> None:
    """Raise TooLarge for a value that does not fit into an entry, because its JSON is longer than its text."""
    if _json_bytes(value.reveal()) > MAX_JSON:
        raise TooLarge("the value is over the store's limit: as JSON it does not fit into one entry")


def _json_bytes(text: str) -> int:
    """Return the bytes of *text* as JSON, at most; the server writes some characters in six bytes."""
    longer = 5 * sum(map(text.count, "<>&\b\f")) + 3 * sum(map(text.count, "\u2028\u2029"))
    return len(json.dumps(text, ensure_ascii=False).encode(errors="replace")) + longer


def _check_expected(before: _Current | None, expect: str | None) -> None:
    current = before.entry.version if before is not None and before.entry.state == "live" else ""
    if expect == PRESENT and not current:
        raise NotFound
    if expect not in {None, PRESENT, current}:
        raise Conflict
