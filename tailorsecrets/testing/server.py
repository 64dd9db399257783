"""The server of memory drivers: secrets in a dict, and the backdoor to them."""

import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from typing import Final, final
from uuid import uuid4

from tailorsecrets.driver import Entry, State
from tailorsecrets.errors import (
    Denied,
    Disabled,
    NotFound,
    SecretsError,
    Throttled,
    Unauthenticated,
    Unavailable,
)
from tailorsecrets.kit import as_text
from tailorsecrets.secret import Secret
from tailorsecrets.testing.backdoor import Backdoor
from tailorsecrets.testing.faults import Crash

_KEPT: Final = 20  # answers that a server remembers


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One value that was written."""

    token: str
    content: Secret | bytes = field(repr=False)  # bytes: a foreign value that is not text
    stamp: str
    updated: datetime

    def text(self) -> Secret:
        """Return the value; raise Corrupt where it is not text."""
        return self.content if isinstance(self.content, Secret) else as_text(self.content)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSecret:
    """All data of one name."""

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
        """Return the current version, or the one of *token*; raise the error of a state in which it cannot be read."""
        if self.denied:
            raise Denied
        if self.state == "disabled":
            raise Disabled
        found = self.versions[-1:] if not token else [v for v in self.versions if v.token == token]
        if self.state != "live" or not found:
            raise NotFound
        return found[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A container, with the note of its creation."""

    note: str
    created: datetime


@dataclass(slots=True)
class Trouble:
    """The faults of the server; ``recovered`` is set at their end."""

    recovered: threading.Event = field(default_factory=threading.Event)

    outage: type[SecretsError] | None = None  # raised by every call
    refusals: int = 0  # calls that are throttled from now on
    survived: int | None = None  # calls that reach the server before the process dies
    silent: bool = False  # writes are done and not answered
    reached: int | None = None  # calls that reach the server before it is unreachable
    patience: float | None = None  # seconds until a call that is not answered gives up

    def strike(self) -> None:
        """Raise the fault of a call before it is done."""
        if self.survived is not None:
            self.survived -= 1
            if self.survived < 0:
                raise Crash
        if self.refusals:
            self.refusals -= 1
            raise Throttled
        if self.reached is not None:
            self.reached -= 1
            if self.reached < 0:
                raise Unavailable
        if self.patience is not None:
            self.recovered.wait(self.patience)
            raise Unavailable
        if self.outage:
            raise self.outage

    def reply(self) -> None:
        """Raise the fault of a write after it was done."""
        if self.silent:
            raise Unavailable


