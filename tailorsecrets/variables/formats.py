"""Secrets as text for other tools: dotenv, JSON, a shell, Kubernetes. Pure."""

import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Final, Literal

from tailorsecrets.errors import ConfigError, Unsupported
from tailorsecrets.secret import Secret

Format = Literal["dotenv", "json", "shell", "k8s"]

_PLAIN: Final = re.compile(r"[A-Za-z0-9_./:@%+,=^~-]+")  # needs no quotes in any reader of dotenv files
_UNQUOTED: Final = re.compile(r"(?![\s'\"])[^\r\n]*\\")  # ends in a backslash, which would hide a closing quote
_COMMENT: Final = re.compile(r"\s#")
_ESCAPES: Final = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r"})
_DNS_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")


def dotenv(secrets: Mapping[str, Secret]) -> str:
    """Return *secrets* as python-dotenv reads them.

    Raise Unsupported that lists every value with a NUL, with a ``${``, which it expands, or with a backslash at the end
    that would hide the closing quote.
    """
    lines = {name: _dotenv_value(value.reveal()) for name, value in secrets.items()}
    _refuse("dotenv", [name for name, line in lines.items() if line is None])
    return "".join(f"{name}={line}\n" for name, line in lines.items())


def shell(secrets: Mapping[str, Secret]) -> str:
    """Return *secrets* as commands of a POSIX shell that export them; Unsupported for values with a NUL."""
    _refuse("shell", [name for name, value in secrets.items() if "\0" in value.reveal()])
    return "".join(f"export {name}={_single_quoted(value.reveal())}\n" for name, value in secrets.items())


def json(secrets: Mapping[str, Secret]) -> str:
    """Return *secrets* as one flat JSON object."""
    from json import dumps

    return dumps({name: value.reveal() for name, value in secrets.items()}, indent=2) + "\n"


def k8s(secrets: Mapping[str, Secret], name: str) -> str:
    """Return *secrets* as a Secret of Kubernetes called *name*, in YAML; ConfigError for an illegal name."""
    if not _DNS_NAME.fullmatch(name):
        message = f"{name!r} cannot be the name of a Kubernetes Secret"
        raise ConfigError(message, hint="give it with --name: lower-case letters, digits, '-' and '.'")
    head = f'apiVersion: v1\nkind: Secret\nmetadata:\n  name: "{name}"\ntype: Opaque\ndata:'
    rows = [f'  "{key}": "{b64encode(value.reveal().encode()).decode()}"' for key, value in secrets.items()]
    return "\n".join([head if rows else f"{head} {{}}", *rows, ""])


FORMATS: Final[Mapping[str, Callable[[Mapping[str, Secret]], str]]] = {"dotenv": dotenv, "json": json, "shell": shell}


def _dotenv_value(text: str) -> str | None:
    """Return *text* as it is written after the equals sign, None if it cannot be written.

    Where one will do, the form is one that all readers take alike; of escapes each knows others.
    """
    if "\0" in text or "${" in text:
        return None
    if not text or _PLAIN.fullmatch(text):
        return text
    if text.endswith("\\"):
        return text if _UNQUOTED.fullmatch(text) and not _COMMENT.search(text) else None
    if not {"'", "\\", "\r"}.intersection(text):
        return f"'{text}'"
    return f'"{text.translate(_ESCAPES)}"'


def _single_quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _refuse(kind: Format, names: list[str]) -> None:
    if names:
        message = f"{kind} cannot hold the value of {', '.join(names)}"
        raise Unsupported(message, hint="--format json holds every value")
