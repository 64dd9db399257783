"""Env files: variables that a command adds to its environment."""

from collections.abc import Mapping
from os.path import exists
from typing import TYPE_CHECKING, NamedTuple

from tailorsecrets.errors import ConfigError

if TYPE_CHECKING:
    from dotenv.parser import Original


class Line(NamedTuple):
    """A variable of an env file, and the number of its line. A bare name has no value."""

    name: str
    value: str | None
    number: int


def load_env_files(required: list[str], optional: list[str], environ: Mapping[str, str]) -> dict[str, str]:
    """Return what the env files add to *environ*: required ones first, later over earlier, never over *environ*."""
    added: dict[str, str] = {}
    for path in required:
        if not exists(path):
            raise ConfigError(f"env file {path}: not found", hint="--env-file-if-exists skips a missing one")
    for path in [*required, *(path for path in optional if exists(path))]:
        added |= _env_file(path)
    return {name: value for name, value in added.items() if name not in environ}


def _env_file(path: str) -> dict[str, str]:
    read = _read_env_file(path)
    if isinstance(read, str):
        raise ConfigError(f"env file {path}: {read}")
    return read


def _read_env_file(path: str) -> dict[str, str] | str:
    """Return the variables of the file, or the problem with it: an exception raised here would show a value."""
    try:
        with open(path, encoding="utf-8") as stream:
            text = stream.read()
    except UnicodeDecodeError:
        return "it is not UTF-8 text"
    except OSError as exc:
        return exc.strerror or type(exc).__name__
    found = variables_in(text)
    return found if isinstance(found, str) else {name: value for name, value, _ in found if value is not None}


def variables_in(text: str) -> list[Line] | str:
    """Return the variables of *text*, the content of an env file, in its order, or the problem with it.

    Nothing is expanded. The problem holds no value.
    """
    from io import StringIO

    from dotenv.parser import parse_stream

    found: list[Line] = []
    for binding in parse_stream(StringIO(text, newline=None)):
        if binding.error:
            return f"line {_number(binding.original)} is not NAME=VALUE"
        if binding.key is not None:
            found.append(Line(binding.key, binding.value, _number(binding.original)))
    return found


def _number(original: "Original") -> int:
    """Return the number of the line, without the blank lines that the parser counts in."""
    blank = len(original.string) - len(original.string.lstrip())
    return original.line + original.string[:blank].count("\n")