@final
class Server:
    """A store that several memory drivers may share. Readers take no lock; writers wait for each other.

    ``now`` returns the time of a write, aware.
    """

    def __init__(self, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.containers: dict[str, Container] = {}
        self.settled: dict[str, StoredSecret] = {}  # shown by a lagging list
        self.trouble = Trouble()
        self.answers: list[bytes] = []  # the values that were sent
        self.login = f"login-{uuid4().hex}"  # with which drivers sign in
        self.arrived: list[str] = []  # the methods that drivers called; appended to by many threads without a lock
        self._secrets: dict[str, StoredSecret] = {}
        self._now = now
        self._tokens = count(1)
        self._lock = threading.RLock()
        self._mine = threading.local()

    def secrets(self) -> dict[str, StoredSecret]:
        """Return the secrets that this thread sees: the shared ones, or those of its open transaction."""
        pending: dict[str, StoredSecret] | None = getattr(self._mine, "pending", None)
        return self._secrets if pending is None else pending

    def arrive(self, op: str) -> None:
        """StoredSecret a call of method *op*, and raise its fault."""
        self.arrived.append(op)
        self.trouble.strike()

    def sent(self, version: Version) -> None:
        """Note that the value of *version* was sent to a driver."""
        if isinstance(version.content, Secret):
            self.answers[:-_KEPT] = []
            self.answers.append(version.content.reveal().encode(errors="surrogatepass"))

    def find(self, name: str) -> StoredSecret:
        """Return the secret *name*; raise NotFound where there is none."""
        secret = self.secrets().get(name)
        if secret is None:
            raise NotFound
        return secret

    @contextmanager
    def writing(self) -> Generator[dict[str, StoredSecret]]:
        """Hold the write lock and provide the secrets to change."""
        with self._lock:
            yield self.secrets()

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Show the writes of this thread to other threads all at once; after an exception, none of them."""
        with self._lock:
            outer = self.secrets()
            self._mine.pending = dict(outer)
            try:
                yield
                outer.update(self._mine.pending)
                for name in outer.keys() - self._mine.pending.keys():
                    del outer[name]
            finally:
                self._mine.pending = None if outer is self._secrets else outer

    def write(
        self, name: str, content: Secret | bytes, *, stamp: str = "", tags: Mapping[str, str] | None = None
    ) -> Entry:
        """Add a version to *name* in any state; the tags replace the former ones."""
        with self.writing() as secrets:
            now = self._now()
            version = Version(token=f"v{next(self._tokens)}", content=content, stamp=stamp, updated=now)
            old = secrets.get(name) or StoredSecret(created=now)
            secrets[name] = replace(old, versions=(*old.versions, version), tags=dict(tags or {}), state="live")
            return secrets[name].entry(name)

    def make_container(self, name: str, note: str) -> None:
        """Add a container called *name*."""
        self.containers[name] = Container(note=note, created=self._now())

    def bare(self, name: str) -> None:
        """Add *name* without a value."""
        with self.writing() as secrets:
            secrets[name] = StoredSecret(created=self._now())

    def change(self, name: str, change: Callable[[StoredSecret], StoredSecret]) -> None:
        """Replace the secret *name* with the result of *change*; raise NotFound where there is none."""
        with self.writing() as secrets:
            secrets[name] = change(self.find(name))


@final
class MemoryBackdoor(Backdoor):
    """Another tool on a memory server."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def write(self, name: str, text: str) -> None:
        """Store *text* without a stamp."""
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
        """Disable *name*."""
        self._server.change(name, lambda secret: replace(secret, state="disabled"))

    def deny(self, name: str) -> None:
        """Forbid every read of the value of *name*."""
        self._server.change(name, lambda secret: replace(secret, denied=True))

    def deny_purge(self, name: str) -> None:
        """Forbid every purge of *name*."""
        self._server.change(name, lambda secret: replace(secret, kept=True))

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
        """Make all calls after the next *after* raise Crash."""
        self._server.trouble.survived = after

    def hang(self) -> None:
        """Make every call wait for a moment, and then raise Unavailable."""
        self._server.trouble.patience = 0.05

    def forbid(self) -> None:
        """Make every call raise Denied."""
        self._server.trouble.outage = Denied

    def fail_after(self, calls: int) -> None:
        """Make all calls after the next *calls* raise Unavailable."""
        self._server.trouble.reached = calls

    def cut_answers(self) -> None:
        """Make every call raise Unavailable."""
        self._server.trouble.outage = Unavailable

    def expire_versions(self, name: str) -> None:
        """Remove all versions but the current one."""
        self._server.change(name, lambda secret: replace(secret, versions=secret.versions[-1:]))

    def answers(self) -> Sequence[bytes]:
        """Return the values that were sent since the last call."""
        sent, self._server.answers = self._server.answers, []
        return sent

    def credentials(self) -> Sequence[str]:
        """Return the login of all drivers."""
        return [self._server.login]

    def recover(self) -> None:
        """End all faults."""
        trouble, self._server.trouble = self._server.trouble, Trouble()
        trouble.recovered.set()

    def calls(self) -> int:
        """Return the number of calls of all drivers."""
        return len(self._server.arrived)

    def settle(self) -> None:
        """Let the lagging list show all writes."""
        self._server.settled = dict(self._server.secrets())

    def rollback(self, name: str, version: str) -> None:
        """Write the content of *version* again, without a stamp."""
        self._server.write(name, self._server.find(name).readable(version).content)

    def edit_tags(self, name: str, tags: Mapping[str, str]) -> None:
        """Add *tags* to those of *name*."""
        self._server.change(name, lambda secret: replace(secret, tags={**secret.tags, **tags}))

    def remove(self, name: str) -> None:
        """Remove *name* with all its versions."""
        with self._server.writing() as secrets:
            secrets.pop(name, None)
