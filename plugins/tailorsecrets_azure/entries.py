"""What Azure tells of a version, as an entry of the seam; and the tag that marks the versions we write. Pure.

A list of secrets tells when the current version of each was made, in whole seconds, and its tags, but not its id. So
each of our writes leaves a tag, in the same call: ``MICROSECONDS.RANDOM.STAMP``. A version's token is the second that
Azure made it in, with our time and random part behind it where the tag is ours; a list can tell it, and it differs for
every write but those of other tools within one second. A tag that says another time than Azure does was copied here by
another tool, and says nothing about the value beside it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from azure.keyvault.secrets import SecretProperties

from tailorsecrets.driver import Entry, State

TAG: Final = "tailorsecrets-write"
EARLIEST, LATEST = -2.0, 15.0  # seconds from our time of a write, by Azure's clock, to the one that Azure gives it
_FORM: Final = re.compile(r"(\d{16})\.([0-9a-f]{8})\.([\w-]*)", re.ASCII)
_ID: Final = re.compile(r"[0-9a-f]{32}")


class Mark(NamedTuple):
    """What our tag tells of a write."""

    at: int  # microseconds since 1970
    nonce: str
    stamp: str

    def __str__(self) -> str:
        return f"{self.at:016}.{self.nonce}.{self.stamp}"


def is_id(version: str) -> bool:
    """Tell whether *version* is Azure's own id of a version, not one of our tokens."""
    return _ID.fullmatch(version) is not None


def token_of(properties: SecretProperties) -> str:
    """Return the token of a version."""
    made = properties.created_on
    return _token(made, _mark(properties.tags, made))


def entry_of(
    name: str, properties: SecretProperties, *, created: datetime | None = None, state: State | None = None
) -> Entry:
    """Return the entry of a version, under the *name* that was asked for.

    *created* is when the secret was made; *state* is what the kind of answer tells already.
    """
    tags, made = properties.tags or {}, properties.created_on  # each look at a property parses what Azure said anew
    mark = _mark(tags, made)
    return Entry(
        name=name,
        version=_token(made, mark),
        stamp=mark.stamp if mark else "",
        tags={key: value for key, value in tags.items() if key != TAG},
        created=created,
        updated=made,
        state=state or _state(properties),
    )


def newest_first(versions: Iterable[SecretProperties]) -> list[SecretProperties]:
    """Return *versions* by the second they were made in, and within one by our own times."""
    return sorted(versions, key=_age, reverse=True)


def are_rivals(versions: Sequence[SecretProperties]) -> bool:
    """Tell whether the first two of *versions* were made in one second, so that either may be the current one."""
    return len({version.created_on for version in versions[:2]}) < len(versions[:2])


def first_made(versions: Iterable[SecretProperties]) -> datetime | None:
    """Return when the oldest of *versions* was made."""
    return min((version.created_on for version in versions if version.created_on), default=None)


def ids_by_token(versions: Iterable[SecretProperties]) -> Mapping[str, list[str]]:
    """Return Azure's ids of *versions* by token; more than one where other tools wrote twice in one second."""
    ids: dict[str, list[str]] = {}
    for version in versions:
        ids.setdefault(token_of(version), []).append(version.version or "")
    return ids


def _age(properties: SecretProperties) -> tuple[float, int]:
    made = properties.created_on
    mark = _mark(properties.tags, made)
    return made.timestamp() if made else 0.0, mark.at if mark else 0


def _mark(tags: Mapping[str, str] | None, made: datetime | None) -> Mark | None:
    """Return our mark on a version, None where another tool wrote it."""
    found = _FORM.fullmatch((tags or {}).get(TAG, ""))
    if found is None or made is None:
        return None
    mark = Mark(int(found[1]), found[2], found[3])
    return mark if EARLIEST <= made.timestamp() - mark.at // 1_000_000 <= LATEST else None


def _token(made: datetime | None, mark: Mark | None) -> str:
    if made is None:
        return ""
    second = int(made.timestamp())
    return f"{second}.{mark.at}.{mark.nonce}" if mark else str(second)


def _state(properties: SecretProperties) -> State:
    return "disabled" if properties.enabled is False else "live"
