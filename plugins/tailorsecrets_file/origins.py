"""The origin of each store file that this user has opened, so that another file in its place is refused.

The recipients of an age slot are public. Anybody can make a store file of their own that a user's age identity opens,
and put it in the place of the genuine one. What they cannot copy is the origin key, which only holders of the genuine
file have. A process remembers the origin of each path that it has opened, whatever key opened it. Where a key file of
the user's own or an age identity opens a file, the user's config folder remembers the origin as well.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from typing import Final, NamedTuple

from tailorsecrets.errors import Corrupt
from tailorsecrets_file import disk, keyfiles

# pathlib would cost 10 ms at every start of the command
# ruff: noqa: PTH123

_MAX_BYTES: Final = 65_536
_opened: Final[dict[str, str]] = {}  # path -> origin id, of this process


class Origin(NamedTuple):
    """The identity of a store file: its id, which anybody can copy, and the id of its origin key."""

    file_id: str
    origin_id: str


def check(environ: Mapping[str, str], path: str, origin: Origin, *, user: bool) -> None:
    """Remember the origin of *path* for this process, and with *user* for the user; Corrupt if it was another one."""
    if _opened.get(path, origin.origin_id) != origin.origin_id:
        raise replaced(path)
    if user:
        _check_user(environ, path, origin)
    _opened.setdefault(path, origin.origin_id)


def remembered(environ: Mapping[str, str], path: str) -> Origin | None:
    """Return the origin that this user remembers for *path*, None at first use; Corrupt if the record is damaged."""
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
    """Remember the origin of *path* in the place of any other. Raises what the disk raises."""
    _opened[path] = origin.origin_id
    _write(environ, path, origin)


def made(environ: Mapping[str, str], path: str, origin: Origin, *, user: bool) -> None:
    """Note that this process made a new file at *path*; with *user*, or over an older record, for the user too."""
    _opened[path] = origin.origin_id
    with suppress(OSError):
        if user or remembered(environ, path):
            _write(environ, path, origin)


def replaced(path: str) -> Corrupt:
    """Return the error for a file that has another origin than the one opened before."""
    return Corrupt(
        f"{path} is not the store file that was opened here before: its origin is another one",
        hint=f"restore it from git or from a backup; if it was replaced on purpose, run: {trust_command(path)}",
    )


def trust_command(path: str) -> str:
    """Return the command that accepts the file at *path*."""
    from shlex import quote

    return f"tailorsecrets file trust --store {quote(f'file:{path}')}"


def _check_user(environ: Mapping[str, str], path: str, origin: Origin) -> None:
    before = remembered(environ, path)
    if before is None:
        with suppress(OSError):  # a home that cannot be written: the first use in each process is a first use
            _write(environ, path, origin)
    elif before != origin:
        raise replaced(path)


def _write(environ: Mapping[str, str], path: str, origin: Origin) -> None:
    fields = {"path": path, "file": origin.file_id, "origin": origin.origin_id}
    disk.replace_private(_record(environ, path), json.dumps(fields).encode() + b"\n")


def _record(environ: Mapping[str, str], path: str) -> str:
    name = sha256(path.encode("utf-8", "surrogateescape")).hexdigest()[:32]
    return f"{keyfiles.config_folder(environ)}/origins/{name}.json"
