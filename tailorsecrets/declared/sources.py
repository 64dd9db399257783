"""Where a declared value comes from; read only when a plan is made, never when the config is imported."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tailorsecrets.errors import ConfigError
from tailorsecrets.secret import Secret

_LONGEST: Final = 4096


@dataclass(frozen=True, slots=True)
class Env:
    """The value of an environment variable; unset is no value, and so is empty, unless *allow_empty*."""

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
    """The exact content of a file; a missing file is no value."""

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
    """A value that stands in the config itself."""

    value: Secret | None

    def read(self, _environ: Mapping[str, str], _base: Path) -> Secret | None:
        """Return the value, None for none."""
        return self.value

    def __str__(self) -> str:
        return "the config gives None"


@dataclass(frozen=True, slots=True)
class Generate:
    """A random value of *length* letters and digits, made once, when the secret does not exist."""

    length: int = 32

    def make(self) -> Secret:
        """Return a new value."""
        import secrets
        import string

        return Secret("".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(self.length)))


Source = Env | File | PlainValue | Generate


def env(name: str, *, allow_empty: bool = False) -> Env:
    """Take the value from the environment variable *name* when apply runs.

    Unset is no value. Empty is no value either, since CI systems expand a missing secret to "", unless *allow_empty*.
    """
    if not name or "=" in name or "\0" in name:
        raise ConfigError(f"env({name!r}): not the name of an environment variable")
    return Env(name, allow_empty)


def file(path: str) -> File:
    """Take the exact content of the file *path*, relative to the config, when apply runs. A missing one is no value."""
    if not path:
        raise ConfigError('file(""): not a path')
    return File(path)


def generate(length: int = 32) -> Generate:
    """Make a random value of *length* (1 to 4096) letters and digits once, when apply finds no such secret."""
    if not 1 <= length <= _LONGEST:
        raise ConfigError(f"generate({length}): the length is from 1 to {_LONGEST}")
    return Generate(length)


def source(value: object) -> Source:
    """Return what *value*, as it stands in a config, means; ConfigError for anything but text, None and sources."""
    if isinstance(value, Env | File | Generate):
        return value
    if value is None:
        return PlainValue(None)
    if isinstance(value, str):
        return PlainValue(Secret(value))
    raise ConfigError(f"a value is text, None, env(), file() or generate(), not {type(value).__name__}")
