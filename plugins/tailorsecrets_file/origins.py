"""Remember the origin of each store file that was opened, to refuse another file in its place.

Recipients of age slots are public. Anybody can make a store file that a user's age identity opens, and put it in the
place of the genuine one. They cannot copy the origin key, which only holders of the genuine file have. A process
remembers the origin of each path that it opened. If one of the user's key files or an age identity opened the file, the
user's config folder remembers the origin as well.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Final, NamedTuple

from tailorsecrets.errors import Corrupt
from tailorsecrets_file import disk, key_files
from tailorsecrets_file.snapshot import store_option

# importing pathlib would add 10 ms to every command
# ruff: noqa: PTH123

_MAX_BYTES: Final = 65_536
_opened: Final[dict[str, str]] = {}  # path -> origin id, in this process


class Origin(NamedTuple):
    """The identity of a store file: its id, which anybody can copy, and the id of its origin key."""

    file_id: str
    origin_id: str


def check(environ: Mapping[str, str], path: str, origin: Origin, *, user: bool) -> None:
    """Remember the origin of *path* in this process, and with *user* in the config folder; Corrupt if it changed."""
    if _opened.get(path, origin.origin_id) != origin.origin_id:
        raise replaced(path)
    if user:
        _check_user(environ, path, origin)
    _opened.setdefault(path, origin.origin_id)


def remembered(environ: Mapping[str, str], path: str) -> Origin | None:
    """Return the origin of *path* in the config folder, or None at first use; Corrupt if the record is damaged."""
    record = _record(environ, path)
    try:
        with open(record, "rb") as file:
            fields = json.loads(file.read(_MAX_BYTES))
        return Origin(str(fields["file"]), str(fields["origin"]))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError) as error:
        raise Corrupt(f"{record} is damaged", hint=f"delete it, then run: {trust_command(path)}") from error


def accept(environ: Mapping[str, str], path: str, origin: Origin) -> None:
    """Remember this origin of *path* instead of any other. Raises the errors of the disk."""
    _opened[path] = origin.origin_id
    _write(environ, path, origin)


def made(environ: Mapping[str, str], path: str, origin: Origin, *, user: bool) -> None:
    """Remember that this process created a file at *path*; in the config folder with *user*, or if it has a record."""
    _opened[path] = origin.origin_id
    with suppress(OSError, Corrupt):
        if user or remembered(environ, path):
            _write(environ, path, origin)


def replaced(path: str) -> Corrupt:
    """Return the error for a file with another origin than the one opened before."""
    return Corrupt(
        f"{path} is not the store file that was opened here before: its origin differs",
        hint=f"restore it from git or from a backup; if the replacement is intended, run: {trust_command(path)}",
    )


def trust_command(path: str) -> str:
    """Return the command that accepts the file at *path*."""
    return f"tailorsecrets file trust {store_option(path)}"


def _check_user(environ: Mapping[str, str], path: str, origin: Origin) -> None:
    before = remembered(environ, path)
    if before is None:
        with suppress(OSError):  # in a read-only home, each process has its own first use
            _write(environ, path, origin)
    elif before != origin:
        raise replaced(path)


def _write(environ: Mapping[str, str], path: str, origin: Origin) -> None:
    fields = {"path": path, "file": origin.file_id, "origin": origin.origin_id}
    disk.replace_private(_record(environ, path), json.dumps(fields).encode() + b"\n")


def _record(environ: Mapping[str, str], path: str) -> str:
    from cryptography.hazmat.primitives.hashes import SHA256, Hash

    digest = Hash(SHA256())
    digest.update(path.encode("utf-8", "surrogateescape"))
    name = digest.finalize().hex()[:32]
    return f"{key_files.config_folder(environ)}/origins/{name}.json"
