"""Azure's data about a version, as an entry of the seam; and the tag on the versions that we write. Pure.

A list of secrets gives the creation time of each current version, in whole seconds, and its tags, but not its id. So
each of our writes sets a version tag in the same call: ``MICROSECONDS.RANDOM.STAMP``. The token of a version is its
creation second, followed by our time and random part where the tag is ours. A list is enough to know it, and it differs
for every write, except for those of other tools within one second.

A tool may copy the tags of our version to its own value. So the tag counts only on a version whose activation date
(``nbf``), which we set, is the second in the tag, and which Azure created at about that time.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from azure.keyvault.secrets import SecretProperties

from tailorsecrets.driver import Entry, State

TAG: Final = "tailorsecrets-write"
_EARLIEST, _LATEST = -2.0, 5.0  # seconds from our time of a write, on Azure's clock, to the one that Azure gives it
_FORM: Final = re.compile(r"(\d{16})\.([0-9a-f]{8})\.([\w-]*)", re.ASCII)
_ID: Final = re.compile(r"[0-9a-f]{32}")


class VersionTag(NamedTuple):
    """The tag of one write."""

    at: int  # microseconds since 1970
    nonce: str
    stamp: str

    @property
    def activated(self) -> datetime:
        """The activation date of a version with this tag."""
        return datetime.fromtimestamp(self.at // 1_000_000, UTC)

    def __str__(self) -> str:
        return f"{self.at:016}.{self.nonce}.{self.stamp}"


def is_id(version: str) -> bool:
    """Return whether *version* is Azure's own id of a version, not one of our tokens."""
    return _ID.fullmatch(version) is not None


def token_of(properties: SecretProperties) -> str:
    """Return the token of a version."""
    made = properties.created_on
    return _token(made, _version_tag(properties, properties.tags, made))


def entry_of(
    name: str, properties: SecretProperties, *, created: datetime | None = None, state: State | None = None
) -> Entry:
    """Return the entry of a version, under the *name* that the caller asked for.

    *created* is the creation time of the secret; *state* is the state that the kind of answer implies.
    """
    tags, made = properties.tags or {}, properties.created_on  # each access parses Azure's data again
    tag = _version_tag(properties, tags, made)
    return Entry(
        name=name,
        version=_token(made, tag),
        stamp=tag.stamp if tag else "",
        tags={key: value for key, value in tags.items() if key != TAG},
        created=created,
        updated=made,
        state=state or ("disabled" if properties.enabled is False else "live"),
    )


def newest_first(versions: Iterable[SecretProperties]) -> list[SecretProperties]:
    """Return *versions* ordered by creation second, and within one second by the time in our tags."""
    return sorted(versions, key=_age, reverse=True)


def share_a_second(versions: Sequence[SecretProperties]) -> bool:
    """Return whether some of *versions* have the same creation second."""
    return len({version.created_on for version in versions}) < len(versions)


def first_made(versions: Iterable[SecretProperties]) -> datetime | None:
    """Return the creation time of the oldest of *versions*."""
    return min((version.created_on for version in versions if version.created_on), default=None)


def ids_by_token(versions: Iterable[SecretProperties]) -> Mapping[str, list[str]]:
    """Return Azure's ids of *versions* by token; more than one where other tools wrote twice in one second."""
    ids: dict[str, list[str]] = {}
    for version in versions:
        ids.setdefault(token_of(version), []).append(version.version or "")
    return ids


def _age(properties: SecretProperties) -> tuple[float, int]:
    made = properties.created_on
    tag = _version_tag(properties, properties.tags, made)
    return made.timestamp() if made else 0.0, tag.at if tag else 0


def _version_tag(
    properties: SecretProperties, tags: Mapping[str, str] | None, made: datetime | None
) -> VersionTag | None:
    """Return the tag of a version, None where another tool wrote the version."""
    parts = _FORM.fullmatch((tags or {}).get(TAG, ""))
    if parts is None or made is None:
        return None
    tag = VersionTag(int(parts[1]), parts[2], parts[3])
    is_ours = properties.not_before == tag.activated
    return tag if is_ours and _EARLIEST <= (made - tag.activated).total_seconds() <= _LATEST else None


def _token(made: datetime | None, tag: VersionTag | None) -> str:
    if made is None:
        return ""
    second = int(made.timestamp())
    return f"{second}.{tag.at}.{tag.nonce}" if tag else str(second)
