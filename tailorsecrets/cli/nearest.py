"""Suggestions for a misspelt name. The names of vaults and secrets come from the config, not from the store."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.program import PROGRAM
from tailorsecrets.errors import (
    SecretNotFound,
    SecretsError,
    Unauthenticated,
    Unavailable,
    VaultNotFound,
    VersionNotFound,
)

if TYPE_CHECKING:
    from tailorsecrets.store.names import Place

_FOR_DOCTOR = (Unauthenticated.code, Unavailable.code)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a question that names the nearest of *known*, "" where none is near."""
    near = _nearest(word, known)
    return f"did you mean {near!r}?" if near else ""


def nearest_places(missing: "Iterable[Place]", invocation: Invocation) -> str:
    """Return a question that names the nearest declared secret for each of *missing*, "" where none is near."""
    places = list(missing)
    names: Mapping[str, list[str]] = invocation.declared_names() if places else {}
    near = [repr(path) for path in dict.fromkeys(_nearest_place(place, names) for place in places) if path]
    return f"did you mean {', '.join(near)}?" if near else ""


def suggestion(error: SecretsError, invocation: Invocation) -> str:
    """Return the hint of *error*, with the nearest declared name where a vault or a secret is missing.

    An error of sign-in or reach points to ``doctor``.
    """
    return "; ".join(filter(None, [_nearest_declared(error, invocation), error.hint, to_doctor(error, invocation)]))


def to_doctor(error: object, invocation: Invocation) -> str:
    """Return a sentence that points to ``doctor`` for the same target, "" for *error* of any other kind.

    The code decides, because the error of a partly done command has the code of its cause.
    """
    if not isinstance(error, SecretsError) or error.code not in _FOR_DOCTOR:
        return ""
    return f"to find the cause, run: {PROGRAM} doctor{invocation.common.flags()}"


def say_to_doctor(errors: Iterable[object], invocation: Invocation) -> None:
    """Point to ``doctor`` on stderr where one of *errors*, which are in the output, is about sign-in or reach."""
    pointer = next(filter(None, (to_doctor(error, invocation) for error in errors)), "")
    if pointer and not invocation.json:
        invocation.io.say(f"hint: {pointer}")


def _nearest(word: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(word, [name for name in known if name != word], n=1)
    return near[0] if near else ""


def _nearest_place(place: "Place", names: Mapping[str, list[str]]) -> str:
    vault = place.vault if place.vault in names else _nearest(place.vault, names)
    known = names.get(vault, [])
    secret = place.secret if place.secret in known else _nearest(place.secret, known)
    return f"{vault}/{secret}" if secret and (vault, secret) != place else ""


def _nearest_declared(error: SecretsError, invocation: Invocation) -> str:
    missing = isinstance(error, VaultNotFound | SecretNotFound) and not isinstance(error, VersionNotFound)
    if not missing or not error.vault:
        return ""
    names = invocation.declared_names()
    if isinstance(error, VaultNotFound):
        return did_you_mean(error.vault, names)
    return did_you_mean(error.secret, names.get(error.vault, []))
