"""The other tool at a store file: the file format without the driver, and trouble on the disk."""

import errno
import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

from tailorsecrets.driver import Target
from tailorsecrets.secret import Secret
from tailorsecrets.testing.backdoor import Backdoor
from tailorsecrets.testing.fuse import Fuse
from tailorsecrets_file import line
from tailorsecrets_file.store_file import StoreFile

STEPS = frozenset({"open", "os.rename", "os.remove", "os.link", "os.mkdir", "os.listdir"})


class Disk:
    """What is wrong with the disk below *folder*; nothing, at first.

    It learns of each step on the disk by an audit hook, which may raise; so nothing has to be replaced.
    """

    folder = ""
    broken = False  # files cannot be opened

    def __init__(self) -> None:
        self.fuse = Fuse()

    def step(self, event: str, args: tuple[Any, ...]) -> None:
        """Raise what the step meets."""
        path = str(args[0]) if args else ""
        if not self.folder or not path.startswith(self.folder) or path.endswith(".lock"):
            return  # a lock is let go of by the system when a process dies
        if self.broken and event == "open":
            raise OSError(errno.EIO, os.strerror(errno.EIO), path)
        self.fuse.burn()


@cache
def watched_disk() -> Disk:
    """Return the one disk that this process watches; a hook cannot be taken back."""
    disk = Disk()

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event in STEPS:
            disk.step(event, args)

    sys.addaudithook(hook)
    return disk


class FileBackdoor(Backdoor):
    """Another process with the file's key, which knows nothing of stamps."""

    def __init__(self, target: Target, key_file: Path) -> None:
        self._file = StoreFile(target)
        self._key_file, self._key = key_file, b""
        self._disk = watched_disk()
        self._disk.folder = str(Path(self._file.path).parent)
        self.recover()

    def write(self, name: str, text: str) -> None:
        """Add a version without a stamp."""
        with self._file.writing(create=True) as draft:
            draft.write(name, Secret(text))

    def read(self, name: str) -> str:
        """Decrypt the newest line of *name*."""
        view = self._file.snapshot()
        return view.value(view.history(name).heads[0]).reveal()

    def write_bytes(self, name: str, octets: bytes) -> None:
        """Seal *octets* as a version of *name*."""
        with self._file.writing(create=True) as draft:
            written = draft.write(name, Secret(""))
            data = draft.key.seal(written.nonce, line.packed("", octets), line._about(draft.file_id, written.head))
            body = b'%b,"nonce":"%b","data":"%b"' % (written.head, line._base64(written.nonce), line._base64(data))
            draft.names[line.encode_name(name)][0] = line.with_checksum(body)

    def rollback(self, name: str, version: str) -> None:
        """Write the value of *version* again."""
        with self._file.writing(create=False) as draft:
            old = next(each for each in draft.history(name).lines if each.token == version)
            draft.write(name, draft.value(old))

    def expire_login(self) -> None:
        """Change the data key, and take the key file away that opens the new one."""
        with self._file.writing(create=True) as draft:
            draft.rekey()
        self._key = self._key_file.read_bytes()
        self._key_file.unlink()

    def unreachable(self) -> None:
        """Let every file fail to open with an I/O error."""
        self._disk.broken = True

    def crash(self, *, after: int) -> None:
        """Die before the step on the disk that follows the next *after*."""
        self._disk.fuse.left = after

    def recover(self) -> None:
        """Mend the disk."""
        self._disk.fuse.left, self._disk.broken = None, False
        if self._key:
            self._key_file.write_bytes(self._key)
            self._key_file.chmod(0o600)
