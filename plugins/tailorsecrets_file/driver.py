"""The driver: the meaning of every operation, on the histories of a store file."""

import errno
import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from tailorsecrets.driver import ABSENT, PRESENT, Caps, Driver, Entry, Problem, State, Stored, Target
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
from tailorsecrets_file.storefile import StoreFile

if TYPE_CHECKING:
    from tailorsecrets_file.draft import Draft

_CAPS: Final = Caps(
    max_bytes=1_048_576,
    empty=True,
    writes=True,
    lists=True,
    stats=True,
    stamps=True,
    list_stamps=False,  # a list needs no key and authenticates nothing; stat does
    tags=True,
    cas="full",
    versions=True,
    undelete=True,
    transactions=True,
    local=True,
    batch=10_000,
    retries=True,  # there is no network; waiting for the lock is in the budget already
)


class _Pending(threading.local):
    draft: "Draft | None" = None  # of the transaction that this thread is in


class FileDriver(Driver):
    """One encrypted file."""

    caps = _CAPS

    def __init__(self, target: Target) -> None:
        self._file = StoreFile(target)
        self._pending = _Pending()

    def get(self, name: str, version: str = "") -> Stored:
        """Return the current value, or that of *version*; of a conflict, only the latter."""
        return _stored(self._view(), name, version)

    def get_many(self, names: Sequence[str]) -> Mapping[str, Stored | Exception]:
        """Return an answer for each name, all from one state of the file."""
        view = self._view()
        return {name: _answer(view, name) for name in names}

    def stat(self, name: str) -> Entry:
        """Return what *name* is now; of a conflict, an entry without a stamp whose token put takes."""
        history = self._view().history(name)
        if history.state == "missing":
            raise NotFound
        return _present(name, history)

    def list(self, prefix: str, *, deleted: bool = False) -> Iterator[Entry]:
        """Yield what lives under *prefix* in order, conflicts among it, or only what restore can bring back."""
        wanted = {"deleted"} if deleted else {"live", "contested"}
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
        """Write a new version, in the place of all that is there now; so it settles a conflict."""
        with self._writing() as draft:
            _check(draft.history(name), expect)
            return _entry(draft.write(name, value, stamp, tags))

    def delete(self, name: str, *, purge: bool = False) -> None:
        """Write a tombstone, or with *purge* take out every version."""
        with self._writing() as draft:
            state = draft.history(name).state
            if purge and state != "missing":
                draft.purge(name)
            elif state in {"live", "contested"}:
                draft.bury(name)

    def restore(self, name: str) -> Entry:
        """Write the last value again, with its stamp and tags."""
        with self._writing() as draft:
            history = draft.history(name)
            if history.state != "deleted" or not history.live:
                raise NotFound("it is not deleted")
            last = _only_last(history)
            return _entry(draft.write(name, draft.value(last), last.facts.stamp, last.facts.tags))

    def versions(self, name: str) -> Iterator[Entry]:
        """Yield all that can be read, newest first: both sides of a conflict, and what stands before a delete."""
        history = self._view().history(name)
        if history.state == "missing":
            raise NotFound
        return map(_entry, history.live)

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Hold the file's lock and make the writes of this thread one rewrite at the end; its reads see them."""
        with self._writing():
            yield

    def setup(self) -> str:
        """Make the file and its key, and tell git how to merge it."""
        from tailorsecrets_file.setup import set_up

        return set_up(self._file)

    def explain(self, exc: Exception, op: str) -> Problem:  # noqa: ARG002  # the same for every method
        """Say what an error of the disk means; the plugin's own say it themselves."""
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
}  # the others say that the disk did not do it now: full, over quota, over a size limit, an I/O error


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
    if history.state == "contested":
        raise _contested(history)
    if history.state != "live":
        raise NotFound
    return history.heads[0]


def _check(history: History, expect: str | None) -> None:
    there = history.state in {"live", "contested"}
    if expect == ABSENT and there:
        raise AlreadyExists
    if expect == PRESENT and not there:
        raise NotFound
    if expect not in {None, ABSENT, PRESENT, history.token}:
        raise Conflict(f"it is no longer at version {expect!r}", hint="read it again")


def _only_last(history: History) -> Line:
    last = [line for line in history.live if line.facts.number == history.live[0].facts.number]
    if len(last) > 1:
        raise Conflict("it had two values when it was deleted", hint="roll back to one of its versions")
    return last[0]


def _present(name: str, history: History) -> Entry:
    if history.state != "contested":
        return replace(_entry(history.heads[0]), version=history.token)
    times = [line.facts.time for line in history.heads]
    updated = datetime.fromisoformat(max(times)) if times else None
    return Entry(name=name, version=history.token, updated=updated, branches=history.sides)


def _entry(line: Line) -> Entry:
    facts = line.facts
    state: State = "live" if facts.state == "live" else "deleted"
    return Entry(
        name=facts.name,
        version=line.token,
        stamp=facts.stamp,
        tags=facts.tags,
        created=datetime.fromisoformat(facts.created),
        updated=datetime.fromisoformat(facts.time),
        state=state,
    )


def _contested(history: History) -> Conflict:
    if history.strangers:
        return Conflict(
            "it was written on one branch while another branch rekeyed the file",
            hint="write its value again; the branch that has not been merged can still read it",
        )
    return Conflict(
        "it was changed on two branches",
        hint="look at both with: tailorsecrets secret history; keep one with: tailorsecrets secret rollback",
    )
