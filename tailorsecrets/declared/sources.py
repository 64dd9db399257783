"""The sources of declared values. A plan reads them; importing the config does not."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tailorsecrets.declared.periods import seconds_in
from tailorsecrets.errors import ConfigError
from tailorsecrets.secret import Secret

_LONGEST: Final = 4096


@dataclass(frozen=True, slots=True)
class Env:
    """An environment variable. If it is unset, or empty without *allow_empty*, there is no value."""

    name: str
    allow_empty: bool = False

    def read(self, environ: Mapping[str, str], _base: Path) -> Secret | None:
        """Return the value, None for none."""
        text = environ.get(self.name)
        return Secret(text) if text or (text is not None and self.allow_empty) else None

    def __str__(self) -> str:
        return f"environment variable {self.name}"


@dataclass(frozen=True, slots=True)
class File:
    """The exact content of a file. If it is missing, there is no value."""

    path: str

    def read(self, _environ: Mapping[str, str], base: Path) -> Secret | None:
        """Return the value, None for none; ConfigError where the file cannot be read."""
        problem = ""
        try:
            return Secret((base / Path(self.path).expanduser()).read_bytes().decode())
        except FileNotFoundError:
            return None
        except UnicodeDecodeError:
            problem = "it is not UTF-8 text"
        except OSError as exc:
            problem = exc.strerror or type(exc).__name__
        raise ConfigError(f"{self}: {problem}")

    def __str__(self) -> str:
        return f"file {self.path}"


@dataclass(frozen=True, slots=True)
class PlainValue:
    """A value in the config itself."""

    value: Secret | None

    def read(self, _environ: Mapping[str, str], _base: Path) -> Secret | None:
        """Return the value, None for none."""
        return self.value

    def __str__(self) -> str:
        return "None in the config"


@dataclass(frozen=True, slots=True)
class Generate:
    """A random value of *length* letters and digits, generated once, when the secret does not exist.

    ``rotate_after``: the age in seconds after which apply generates another one; None: never.
    """

    length: int = 32
    rotate_after: int | None = None

    def make(self) -> Secret:
        """Return a new value."""
        import secrets
        import string

        return Secret("".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(self.length)))


Source = Env | File | PlainValue | Generate


def env(name: str, *, allow_empty: bool = False) -> Env:
    """Take the value from the environment variable *name* when apply runs.

    If it is unset, there is no value. If it is empty, there is no value either, since CI systems expand a missing
    secret to ""; with *allow_empty*, the empty text is the value.
    """
    if not name or "=" in name or "\0" in name:
        raise ConfigError(f"env({name!r}): not the name of an environment variable")
    return Env(name, allow_empty)


def file(path: str) -> File:
    """Take the exact content of the file *path*, relative to the config, when apply runs.

    If the file is missing, there is no value.
    """
    if not path:
        raise ConfigError('file(""): not a path')
    return File(path)


def generate(length: int = 32, *, rotate_after: str | None = None) -> Generate:
    """Make a random value of *length* (1 to 4096) letters and digits once, when apply finds no such secret.

    With *rotate_after*, a period in hours, days or weeks such as "12h", "90d" or "4w", apply makes another value when
    the current one is older. The previous value stays readable: ``secrets.recent`` returns both.
    """
    if not 1 <= length <= _LONGEST:
        raise ConfigError(f"generate({length}): expected a length from 1 to {_LONGEST}")
    return Generate(length, None if rotate_after is None else seconds_in(rotate_after))


def source(value: object) -> Source:
    """Return the source of *value*, as a config has it; ConfigError for anything but text, None and sources."""
    if isinstance(value, Env | File | Generate):
        return value
    if value is None:
        return PlainValue(None)
    if isinstance(value, str):
        return PlainValue(Secret(value))
    raise ConfigError(f"expected text, None, env(), file() or generate(), got {type(value).__name__}")
