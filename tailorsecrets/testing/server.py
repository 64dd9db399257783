"""What a memory driver talks to: secrets in a dict, and the backdoor to them."""

import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from typing import final

from tailorsecrets.driver import Entry, State
from tailorsecrets.errors import (
    Corrupt,
    Denied,
    Disabled,
    NotFound,
    SecretsError,
    Throttled,
    Unauthenticated,
    Unavailable,
)
from tailorsecrets.secret import Secret
from tailorsecrets.testing.backdoor import Backdoor
from tailorsecrets.testing.faults import Crash


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One value that was written."""

    token: str
    content: Secret | bytes = field(repr=False)  # bytes: a foreign value that is no text
    stamp: str
    updated: datetime

    def text(self) -> Secret:
        """Return the value; raise Corrupt where it is no text."""
        if isinstance(self.content, Secret):
            return self.content
        try:
            return Secret(self.content.decode())
        except UnicodeDecodeError:
            pass  # raised below, because the decoder's error quotes the value
        raise Corrupt("the value is not UTF-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """All that the server knows of one name."""

    created: datetime
    versions: tuple[Version, ...] = ()  # oldest first
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    state: State = "bare"
    denied: bool = False
    kept: bool = False  # purge is denied

    def entry(self, name: str, version: Version | None = None) -> Entry:
        """Return the entry of *version*, or of the current one."""
        shown = version or (self.versions[-1] if self.versions else None)
        entry = Entry(name=name, tags=self.tags, created=self.created, state=self.state)
        if shown is None:
            return entry
        return replace(entry, version=shown.token, stamp=shown.stamp, updated=shown.updated)

    def readable(self, token: str = "") -> Version:
        """Return the current version, or the one of *token*; raise what the state of the name says against it."""
        if self.denied:
            raise Denied
        if self.state == "disabled":
            raise Disabled
        found = self.versions[-1:] if not token else [v for v in self.versions if v.token == token]
        if self.state != "live" or not found:
            raise NotFound
        return found[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A container and the note it was made with."""

    note: str
    created: datetime


@dataclass(slots=True)
class Trouble:
    """What is wrong with the server."""

    outage: type[SecretsError] | None = None  # raised by every call
    refusals: int = 0  # calls that are throttled from now on
    survived: int | None = None  # calls that reach the server before the process dies
    silent: bool = False  # writes are done and not answered

    def strike(self) -> None:
        """Raise what a call meets on its way in."""
        if self.survived is not None:
            self.survived -= 1
            if self.survived < 0:
                raise Crash
        if self.refusals:
            self.refusals -= 1
            raise Throttled
        if self.outage:
            raise self.outage

    def reply(self) -> None:
        """Raise what a write that was done meets on its way out."""
        if self.silent:
            raise Unavailable


