"""Key files: one private key as text, in a file that only its owner can read."""

import os
import stat
import sys
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping
from typing import Final

from tailorsecrets.errors import SecretsError, Unauthenticated
from tailorsecrets_file.crypto import SIZE
from tailorsecrets_file.disk import create, open_regular

# importing pathlib would add 10 ms to every command
# ruff: noqa: PTH100, PTH103, PTH120, PTH208

_PREFIX: Final = "tailorsecrets-key-"  # secret scanners find committed keys by this prefix
_MAX_BYTES: Final = 4096


def generate() -> str:
    """Return the text of a new key."""
    return encode(os.urandom(SIZE))


def encode(key: bytes) -> str:
    """Return a key as text."""
    return _PREFIX + b2a_base64(key, newline=False).decode().translate({43: "-", 47: "_"}).rstrip("=")


def decode(text: str, where: str) -> bytes:
    """Return the key in *text*; Unauthenticated if it is not a key. *where* names its source."""
    body = text.strip().removeprefix(_PREFIX)
    try:
        key = a2b_base64(body.translate({45: "+", 95: "/"}) + "=", strict_mode=True)
    except (Base64Error, ValueError):
        key = b""
    if len(key) != SIZE or encode(key) != text.strip():
        raise Unauthenticated(f"{where} does not hold a key", hint=f"a key is one line that starts with {_PREFIX}")
    return key


def load(path: str) -> bytes:
    """Return the key in a key file; Unauthenticated if others can read it. Raises the errors of open."""
    with open_regular(path) as file:
        _check_private(os.fstat(file.fileno()), path)
        return decode(file.read(_MAX_BYTES).decode("ascii", "replace"), path)


def load_or_create(path: str) -> bytes:
    """Return the key in a key file; create the file if it does not exist."""
    path = os.path.abspath(path)
    try:
        return load(path)
    except FileNotFoundError:
        _create(path)
    return load(path)  # another process may have created it first


def config_folder(environ: Mapping[str, str]) -> str:
    """Return the folder of tailorsecrets in the user's config folder."""
    config = environ.get("XDG_CONFIG_HOME") or _home_config(environ)
    return f"{config}/tailorsecrets"


def folder(environ: Mapping[str, str]) -> str:
    """Return the folder of the user's key files."""
    return f"{config_folder(environ)}/keys"


def own(environ: Mapping[str, str], file_id: str) -> list[str]:
    """Return the user's key files of one store file; after a replacement there are several."""
    place = folder(environ)
    try:
        return [f"{place}/{name}" for name in sorted(os.listdir(place)) if _belongs(name, file_id)]
    except FileNotFoundError:
        return []


def unused(environ: Mapping[str, str], file_id: str) -> str:
    """Return a path for a new key file of one store file."""
    taken = own(environ, file_id)
    place = f"{folder(environ)}/{file_id}"
    return f"{place}-{len(taken) + 1}.key" if taken else f"{place}.key"


def _create(path: str) -> None:
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        create(path, f"{generate()}\n".encode())
    except OSError as exc:
        problem = exc.strerror or type(exc).__name__
    else:
        return
    hint = "make room, make its folder writable, or set TAILORSECRETS_FILE_KEY_FILE to another path"
    raise SecretsError(f"the key file {path} cannot be written: {problem}", code="OUTPUT_FAILED", hint=hint)


def _belongs(name: str, file_id: str) -> bool:
    return name.startswith(file_id) and name.endswith(".key")


def _home_config(environ: Mapping[str, str]) -> str:
    if sys.platform == "linux" and (home := environ.get("HOME")):
        return f"{home}/.config"  # platformdirs returns the same, but takes 20 ms and reads os.environ
    import platformdirs

    return platformdirs.user_config_dir()


def _check_private(status: os.stat_result, path: str) -> None:
    if stat.S_IMODE(status.st_mode) & 0o077:
        raise Unauthenticated(f"others can read the key file {path}", hint=f"run: chmod 600 {path}")
    if status.st_uid not in {os.getuid(), 0}:  # root can read every file anyway
        raise Unauthenticated(f"the key file {path} belongs to another user")
