"""A store in memory with every capability: the reference for tests that need no server."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Final

from tailorsecrets.driver import ABSENT, PRESENT, Caps, Driver, Entry, Problem, Stored
from tailorsecrets.errors import (
    AlreadyExists,
    Conflict,
    Denied,
    NameInvalid,
    NotEmpty,
    NotFound,
    SecretsError,
    TooLarge,
    Unsupported,
    ValueInvalid,
)
from tailorsecrets.secret import Secret
from tailorsecrets.testing.server import MemoryBackdoor, Record, Server

FULL: Final = Caps(
    empty=True,
    writes=True,
    lists=True,
    stats=True,
    stamps=True,
    tags=True,
    cas="full",
    versions=True,
    undelete=True,
    transactions=True,
    batch=20,
)
WITH_CONTAINERS: Final = replace(FULL, containers=True)
WRITES: Final = ("put", "delete", "restore", "make", "drop")


class Memory(Driver):
    """A driver whose store is a :class:`Server` in this process; without one it gets its own.

    *caps* switches capabilities off: ``Memory(caps=replace(FULL, stamps=False))``. What they do not announce raises
    Unsupported, so a caller that asks for it is found out. With ``list_lag`` the list shows nothing new until
    ``settle`` is called; the number of seconds does not matter.
    """

    def __init__(self, *, caps: Caps = FULL, server: Server | None = None) -> None:
        self.caps = caps
        self.server = server or Server()
        self.backdoor = MemoryBackdoor(self.server)
        self._log: list[str] = []  # appended to by many threads without a lock, which a list allows

    @property
    def calls(self) -> Counter[str]:
        """How often each method was called, by name."""
        return Counter(self._log)

    @property
    def value_reads(self) -> int:
        """How many calls returned values."""
        return self.calls["get"] + self.calls["get_many"]

    @property
    def writes(self) -> int:
        """How many calls changed the store."""
        return sum(self.calls[op] for op in WRITES)

    def forget_calls(self) -> None:
        """Start counting anew."""
        self._log.clear()

    def settle(self) -> None:
        """Let the lagging list catch up."""
        self.backdoor.settle()

    def get(self, name: str, version: str = "") -> Stored:
        """Return the value from memory."""
        self._enter("get", able=self.caps.versions or not version)
        return self._read(name, version)

    def get_many(self, names: Sequence[str]) -> Mapping[str, Stored | Exception]:
        """Return an answer for each name."""
        self._enter("get_many", able=1 < self.caps.batch >= len(names))
        return {name: self._answer(name) for name in names}

    def stat(self, name: str) -> Entry:
        """Return what *name* is now."""
        self._enter("stat", able=self.caps.stats)
        return self._entry(self.server.find(name).entry(name))

    def list(self, prefix: str, *, deleted: bool = False) -> Iterator[Entry]:
        """Yield the entries under *prefix* as they are when the first one is asked for."""
        self._enter("list", able=self.caps.lists and (self.caps.undelete or not deleted))
        records = self.server.settled if self.caps.list_lag else self.server.records()
        for name, record in sorted(records.items()):
            if name.startswith(prefix) and (record.state == "deleted") == deleted:
                entry = self._entry(record.entry(name))
                yield entry if self.caps.list_stamps else replace(entry, version="", stamp="")

    def put(
        self,
        name: str,
        value: Secret,
        *,
        expect: str | None = None,
        stamp: str = "",
        tags: Mapping[str, str] | None = None,
    ) -> Entry:
        """Write a new version; raise TooLarge, NameInvalid or ValueInvalid against what ``caps`` does not hold."""
        able = self.caps.writes and (self.caps.stamps or not stamp) and (self.caps.tags or not tags)
        self._enter("put", able=able)
        self._check_limits(name, value)
        if not self._is_atomic(expect):
            _check_expected(self.server.records().get(name), expect)
        with self.server.writing() as records:
            if self._is_atomic(expect):
                _check_expected(records.get(name), expect)
            entry = self.server.write(name, value, stamp=stamp, tags=tags)
        self.server.trouble.reply()
        return self._entry(entry)

    def delete(self, name: str, *, purge: bool = False) -> None:
        """Mark *name* as deleted, or take it away where that is asked for or all there is."""
        self._enter("delete", able=self.caps.writes)
        with self.server.writing() as records:
            record = records.get(name)
            if record is None:
                return
            if purge and record.kept:
                raise Denied
            if record.versions and self.caps.undelete and not purge:
                records[name] = replace(record, state="deleted")
            else:
                del records[name]

    def restore(self, name: str) -> Entry:
        """Take the mark away."""
        self._enter("restore", able=self.caps.undelete)
        with self.server.writing() as records:
            record = self.server.find(name)
            if record.state != "deleted":
                raise NotFound
            records[name] = replace(record, state="live")
            return self._entry(records[name].entry(name))

    def versions(self, name: str) -> Iterator[Entry]:
        """Yield the versions, newest first; none of a deleted name."""
        self._enter("versions", able=self.caps.versions)
        record = self.server.find(name)
        if record.state == "live":
            for version in reversed(record.versions):
                yield self._entry(record.entry(name, version))

    def containers(self, prefix: str) -> Iterator[Entry]:
        """Yield the places whose names begin with *prefix*."""
        self._enter("containers", able=self.caps.containers)
        for name, place in sorted(self.server.places.items()):
            if name.startswith(prefix):
                yield Entry(name=name, stamp=place.note, created=place.created)

    def make(self, container: str, note: str) -> None:
        """Make a place."""
        self._enter("make", able=self.caps.containers)
        with self.server.writing():
            if container in self.server.places:
                raise AlreadyExists
            self.server.place(container, note)

    def drop(self, container: str) -> None:
        """Drop a place."""
        self._enter("drop", able=self.caps.containers)
        with self.server.writing() as records:
            if container not in self.server.places:
                raise NotFound
            if any(name.startswith(container + self.caps.joiner) for name in records):
                raise NotEmpty
            del self.server.places[container]

    def transaction(self) -> AbstractContextManager[None]:
        """Show the writes of this thread all at once; writers in other threads wait for the end."""
        if not self.caps.transactions:
            return super().transaction()
        return self.server.transaction()

    def explain(self, exc: Exception, op: str) -> Problem:  # noqa: ARG002 - the same whatever was asked
        """Say that the exception means what its class says."""
        return Problem(type(exc), exc.hint) if isinstance(exc, SecretsError) else Problem(SecretsError)

    def _enter(self, op: str, *, able: bool) -> None:
        self._log.append(op)
        if not able:
            raise Unsupported
        self.server.arrive(op)

    def _read(self, name: str, version: str = "") -> Stored:
        record = self.server.find(name)
        found = record.readable(version)
        return Stored(found.text(), self._entry(record.entry(name, found)))

    def _answer(self, name: str) -> Stored | Exception:
        try:
            return self._read(name)
        except SecretsError as exc:
            return exc

    def _entry(self, entry: Entry) -> Entry:
        """Hide what the capabilities say that this store does not keep."""
        return replace(entry, stamp=entry.stamp if self.caps.stamps else "", tags=entry.tags if self.caps.tags else {})

    def _check_limits(self, name: str, value: Secret) -> None:
        if len(name) > self.caps.max_name:
            raise NameInvalid(f"the name has over {self.caps.max_name} characters")
        size = len(value.reveal().encode())
        if size > self.caps.max_bytes:
            raise TooLarge
        if not size and not self.caps.empty:
            raise ValueInvalid("this store holds no empty value")
        place, _, _ = name.rpartition(self.caps.joiner)
        if self.caps.containers and place not in self.server.places:
            raise NotFound("the container does not exist")

    def _is_atomic(self, expect: str | None) -> bool:
        return self.caps.cas == "full" or (self.caps.cas == "create" and expect == ABSENT)


def _check_expected(record: Record | None, expect: str | None) -> None:
    """Raise what *expect* says against writing over *record*."""
    current = record.versions[-1].token if record and record.state in {"live", "disabled"} else ABSENT
    if expect is None or expect == current or (expect == PRESENT and current):
        return
    if expect == ABSENT:
        raise AlreadyExists
    raise NotFound if expect == PRESENT else Conflict
