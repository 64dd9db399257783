"""A right driver of a poor store: a JSON file that maps names to values, with side-cars for the stamps."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import cast

from tailorsecrets.driver import ABSENT, Caps, Driver, Entry, Problem, Stored, Target
from tailorsecrets.errors import AlreadyExists, Corrupt, Denied, NotFound, SecretsError, Unavailable, Unsupported
from tailorsecrets.kit import SideCar, locked
from tailorsecrets.secret import Secret

CAPS = Caps(
    max_name=200,
    max_bytes=2_000,
    writes=True,
    lists=True,
    stamps=True,
    tags=True,
    cas="create",
    local=True,
)
CAR = SideCar()


class Poor(Driver):
    """One file, at the path of the target."""

    caps = CAPS

    def __init__(self, target: Target) -> None:
        self._path, self._seconds = target.path, target.seconds(write=True)

    def explain(self, exc: Exception, op: str) -> Problem:
        """Return the meaning of *exc*."""
        if isinstance(exc, KeyError):
            return Problem(NotFound)
        if isinstance(exc, PermissionError):
            return Problem(Denied, "check the owner of the file")
        if isinstance(exc, OSError):
            return Problem(Unavailable, "check the disk")
        return Problem(SecretsError)

    def get(self, name: str, version: str = "") -> Stored:
        """Read the file."""
        if version:
            raise Unsupported
        found = stored_in(self._read(), name)
        if found is None:
            raise Corrupt("the value is not text")
        return found

    def list(self, prefix: str, *, deleted: bool = False) -> Iterator[Entry]:
        """Yield the names that are not side-cars."""
        if deleted:
            raise Unsupported
        texts = self._read()
        return (entry_of(texts, name) for name in sorted(texts) if name.startswith(prefix) and not CAR.is_one(name))

    def put(
        self,
        name: str,
        value: Secret,
        *,
        expect: str | None = None,
        stamp: str = "",
        tags: Mapping[str, str] | None = None,
    ) -> Entry:
        """Write the value and its side-car in one step."""
        value.reveal().encode()
        with locked(f"{self._path}.lock", self._seconds):
            texts = self._read()
            if expect == ABSENT and name in texts:
                texts.clear()  # no frame of the error may hold a value
                raise AlreadyExists
            texts[name] = value.reveal()
            texts[CAR.name(name)] = CAR.text(value, stamp=stamp, tags=tags)
            self._write(texts)
        return entry_of(texts, name)

    def delete(self, name: str, *, purge: bool = False) -> None:
        """Remove the value and its side-car."""
        with locked(f"{self._path}.lock", self._seconds):
            texts = self._read()
            for each in (name, CAR.name(name)):
                texts.pop(each, None)
            self._write(texts)

    def _read(self) -> dict[str, str]:
        try:
            with open(self._path, "rb") as file:
                octets = file.read()
        except FileNotFoundError:
            return {}
        found: object = None
        with suppress(ValueError):
            found = json.loads(octets)
        del octets  # no frame of the error may hold a value
        if not isinstance(found, dict):
            raise Corrupt("the file is not a JSON object")
        return cast("dict[str, str]", found)

    def _write(self, texts: Mapping[str, str]) -> None:
        new = f"{self._path}.{os.getpid()}.new"
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(dict(texts), file)
        os.replace(new, self._path)


def stored_in(texts: Mapping[str, str], name: str) -> Stored | None:
    """Return the value of *name*, None where it is not text; an error raised here would show all values."""
    text = texts[name]
    return Stored(Secret(text), entry_of(texts, name)) if isinstance(text, str) else None


def entry_of(texts: Mapping[str, str], name: str) -> Entry:
    """Return the entry of *name*."""
    noted = CAR.read(texts.get(CAR.name(name), ""), Secret(str(texts[name])))
    return Entry(name=name, stamp=noted.stamp, tags=noted.tags)
