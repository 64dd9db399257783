"""Templates: text with ``{{ ts://VAULT/NAME }}`` where the value of a secret goes. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tailorsecrets.errors import ConfigError, SecretNotFound
from tailorsecrets.secret import Secret
from tailorsecrets.store.names import Place, is_name

_BEGINNING: Final = re.compile(r"\{\{[ \t]*ts://")
_REFERENCE: Final = re.compile(r"\{\{[ \t]*ts://([^/\s{}]+)/([^/\s{}]+)[ \t]*\}\}")

_MISSING: Final = "create them, or correct their names in the template"


@dataclass(frozen=True, slots=True)
class _Reference:
    """A place for a value, from *start* to *end*; no place: it is malformed."""

    start: int
    end: int
    place: Place | None


class Template:
    """A text with references to secrets."""

    def __init__(self, text: Secret) -> None:
        self._text = text.reveal()  # not yet secret, but may hold what its author wrote into it
        self._references = [_reference(self._text, found.start()) for found in _BEGINNING.finditer(self._text)]

    def places(self) -> list[Place]:
        """Return the secrets that the text refers to, each once."""
        return list(dict.fromkeys(reference.place for reference in self._references if reference.place))

    def filled(self, values: Mapping[Place, Secret], near: str = "") -> Secret:
        """Return the text with its references replaced by *values*.

        *near* is a question about the names of missing ones, for the hint.
        Raise one error that lists every reference that is malformed or has no value as ``line:column``: ConfigError,
        or SecretNotFound where all are well formed.
        """
        problems = [
            f"{self._position(reference.start)}: {_problem(reference)}"
            for reference in self._references
            if reference.place is None or reference.place not in values
        ]
        if problems:
            malformed = any(reference.place is None for reference in self._references)
            kind, hint = (
                (ConfigError, "write {{ ts://VAULT/NAME }}")
                if malformed
                else (SecretNotFound, f"{near} {_MISSING}".lstrip())
            )
            raise kind("; ".join(problems), hint=hint, code="TEMPLATE_INVALID" if malformed else "")
        parts, done = list[str](), 0
        for reference in self._references:
            assert reference.place is not None
            parts += [self._text[done : reference.start], values[reference.place].reveal()]
            done = reference.end
        return Secret("".join([*parts, self._text[done:]]))

    def _position(self, start: int) -> str:
        line_start = self._text.rfind("\n", 0, start) + 1
        return f"{self._text.count(chr(10), 0, start) + 1}:{start - line_start + 1}"


def _reference(text: str, start: int) -> _Reference:
    found = _REFERENCE.match(text, start)
    if found is None or not (is_name(found[1]) and is_name(found[2])):
        return _Reference(start, start, None)
    return _Reference(start, found.end(), Place(found[1], found[2]))


def _problem(reference: _Reference) -> str:
    return f"{reference.place.vault}/{reference.place.secret} is not in the store" if reference.place else "malformed"
