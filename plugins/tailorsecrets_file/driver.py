"""The driver: every operation, on the histories of a store file."""

import errno
import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from tailorsecrets.driver import ABSENT, PRESENT, Caps, Driver, Entry, Identity, Problem, State, Stored, Target
from tailorsecrets.errors import (
    AlreadyExists,
    ConfigError,
    Conflict,
    Denied,
    NotFound,
    SecretsError,
    StoreNotFound,
    Unavailable,
)
from tailorsecrets.secret import Secret
from tailorsecrets_file.history import History
from tailorsecrets_file.line import Line
from tailorsecrets_file.snapshot import Snapshot
from tailorsecrets_file.store_file import StoreFile

if TYPE_CHECKING:
    from tailorsecrets_file.draft import Draft

_CAPS: Final = Caps(
    max_bytes=1_048_576,
    empty=True,
    writes=True,
    lists=True,
    stats=True,
    stamps=True,
    list_stamps=False,  # a list needs no key, so it authenticates nothing; stat does
    tags=True,
    cas="full",
    versions=True,
    undelete=True,
    transactions=True,
    local=True,
    batch=10_000,
    retries=True,  # there is no network, and waiting for the lock is part of the time-out
)


class _Pending(threading.local):
    draft: "Draft | None" = None  # the transaction of this thread


class FileDriver(Driver):
    """One encrypted file."""

    caps = _CAPS

    def __init__(self, target: Target) -> None:
        self._file = StoreFile(target)
        self._pending = _Pending()

    def get(self, name: str, version: str = "") -> Stored:
        """Return the current value, or that of *version*. In a conflict, only versions can be read."""
        return _stored(self._view(), name, version)

    def get_many(self, names: Sequence[str]) -> Mapping[str, Stored | Exception]:
        """Return an answer for each name, all from one state of the file."""
        view = self._view()
        return {name: _answer(view, name) for name in names}

    def stat(self, name: str) -> Entry:
        """Return the current entry. In a conflict it has no stamp, and its token is valid for ``put``."""
        history = self._view().history(name)
        if history.state == "missing":
            raise NotFound
        return _present(name, history)

    def list(self, prefix: str, *, deleted: bool = False) -> Iterator[Entry]:
        """Yield the live secrets under *prefix* in order, with conflicts; or only those that restore can bring back."""
        wanted = {"deleted"} if deleted else {"live", "conflict"}
        for name, history in self._view().histories(prefix):
            if history.state in wanted and (history.live or not deleted):
                yield replace(_present(name, history), stamp="")

    def put(
        self,
        name: str,
        value: Secret,
        *,
        expect: str | None = None,
        stamp: str = "",
        tags: Mapping[str, str] | None = None,
    ) -> Entry:
        """Write a new version. It replaces all heads, so it resolves a conflict."""
        with self._writing() as draft:
            _check(draft.history(name), expect)
            return _entry(draft.write(name, value, stamp, tags))

    def delete(self, name: str, *, purge: bool = False) -> None:
        """Write a tombstone, or with *purge* remove every version."""
        with self._writing() as draft:
            state = draft.history(name).state
            if purge and state != "missing":
                draft.purge(name)
            elif state in {"live", "conflict"}:
                draft.delete(name)

    def restore(self, name: str) -> Entry:
        """Write the last value again, with its stamp and tags."""
        with self._writing() as draft:
            history = draft.history(name)
            if history.state != "deleted" or not history.live:
                raise NotFound("it is not deleted")
            last = _only_last(history)
            return _entry(draft.write(name, draft.value(last), last.metadata.stamp, last.metadata.tags))

    def identity(self) -> Identity:
        """Return the source of the key that opens the file."""
        return Identity(self._file.key_source())

    def versions(self, name: str) -> Iterator[Entry]:
        """Yield all readable versions, newest first: also both sides of a conflict and those before a delete."""
        history = self._view().history(name)
        if history.state == "missing":
            raise NotFound
        return map(_entry, history.live)

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Hold the file's lock, collect the writes of this thread, and rewrite the file once at the end."""
        with self._writing():
            yield

    def setup(self) -> str:
        """Create the file and its key, and configure git to merge it."""
        from tailorsecrets_file.setup import set_up

        return set_up(self._file)

    def explain(self, exc: Exception, op: str) -> Problem:  # noqa: ARG002  # the same for every method
        """Map an error of the disk; errors of this plugin already have their meaning."""
        if isinstance(exc, SecretsError):
            return Problem(type(exc), exc.hint, None)
        if isinstance(exc, OSError):
            kind = _DISK.get(exc.errno or 0, Unavailable)
            return Problem(kind, f"{exc.strerror}: {exc.filename}" if exc.filename else str(exc.strerror))
        return Problem(SecretsError)

    def _view(self) -> Snapshot:
        return self._pending.draft or self._file.snapshot()

    @contextmanager
    def _writing(self) -> Generator["Draft"]:
        if self._pending.draft is not None:
            yield self._pending.draft
            return
        with self._file.writing(create=self._file.target.create) as draft:
            self._pending.draft = draft
            try:
                yield draft
            finally:
                self._pending.draft = None


