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
from tailorsecrets.testing.server import MemoryBackdoor, Server, StoredSecret

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

    *caps* switches capabilities off: ``Memory(caps=replace(FULL, stamps=False))``. A method without its capability
    raises Unsupported, which shows a wrong caller. With ``list_lag`` the list shows nothing new until ``settle`` is
    called; the number of seconds does not matter.
    """

    def __init__(self, *, caps: Caps = FULL, server: Server | None = None) -> None:
        self.caps = caps
        self.server = server or Server()
        self.backdoor = MemoryBackdoor(self.server)
        self._log: list[str] = []  # appended to by many threads without a lock, which a list allows

    @property
    def calls(self) -> Counter[str]:
        """The number of calls of each method, by name."""
        return Counter(self._log)

    @property
    def value_reads(self) -> int:
        """The number of calls that returned values."""
        return self.calls["get"] + self.calls["get_many"]

    @property
    def writes(self) -> int:
        """The number of calls that changed the store."""
        return sum(self.calls[op] for op in WRITES)

    def forget_calls(self) -> None:
        """Set all counts to zero."""
        self._log.clear()

    def settle(self) -> None:
        """Let the lagging list show all writes."""
        self.backdoor.settle()

    def get(self, name: str, version: str = "") -> Stored:
        """Return the value from memory."""
        self._begin("get", able=self.caps.versions or not version)
        return self._read(name, version)

    def get_many(self, names: Sequence[str]) -> Mapping[str, Stored | Exception]:
        """Return an answer for each name."""
        self._begin("get_many", able=1 < self.caps.batch >= len(names))
        return {name: self._answer(name) for name in names}

    def stat(self, name: str) -> Entry:
        """Return the entry of *name* now."""
        self._begin("stat", able=self.caps.stats)
        return self._entry(self.server.find(name).entry(name))

    def list(self, prefix: str, *, deleted: bool = False) -> Iterator[Entry]:
        """Yield the entries under *prefix* at the time of the first one."""
        self._begin("list", able=self.caps.lists and (self.caps.undelete or not deleted))
        secrets = self.server.settled if self.caps.list_lag else self.server.secrets()
        for name, secret in sorted(secrets.copy().items()):  # other threads write; a copy is one step
            if name.startswith(prefix) and (secret.state == "deleted") == deleted:
                entry = self._entry(secret.entry(name))
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
        """Write a new version; raise TooLarge, NameInvalid or ValueInvalid for a value beyond ``caps``."""
        able = self.caps.writes and (self.caps.stamps or not stamp) and (self.caps.tags or not tags)
        self._begin("put", able=able)
        self._check_limits(name, value)
        if not self._is_atomic(expect):
            _check_expected(self.server.secrets().get(name), expect)
        with self.server.writing() as secrets:
            if self._is_atomic(expect):
                _check_expected(secrets.get(name), expect)
            entry = self.server.write(name, value, stamp=stamp, tags=tags)
        self.server.trouble.reply()
        return self._entry(entry)

    def delete(self, name: str, *, purge: bool = False) -> None:
        """Mark *name* as deleted, or remove it with *purge* or without ``caps.undelete``."""
        self._begin("delete", able=self.caps.writes)
        with self.server.writing() as secrets:
            secret = secrets.get(name)
            if secret is None:
                return
            if purge and secret.kept:
                raise Denied
            if secret.versions and self.caps.undelete and not purge:
                secrets[name] = replace(secret, state="deleted")
            else:
                del secrets[name]

    def restore(self, name: str) -> Entry:
        """Remove the mark."""
        self._begin("restore", able=self.caps.undelete)
        with self.server.writing() as secrets:
            secret = self.server.find(name)
            if secret.state != "deleted":
                raise NotFound
            secrets[name] = replace(secret, state="live")
            return self._entry(secrets[name].entry(name))

    def versions(self, name: str) -> Iterator[Entry]:
        """Yield the versions, newest first; a deleted name has none."""
        self._begin("versions", able=self.caps.versions)
        secret = self.server.find(name)
        if secret.state == "live":
            for version in reversed(secret.versions):
                yield self._entry(secret.entry(name, version))

    def containers(self, prefix: str) -> Iterator[Entry]:
        """Yield the containers whose names begin with *prefix*."""
        self._begin("containers", able=self.caps.containers)
        for name, container in sorted(self.server.containers.copy().items()):
            if name.startswith(prefix):
                yield Entry(name=name, stamp=container.note, created=container.created)

    def make(self, container: str, note: str) -> None:
        """Make a container."""
        self._begin("make", able=self.caps.containers)
        with self.server.writing():
            if container in self.server.containers:
                raise AlreadyExists
            self.server.make_container(container, note)

    def drop(self, container: str) -> None:
        """Drop a container."""
        self._begin("drop", able=self.caps.containers)
        with self.server.writing() as secrets:
            if container not in self.server.containers:
                raise NotFound
            if any(name.startswith(container + self.caps.joiner) for name in secrets):
                raise NotEmpty
            del self.server.containers[container]

    def transaction(self) -> AbstractContextManager[None]:
        """Show the writes of this thread all at once; writers in other threads wait until then."""
        if not self.caps.transactions:
            return super().transaction()
        return self.server.transaction()

    def explain(self, exc: Exception, op: str) -> Problem:  # noqa: ARG002 - the same for every method
        """Return the class of the exception as its meaning."""
        return Problem(type(exc), exc.hint) if isinstance(exc, SecretsError) else Problem(SecretsError)

    def _begin(self, op: str, *, able: bool) -> None:
        self._log.append(op)
        if not able:
            raise Unsupported
        self.server.arrive(op)

    def _read(self, name: str, version: str = "") -> Stored:
        secret = self.server.find(name)
        found = secret.readable(version)
        self.server.sent(found)
        return Stored(found.text(), self._entry(secret.entry(name, found)))

    def _answer(self, name: str) -> Stored | Exception:
        try:
            return self._read(name)
        except SecretsError as exc:
            return exc

    def _entry(self, entry: Entry) -> Entry:
        """Leave out the fields that ``caps`` does not announce."""
        return replace(entry, stamp=entry.stamp if self.caps.stamps else "", tags=entry.tags if self.caps.tags else {})

    def _check_limits(self, name: str, value: Secret) -> None:
        if len(name) > self.caps.max_name:
            raise NameInvalid(f"the name has over {self.caps.max_name} characters")
        size = len(value.reveal().encode())
        if size > self.caps.max_bytes:
            raise TooLarge
        if not size and not self.caps.empty:
            raise ValueInvalid("this store cannot hold an empty value")
        container, _, _ = name.rpartition(self.caps.joiner)
        if self.caps.containers and container not in self.server.containers:
            raise NotFound("the container does not exist")

    def _is_atomic(self, expect: str | None) -> bool:
        return self.caps.cas == "full" or (self.caps.cas == "create" and expect == ABSENT)


def _check_expected(secret: StoredSecret | None, expect: str | None) -> None:
    """Raise the error of writing over *secret* under *expect*."""
    current = secret.versions[-1].token if secret and secret.state in {"live", "disabled"} else ABSENT
    if expect is None or expect == current or (expect == PRESENT and current):
        return
    if expect == ABSENT:
        raise AlreadyExists
    raise NotFound if expect == PRESENT else Conflict
