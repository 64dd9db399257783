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


def mark_of(properties: SecretProperties) -> Mark | None:
    """Return our mark on a version, None where another tool wrote it."""
    found = _FORM.fullmatch((properties.tags or {}).get(TAG, ""))
    created = properties.created_on
    if found is None or created is None:
        return None
    mark = Mark(int(found[1]), found[2], found[3])
    return mark if EARLIEST <= created.timestamp() - mark.at // 1_000_000 <= LATEST else None


def token_of(properties: SecretProperties) -> str:
    """Return the token of a version."""
    if properties.created_on is None:
        return ""
    mark, second = mark_of(properties), int(properties.created_on.timestamp())
    return f"{second}.{mark.at}.{mark.nonce}" if mark else str(second)


def entry_of(
    name: str, properties: SecretProperties, *, created: datetime | None = None, deleted: bool = False
) -> Entry:
    """Return the entry of a version, under the *name* that was asked for; *created* is when the secret was made."""
    mark = mark_of(properties)
    return Entry(
        name=name,
        version=token_of(properties),
        stamp=mark.stamp if mark else "",
        tags={key: value for key, value in (properties.tags or {}).items() if key != TAG},
        created=created,
        updated=properties.created_on,
        state=_state(properties, deleted=deleted),
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
    mark = mark_of(properties)
    return properties.created_on.timestamp() if properties.created_on else 0.0, mark.at if mark else 0


def _state(properties: SecretProperties, *, deleted: bool) -> State:
    if deleted:
        return "deleted"
    return "disabled" if properties.enabled is False else "live"
