"""Access to the disk: read a file, replace it atomically, and lock out other writers.

A kill at any instant leaves the old file or the new one, because the new one is written beside it, forced to the
disk, and only then takes the name.
"""

import errno
import os
import re
import stat
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import BinaryIO, Final, NamedTuple

from tailorsecrets import kit
from tailorsecrets.errors import ConfigError, Conflict

# importing pathlib would add 10 ms to every command
# ruff: noqa: PTH103, PTH104, PTH108, PTH112, PTH114, PTH116, PTH120, PTH123, PTH208

_TEMPORARY: Final = re.compile(r"\d+-[0-9a-f]{8}\.tmp")


class Signature(NamedTuple):
    """Identifies one state of a file without reading it."""

    inode: int
    modified: int
    changed: int
    size: int


def signature(path: str) -> Signature:
    """Return the signature of a file; raises the errors of stat."""
    return _signature(os.stat(path))


def signature_or_none(path: str) -> Signature | None:
    """Return the signature of a file, or None if there is no file."""
    try:
        return signature(path)
    except FileNotFoundError:
        return None


def read(path: str) -> tuple[bytes, Signature]:
    """Return the content of a file and its signature."""
    with open_regular(path) as file:
        return file.read(), _signature(os.fstat(file.fileno()))


def open_regular(path: str) -> BinaryIO:
    """Open a file for reading; ConfigError for a pipe or a device, which may block. Raises the errors of open."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return open(descriptor, "rb")
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    raise ConfigError(f"{path} is not a regular file")


@contextmanager
def locked(path: str, seconds: float) -> Generator[None]:
    """Hold the lock file beside *path*; Unavailable if another writer holds it for *seconds*."""
    lock_path = _beside(path, "lock")
    _check_no_folder(lock_path, "the lock file")
    with kit.locked(lock_path, seconds, what=path):
        _share(lock_path)
        yield


def replace(path: str, content: bytes, expected: Signature | None) -> None:
    """Replace the file with *content*; Conflict if its signature is not *expected* (None: no file).

    The caller holds the lock. Git and editors do not, so the signature is checked just before the rename.
    """
    _sweep(path)
    with _written(path, content, like=path if expected else None) as temporary:
        _check_unchanged(path, expected)
        os.rename(temporary, path)
    _sync_folder(path)


def create(path: str, content: bytes) -> None:
    """Create a file that only its owner can read, atomically; keep an existing one."""
    with _written(path, content) as temporary, suppress(FileExistsError):
        os.link(temporary, path)
    _sync_folder(path)


def replace_private(path: str, content: bytes) -> None:
    """Write a file that only its owner can read, atomically; create its folder for the owner alone."""
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    with _written(path, content) as temporary:
        os.rename(temporary, path)


def _share(path: str) -> None:
    """Let everybody who may write into the folder take the lock; they can replace the store file anyway."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        lock, folder = os.fstat(descriptor), os.stat(os.path.dirname(path))
        mode = 0o600 | folder.st_mode & 0o022 | (folder.st_mode & 0o022) << 1
        if (stat.S_IMODE(lock.st_mode), lock.st_gid) != (mode, folder.st_gid):
            _set_owner(descriptor, -1, folder.st_gid)
            with suppress(PermissionError):  # another user owns the lock file and shared it
                os.fchmod(descriptor, mode)
    finally:
        os.close(descriptor)


@contextmanager
def _written(path: str, content: bytes, like: str | None = None) -> Generator[str]:
    """Give a temporary file beside *path*, with *content*; it is gone after the block, unless it was renamed."""
    temporary = _temporary(path)
    try:
        _write(temporary, content, like)
        yield temporary
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary)


def _write(path: str, content: bytes, like: str | None) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        if like:
            _copy_owner(file.fileno(), os.stat(like))
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _check_unchanged(path: str, expected: Signature | None) -> None:
    if signature_or_none(path) != expected:
        raise Conflict(f"another program changed {path} during the write", hint="run the command again")


def _copy_owner(descriptor: int, status: os.stat_result) -> None:
    _set_owner(descriptor, -1, status.st_gid)
    _set_owner(descriptor, status.st_uid, -1)
    os.fchmod(descriptor, stat.S_IMODE(status.st_mode))


def _set_owner(descriptor: int, user: int, group: int) -> None:
    with suppress(PermissionError):  # only root can change the owner; others can only set a group that they are in
        os.fchown(descriptor, user, group)


def _sync_folder(path: str) -> None:
    descriptor = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sweep(path: str) -> None:
    """Delete the temporary files of killed writers. The caller holds the lock, so no writer is using them."""
    folder, prefix = os.path.split(_beside(path, ""))
    for name in os.listdir(folder):
        if name.startswith(prefix) and _TEMPORARY.fullmatch(name.removeprefix(prefix)):
            _check_no_folder(f"{folder}/{name}", "a temporary file")
            os.unlink(f"{folder}/{name}")


def _check_no_folder(path: str, purpose: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        raise ConfigError(f"{path} is a folder, but is needed as {purpose} of the store", hint="move the folder away")


def _temporary(path: str) -> str:
    return _beside(path, f"{os.getpid()}-{os.urandom(4).hex()}.tmp")


def _beside(path: str, suffix: str) -> str:
    folder, name = os.path.split(path)
    return f"{folder}/.{name}.{suffix}"


def _signature(status: os.stat_result) -> Signature:
    return Signature(status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size)
