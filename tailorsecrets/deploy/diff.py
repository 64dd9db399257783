"""The differences between what two sides hold. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from tailorsecrets.driver import Entry, Stored
from tailorsecrets.errors import Denied, NotFound, SecretsError
from tailorsecrets.store.names import Place
from tailorsecrets.store.workspace import VaultState

Sign = Literal["=", "+", "-", "*", "!"]
SIGNS: Final[Mapping[Sign, str]] = {
    "=": "equal",
    "+": "only in A",
    "-": "only in B",
    "*": "different",
    "!": "not readable",
}
Answers = Mapping[Place, Stored | SecretsError]


@dataclass(frozen=True, slots=True)
class Side:
    """What one side holds: its vaults, and the places that it does not show."""

    vaults: Mapping[str, VaultState]
    denied: Collection[Place] = frozenset()

    def entry(self, place: Place) -> Entry | None:
        """Return the entry at *place*, None for none."""
        return self.vaults.get(place.vault, VaultState()).secrets.get(place.secret)

    def places(self) -> set[Place]:
        """Return all secrets that are there."""
        return {Place(vault, secret) for vault, state in self.vaults.items() for secret in state.secrets}

    def hides(self, place: Place) -> bool:
        """Tell whether *place* may be there, but not for this login."""
        return place in self.denied or Place(place.vault) in self.denied


@dataclass(frozen=True, slots=True)
class Line:
    """One secret: the sign, and for ``!`` the error of each side that cannot be read."""

    place: Place
    sign: Sign
    errors: Mapping[str, SecretsError] = field(default_factory=dict[str, SecretsError])


def shared(a: Side, b: Side) -> list[Place]:
    """Return the secrets that both sides show."""
    return sorted(a.places() & b.places())


def same_keys(a: Side, b: Side) -> frozenset[str]:
    """Return the vaults whose stamps tell values apart, because their stamp keys are equal on both sides."""
    return frozenset(vault for vault in a.vaults.keys() & b.vaults.keys() if _key(a, vault) == _key(b, vault) != "")


def to_read(a: Side, b: Side) -> list[Place]:
    """Return the secrets whose values must be compared, because their stamps do not decide."""
    return [place for place in shared(a, b) if _by_stamps(a, b, place) is None]


def lines(a: Side, b: Side, in_a: Answers, in_b: Answers) -> list[Line]:
    """Return a line for each secret; *in_a* and *in_b* are the values of ``to_read``."""
    found = (
        Line(place, sign) if (sign := _by_stamps(a, b, place)) else _by_values(a, b, place, in_a, in_b)
        for place in sorted(a.places() | b.places())
    )
    return [line for line in found if line]


def lines_by_name(a: Side, b: Side) -> list[Line]:
    """Return a line for each secret, where those with one name count as equal."""
    common = set(shared(a, b))
    return [Line(place, "=") if place in common else _alone(a, b, place) for place in sorted(a.places() | b.places())]


def counts(found: Iterable[Line]) -> dict[Sign, int]:
    """Return how many lines have each sign."""
    signs = [line.sign for line in found]
    return {sign: signs.count(sign) for sign in SIGNS}


def _key(side: Side, vault: str) -> str:
    record = side.vaults[vault].record
    return record.key.reveal() if record else ""


def _by_stamps(a: Side, b: Side, place: Place) -> Sign | None:
    """Return the sign that the stamps of both sides show, None if they do not decide."""
    one, other = a.entry(place), b.entry(place)
    if one is None or other is None or {one.state, other.state} != {"live"} or place.vault not in same_keys(a, b):
        return None
    if not (one.stamp and other.stamp):
        return None
    return "=" if one.stamp == other.stamp else "*"


def _by_values(a: Side, b: Side, place: Place, in_a: Answers, in_b: Answers) -> Line | None:
    """Return the line of a secret whose stamps do not decide, None where it was deleted on both sides meanwhile."""
    if place not in in_a or place not in in_b:
        return _alone(a, b, place)
    one, other = in_a[place], in_b[place]
    if isinstance(one, Stored) and isinstance(other, Stored):
        return Line(place, "=" if one.value == other.value else "*")
    errors = {name: answer for name, answer in (("A", one), ("B", other)) if isinstance(answer, SecretsError)}
    if all(isinstance(error, NotFound) for error in errors.values()):  # deleted since it was listed
        return Line(place, "-" if "A" in errors else "+") if len(errors) == 1 else None
    return Line(place, "!", errors)


def _alone(a: Side, b: Side, place: Place) -> Line:
    """Return the line of a secret that one side shows."""
    sign: Sign
    sign, other, name = ("+", b, "B") if a.entry(place) else ("-", a, "A")
    return Line(place, "!", {name: Denied()}) if other.hides(place) else Line(place, sign)
