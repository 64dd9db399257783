"""The names of the variables that hold secrets, and the secrets that variables become. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from tailorsecrets.errors import NameInvalid
from tailorsecrets.store.names import RULE, Place, is_name

_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def variable_of(place: Place, prefix: str = "") -> str:
    """Return the name of the variable of a secret: *prefix*, then the vault and the name in upper case."""
    return prefix + f"{place.vault}_{place.secret}".replace("-", "_").upper()


def named(places: Iterable[Place], prefix: str = "") -> dict[str, Place]:
    """Return *places* by the names of their variables.

    Raise one NameInvalid that lists every name that no variable can have, and every name that two secrets have.
    """
    found: dict[str, list[Place]] = {}
    for place in places:
        found.setdefault(variable_of(place, prefix), []).append(place)
    bad = [
        f"{name} of {_path(same[0])} is not the name of a variable" for name, same in found.items() if not _fits(name)
    ]
    twice = [f"{name} would hold {' and '.join(map(_path, same))}" for name, same in found.items() if len(same) > 1]
    if bad or twice:
        hint = "name each variable with --map VAR=VAULT/NAME" + (", or put --prefix P before all" if bad else "")
        raise NameInvalid("; ".join([*bad, *twice]), code="VARIABLE_INVALID", hint=hint)
    return {name: same[0] for name, same in found.items()}


def mapped(entries: Sequence[str]) -> dict[str, Place]:
    """Return the places of *entries*, each ``VAR=VAULT/NAME``, by variable.

    Raise one NameInvalid that lists every entry that is malformed, and every variable that occurs twice.
    """
    split = [(entry, *_split(entry)) for entry in entries]
    bad = [f"--map {name or '='}: {problem}" for _, name, place in split if (problem := _problem(name, place))]
    if bad:
        hint = f"write --map VAR=VAULT/NAME; vaults and secrets have {RULE}"
        raise NameInvalid("; ".join(bad), code="VARIABLE_INVALID", hint=hint)
    names = [name for _, name, _ in split]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise NameInvalid(
            f"--map gives {', '.join(twice)} more than once", code="VARIABLE_INVALID", hint="name each variable once"
        )
    return {name: place for _, name, place in split}


def secrets_of(names: Iterable[str]) -> dict[str, str]:
    """Return the secret of each variable of *names*: in lower case, with hyphens.

    Raise one NameInvalid that lists every variable that is not a legal name then, and those that become the same.
    """
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(name.lower().replace("_", "-"), []).append(name)
    bad = [f"{same[0]!r} would be {secret!r}" for secret, same in found.items() if not is_name(secret)]
    twice = [f"{' and '.join(same)} would both be {secret!r}" for secret, same in found.items() if len(same) > 1]
    if bad or twice:
        raise NameInvalid("; ".join([*bad, *twice]), hint=f"rename them in the file; names of secrets have {RULE}")
    return {same[0]: secret for secret, same in found.items()}


def check_within(names: Mapping[str, Place], vaults: Sequence[str]) -> None:
    """Raise one NameInvalid that lists every variable of a vault that is not among *vaults*, if there are any."""
    outside = [f"{name}={_path(place)}" for name, place in names.items() if vaults and place.vault not in vaults]
    if outside:
        raise NameInvalid(
            f"--map {', '.join(outside)}: not in the vaults of -V", code="VARIABLE_INVALID", hint="leave -V out"
        )


def _split(entry: str) -> tuple[str, Place]:
    name, _, path = entry.partition("=")
    vault, _, secret = path.partition("/")
    return name, Place(vault, secret)


def _problem(name: str, place: Place) -> str:
    """Return what is wrong with an entry of ``--map``, without what follows its "=": that may be a value."""
    if not _fits(name):
        return "not the name of a variable"
    return "" if all(map(is_name, place)) else "not followed by =VAULT/NAME"


def _fits(name: str) -> bool:
    return _VARIABLE.fullmatch(name) is not None


def _path(place: Place) -> str:
    return f"{place.vault}/{place.secret}"
