"""The store file of one target: loaded again after a change, rewritten under its lock."""

import os
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from tailorsecrets.driver import PerProcess, Target
from tailorsecrets.errors import ConfigError, StoreNotFound, Unavailable, Unsupported
from tailorsecrets_file import disk, loading
from tailorsecrets_file.crypto import FileKey
from tailorsecrets_file.disk import Signature
from tailorsecrets_file.document import Document
from tailorsecrets_file.header import Header, Slot
from tailorsecrets_file.snapshot import Snapshot, store_option

if TYPE_CHECKING:
    from tailorsecrets_file.draft import Draft
    from tailorsecrets_file.key_search import KeySearch
    from tailorsecrets_file.origins import Origin

# importing pathlib would add 10 ms to every command
# ruff: noqa: PTH100, PTH103, PTH111, PTH112, PTH118, PTH120

_KEEP: Final = 10  # versions of each secret
_MOST: Final = 1_000_000


class _Loaded(NamedTuple):
    signature: Signature
    snapshot: Snapshot


class StoreFile:
    """One store file. Many threads can read it at once, and one can write."""

    def __init__(self, target: Target) -> None:
        if sys.platform == "win32":  # no flock, no owners and modes of files, no rename over an open file
            raise Unsupported(
                "the encrypted file store runs on Linux and macOS, not on Windows",
                hint="run it in WSL, or use another store: vault:, aws:, gcp: or azure:",
            )
        if not target.path or "\0" in target.path:
            raise ConfigError(f"{target.url!r} has no path", hint="write file:PATH")
        if target.host not in {"", "localhost"}:
            raise ConfigError(f"{target.url!r} has a host", hint=f"write file:{target.host}/{target.path}")
        self.target = target
        self.path = os.path.abspath(os.path.join(target.base, os.path.expanduser(target.path)))
        self._keep, self._seconds = _keep_versions(target), target.seconds(write=True)
        self._loaded: _Loaded | None = None
        self._turns = PerProcess(threading.RLock)

    def exists(self) -> bool:
        """Return whether the file exists. Raises the errors of stat: denied is not missing."""
        if os.path.isdir(self.path):
            raise self._folder()
        return disk.signature_or_none(self.path) is not None

    def snapshot(self) -> Snapshot:
        """Return the current state. Raises StoreNotFound, Corrupt, Conflict, and the errors of the disk."""
        return self._load().snapshot

    def slots(self) -> tuple[Slot, ...]:
        """Return the slots of the file. This needs no key, so they are not authenticated."""
        return loading.merged(self._headers()[0]).slots

    def lost(self) -> tuple[Slot, ...]:
        """Return the slots that a merge dropped: one branch added them while another rekeyed the file."""
        newest, older = self._headers()
        return loading.lost(loading.merged(newest), older)

    def _headers(self) -> tuple[list[Header], list[Header]]:
        content, _ = self._read()
        return loading.headers(loading.lines(content, self.path), self.path)

    def origin(self) -> "Origin":
        """Return the current origin of the file, whatever the user remembers."""
        from tailorsecrets_file.origins import Origin

        search = self._search()
        return Origin(search.header.file_id, search.find_anew().origin_id)

    def key_source(self) -> str:
        """Return the source of the key, in words. Raises as a read does where it does not open the file."""
        search = self._search()
        search.find()
        return search.source()

    def _search(self) -> "KeySearch":
        from tailorsecrets_file.key_search import KeySearch

        header = loading.merged(self._headers()[0])
        return KeySearch(header, self.target.environ, self.path, self.target.timeout)

    def accept(self, origin: "Origin") -> None:
        """Remember *origin* for the file, whatever the user remembers."""
        from tailorsecrets_file import origins

        origins.accept(self.target.environ, self.path, origin)

    @contextmanager
    def writing(self, *, create: bool) -> Generator["Draft"]:
        """Hold the lock and yield a draft. At the end of the block, a changed draft is written.

        With *create*, a missing file is created, together with the key that opens it.
        """
        from tailorsecrets_file.draft import Draft

        if not self.exists() and not create:
            raise self._not_found()
        real = os.path.realpath(self.path)  # keep a symbolic link
        os.makedirs(os.path.dirname(real), exist_ok=True)
        with self._alone(), disk.locked(real, self._seconds):
            loaded = self._load() if self.exists() else None
            draft = Draft(loaded.snapshot if loaded else self._empty())
            yield draft
            if draft.changed:
                self._commit(draft, real, loaded.signature if loaded else None)

    def _load(self) -> _Loaded:
        loaded = self._loaded
        if loaded is None or loaded.signature != self._signature():
            content, signature = self._read()
            known = loaded.snapshot if loaded else None
            snapshot = loading.opened(content, self.path, self.target, known)
            self._loaded = loaded = _Loaded(signature, snapshot)
        return loaded

    def _signature(self) -> Signature:
        try:
            return disk.signature(self.path)
        except FileNotFoundError as error:
            raise self._not_found() from error

    def _read(self) -> tuple[bytes, Signature]:
        try:
            return disk.read(self.path)
        except FileNotFoundError as error:
            raise self._not_found() from error
        except IsADirectoryError as error:
            raise self._folder() from error

    def _empty(self) -> Snapshot:
        key = FileKey.generate()
        header = Header(os.urandom(16).hex(), key.id, (), (), b"", b"", b"")
        return Snapshot(self.path, header, Document((), {}, b""), lambda: key, key)

    def _commit(self, draft: "Draft", real: str, expected: Signature | None) -> None:
        from tailorsecrets_file import origins
        from tailorsecrets_file.key_search import configured, first_slot

        environ, new = self.target.environ, not draft.slots
        if new:  # write the key file before the store file that needs it
            now = datetime.now(UTC).replace(microsecond=0)
            draft.slots = (first_slot(environ, draft.file_id, draft.key, now),)
        content = draft.render(self._keep)
        loading.check(content, self.path, draft.key)
        disk.replace(real, content, expected)
        if new:
            origin = origins.Origin(draft.file_id, draft.key.origin_id)
            origins.made(environ, self.path, origin, user=not configured(environ))

    @contextmanager
    def _alone(self) -> Generator[None]:
        turn = self._turns.get()
        if not turn.acquire(timeout=self._seconds):
            raise Unavailable(f"another thread writes {self.path}; waited {self._seconds:g} seconds")
        try:
            yield
        finally:
            turn.release()

    def _not_found(self) -> StoreNotFound:
        return StoreNotFound(f"there is no store file {self.path}", hint=f"run: {self._command()}")

    def _folder(self) -> ConfigError:
        return ConfigError(f"{self.path} is a folder, not a store file", hint="name a file in it")

    def _command(self) -> str:
        """Return the command that creates the file."""
        if not self.target.create:  # the default store of the folder
            return f"tailorsecrets init, in the folder {self.target.base}"
        return f"tailorsecrets init {store_option(self.path)}"


def _keep_versions(target: Target) -> int:
    text = target.options.get("keep_versions", str(_KEEP))
    if not (text.isascii() and text.isdigit() and 0 < int(text[:10]) <= _MOST):
        raise ConfigError(f"keep_versions={text!r} is not a number from 1 to {_MOST}")
    return int(text)
