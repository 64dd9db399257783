"""age recipients and identities. Needs the extra ``age``."""

import importlib
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

from tailorsecrets.errors import ConfigError, Unauthenticated, Unsupported
from tailorsecrets_file.disk import open_regular

_IDENTITY: Final = "AGE-SECRET-KEY-1"
_SSH: Final = "-----BEGIN"
_MAX_BYTES: Final = 1_048_576  # of a file of identities


def named_identities(value: str, where: str) -> list[str]:
    """Return the identities in *value*: the text of one, or the path of a file. *where* names the variable."""
    text = value if value.strip().startswith(_IDENTITY) else _read_named(value, where)
    if not (found := list(_split(text))):
        raise Unauthenticated(f"{where} does not name an age identity", hint=f"set it to {_IDENTITY}... or to a path")
    return found


def found_identities(environ: Mapping[str, str]) -> list[str]:
    """Return the identities where SOPS and age keep them.

    ``SOPS_AGE_KEY``, the files of ``SOPS_AGE_KEY_FILE`` and ``SOPS_AGE_SSH_PRIVATE_KEY_FILE``, sops/age/keys.txt,
    and the ssh keys of the user.
    """
    texts = [environ.get("SOPS_AGE_KEY", ""), *(_read(path) for path in _places(environ))]
    return [identity for text in texts for identity in _split(text)]


def encrypt(plain: bytes, recipient: str) -> bytes:
    """Encrypt *plain* to one recipient, ``age1…`` or an ssh public key, as an age file."""
    pyrage = _pyrage()
    return bytes(pyrage.encrypt(plain, [_recipient(pyrage, recipient)]))


def decrypt(data: bytes, found: list[str]) -> bytes | None:
    """Decrypt an age file; None if no identity fits or the file is damaged."""
    pyrage = _pyrage()
    usable = [identity for text in found if (identity := _identity(pyrage, text))]
    try:
        return bytes(pyrage.decrypt(data, usable)) if usable else None
    except pyrage.DecryptError:
        return None


def _pyrage() -> Any:
    try:
        return importlib.import_module("pyrage")
    except ImportError as error:
        hint = "run: pip install 'tailorsecrets[age]'"
        raise Unsupported("age support is not installed", hint=hint) from error


def _recipient(pyrage: Any, text: str) -> Any:
    kind = pyrage.ssh if text.startswith("ssh-") else pyrage.x25519
    try:
        return kind.Recipient.from_str(text)
    except pyrage.RecipientError as error:
        hint = "use a recipient that starts with age1, or an ssh-ed25519 or ssh-rsa public key"
        raise ConfigError(f"{text!r} is not an age recipient", hint=hint) from error


def _identity(pyrage: Any, text: str) -> Any:
    with suppress(pyrage.IdentityError):  # an ssh key with a passphrase, or of another kind
        if text.startswith(_SSH):
            return pyrage.ssh.Identity.from_buffer(text.encode())
        return pyrage.x25519.Identity.from_str(text)
    return None


def _places(environ: Mapping[str, str]) -> Iterator[str]:
    home = environ.get("HOME", "")
    config = environ.get("XDG_CONFIG_HOME", "")
    if not config and home:
        config = f"{home}/Library/Application Support" if sys.platform == "darwin" else f"{home}/.config"
    named = (environ.get("SOPS_AGE_KEY_FILE"), environ.get("SOPS_AGE_SSH_PRIVATE_KEY_FILE"))
    yield from filter(None, named)
    if config:
        yield f"{config}/sops/age/keys.txt"
    if home:
        yield from (f"{home}/.ssh/id_ed25519", f"{home}/.ssh/id_rsa")


def _read(path: str) -> str:
    with suppress(OSError, ConfigError), open_regular(path) as file:  # missing, denied, or a pipe
        return file.read(_MAX_BYTES).decode("utf-8", "replace")
    return ""


def _read_named(path: str, where: str) -> str:
    try:
        with open_regular(os.path.expanduser(path)) as file:  # noqa: PTH111  # importing pathlib would add 10 ms
            return file.read(_MAX_BYTES).decode("utf-8", "replace")
    except ConfigError:
        why = "it is not a regular file"
    except (OSError, ValueError) as error:
        why = str(error.strerror) if isinstance(error, OSError) else "it is not a path"
    raise Unauthenticated(
        f"{where} names a file that cannot be read: {why}"
    )  # outside of the except block: that error quotes the value


def _split(text: str) -> Iterator[str]:
    if text.lstrip().startswith(_SSH):
        yield text
    yield from (line.strip() for line in text.splitlines() if line.strip().startswith(_IDENTITY))