_DISK: Final[Mapping[int, type[SecretsError]]] = {
    errno.EACCES: Denied,
    errno.EPERM: Denied,
    errno.EROFS: Denied,
    errno.ENOENT: StoreNotFound,
    errno.ENOTDIR: ConfigError,
    errno.EISDIR: ConfigError,
    errno.ENAMETOOLONG: ConfigError,
    errno.ELOOP: ConfigError,
}  # the others are outages: a full disk, a quota, a size limit, an I/O error


def _stored(view: Snapshot, name: str, version: str) -> Stored:
    history = view.history(name)
    if version and version != history.token:
        line = next((line for line in history.live if line.token == version), None)
        if line is None:
            raise NotFound(f"it has no version {version!r}")
    else:
        line = _current(history)
    return Stored(view.value(line), _entry(line))


def _answer(view: Snapshot, name: str) -> Stored | Exception:
    try:
        return _stored(view, name, "")
    except SecretsError as error:
        return error


def _current(history: History) -> Line:
    if history.state == "conflict":
        raise _conflict(history)
    if history.state != "live":
        raise NotFound
    return history.heads[0]


def _check(history: History, expect: str | None) -> None:
    there = history.state in {"live", "conflict"}
    if expect == ABSENT and there:
        raise AlreadyExists
    if expect == PRESENT and not there:
        raise NotFound
    if expect not in {None, ABSENT, PRESENT, history.token}:
        raise Conflict(f"it is no longer at version {expect!r}", hint="read it again")


def _only_last(history: History) -> Line:
    last = [line for line in history.live if line.metadata.number == history.live[0].metadata.number]
    if len(last) > 1:
        raise Conflict("it had two values when it was deleted", hint="choose one with: tailorsecrets secret rollback")
    return last[0]


def _present(name: str, history: History) -> Entry:
    if history.state != "conflict":
        return replace(_entry(history.heads[0]), version=history.token)
    times = [line.metadata.time for line in history.heads]
    updated = datetime.fromisoformat(max(times)) if times else None
    return Entry(name=name, version=history.token, updated=updated, branches=history.branches)


def _entry(line: Line) -> Entry:
    metadata = line.metadata
    state: State = "live" if metadata.state == "live" else "deleted"
    return Entry(
        name=metadata.name,
        version=line.token,
        stamp=metadata.stamp,
        tags=metadata.tags,
        created=datetime.fromisoformat(metadata.created),
        updated=datetime.fromisoformat(metadata.time),
        state=state,
    )


def _conflict(history: History) -> Conflict:
    if history.unreadable:
        return Conflict(
            "one branch wrote it while another branch rekeyed the file",
            hint="write its value again; you can still read the value on the branch before the merge",
        )
    return Conflict(
        "two branches changed it",
        hint="compare the values with: tailorsecrets secret history; keep one with: tailorsecrets secret rollback",
    )