@final
class Server:
    """A store that several memory drivers may share. Readers lock nothing; writers wait for each other.

    ``now`` gives the time of a write, aware.
    """

    def __init__(self, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.places: dict[str, Place] = {}
        self.settled: Mapping[str, Record] = {}  # what a lagging list shows
        self.trouble = Trouble()
        self.arrived: list[str] = []  # the methods that drivers called; appended to by many threads without a lock
        self._records: dict[str, Record] = {}
        self._now = now
        self._tokens = count(1)
        self._lock = threading.RLock()
        self._mine = threading.local()

    def records(self) -> dict[str, Record]:
        """Return what this thread sees: the shared records, or those of its open transaction."""
        pending: dict[str, Record] | None = getattr(self._mine, "pending", None)
        return self._records if pending is None else pending

    def arrive(self, op: str) -> None:
        """Note a call of method *op*, and raise what it meets on its way in."""
        self.arrived.append(op)
        self.trouble.strike()

    def find(self, name: str) -> Record:
        """Return the record of *name*; raise NotFound where there is none."""
        record = self.records().get(name)
        if record is None:
            raise NotFound
        return record

    @contextmanager
    def writing(self) -> Generator[dict[str, Record]]:
        """Hold the write lock and give the records to change."""
        with self._lock:
            yield self.records()

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Show the writes of this thread to the others all at once, or none of them after an exception."""
        with self._lock:
            outer = self.records()
            self._mine.pending = dict(outer)
            try:
                yield
                outer.update(self._mine.pending)
                for name in outer.keys() - self._mine.pending.keys():
                    del outer[name]
            finally:
                self._mine.pending = None if outer is self._records else outer

    def write(
        self, name: str, content: Secret | bytes, *, stamp: str = "", tags: Mapping[str, str] | None = None
    ) -> Entry:
        """Add a version to *name*, whatever its state was; tags are those of its last version."""
        with self.writing() as records:
            now = self._now()
            version = Version(token=f"v{next(self._tokens)}", content=content, stamp=stamp, updated=now)
            old = records.get(name) or Record(created=now)
            records[name] = replace(old, versions=(*old.versions, version), tags=dict(tags or {}), state="live")
            return records[name].entry(name)

    def place(self, name: str, note: str) -> None:
        """Keep a container called *name*."""
        self.places[name] = Place(note=note, created=self._now())

    def bare(self, name: str) -> None:
        """Keep *name* without a value."""
        with self.writing() as records:
            records[name] = Record(created=self._now())

    def change(self, name: str, change: Callable[[Record], Record]) -> None:
        """Replace the record of *name* by what *change* makes of it; raise NotFound where there is none."""
        with self.writing() as records:
            records[name] = change(self.find(name))


@final
class MemoryBackdoor(Backdoor):
    """Another tool at a memory server."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def write(self, name: str, text: str) -> None:
        """Store *text*; the stamp of the version before says nothing about it and is not kept."""
        self._server.write(name, Secret(text))

    def read(self, name: str) -> str:
        """Return the plain text under *name*."""
        return self._server.find(name).readable().text().reveal()

    def write_bytes(self, name: str, octets: bytes) -> None:
        """Store *octets*."""
        self._server.write(name, octets)

    def bare(self, name: str) -> None:
        """Make *name* without any value."""
        self._server.bare(name)

    def disable(self, name: str) -> None:
        """Switch *name* off."""
        self._server.change(name, lambda record: replace(record, state="disabled"))

    def deny(self, name: str) -> None:
        """Forbid every read of the value of *name*."""
        self._server.change(name, lambda record: replace(record, denied=True))

    def deny_purge(self, name: str) -> None:
        """Forbid every purge of *name*."""
        self._server.change(name, lambda record: replace(record, kept=True))

    def unreachable(self) -> None:
        """Make every call raise Unavailable."""
        self._server.trouble.outage = Unavailable

    def expire_login(self) -> None:
        """Make every call raise Unauthenticated."""
        self._server.trouble.outage = Unauthenticated

    def throttle(self, times: int) -> None:
        """Make the next *times* calls raise Throttled."""
        self._server.trouble.refusals = times

    def lose_answers(self) -> None:
        """Make each put raise Unavailable after it was done."""
        self._server.trouble.silent = True

    def crash(self, *, after: int) -> None:
        """Make all calls raise Crash, but for the next *after*."""
        self._server.trouble.survived = after

    def recover(self) -> None:
        """End all trouble."""
        self._server.trouble = Trouble()

    def calls(self) -> int:
        """Return the number of calls of all drivers."""
        return len(self._server.arrived)

    def settle(self) -> None:
        """Let the lagging list catch up."""
        self._server.settled = dict(self._server.records())

    def rollback(self, name: str, version: str) -> None:
        """Write the content of *version* once more, without a stamp."""
        self._server.write(name, self._server.find(name).readable(version).content)

    def edit_tags(self, name: str, tags: Mapping[str, str]) -> None:
        """Add *tags* to those of *name*."""
        self._server.change(name, lambda record: replace(record, tags={**record.tags, **tags}))

    def remove(self, name: str) -> None:
        """Take *name* away with all its versions."""
        with self._server.writing() as records:
            records.pop(name, None)
