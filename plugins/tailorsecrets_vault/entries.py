"""Between what KV version 2 tells of a secret and the seam's entries. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from tailorsecrets.driver import Entry, State

STAMP: Final = "tailorsecrets-stamp"  # in the custom metadata of a secret

Facts = Mapping[str, Any]  # an object in the server's JSON


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a secret: its number, and its time, because a purge starts the numbers anew."""

    number: int
    created: str

    @property
    def token(self) -> str:
        """The version as the seam knows it."""
        return f"{self.number}@{self.created}"


def parse(token: str) -> Version | None:
    """Return the version that *token* speaks of, None where it is none of ours."""
    number, _, created = token.partition("@")
    return Version(int(number), created) if number.isdecimal() and number.isascii() and created else None


def written(name: str, facts: Facts, stamp: str = "") -> Entry:
    """Return the entry of a version that was just written, or read with its value."""
    version = Version(facts["version"], facts["created_time"])
    return Entry(name=name, version=version.token, stamp=stamp, updated=_time(version.created))


def read(name: str, facts: Facts) -> Entry:
    """Return the entry of the version that *facts*, which came with a value, speak of."""
    return written(name, facts, stamp_of(facts.get("custom_metadata"), facts["version"], facts["created_time"]))


def current(name: str, metadata: Facts) -> Entry:
    """Return what *metadata* say of the secret as it is now."""
    number: int = metadata["current_version"]
    if not number:
        return Entry(name=name, created=_time(metadata["created_time"]), state="bare")
    return of_version(name, metadata, number)


def of_version(name: str, metadata: Facts, number: int) -> Entry:
    """Return what *metadata* say of the version *number*."""
    facts: Facts = metadata["versions"].get(str(number)) or {
        "created_time": metadata["updated_time"],
        "destroyed": True,
    }
    created: str = facts["created_time"]
    return Entry(
        name=name,
        version=Version(number, created).token,
        stamp=stamp_of(metadata.get("custom_metadata"), number, created),
        created=_time(metadata["created_time"]),
        updated=_time(created),
        state=_state(facts),
    )


def is_destroyed(metadata: Facts) -> bool:
    """Tell whether no value can be brought back of the current version."""
    facts: Facts = metadata["versions"].get(str(metadata["current_version"]), {"destroyed": True})
    return bool(facts["destroyed"])


def stamped(stamp: str, facts: Facts) -> str:
    """Return what is kept for *stamp*, if any: it names the version it speaks of, so another's write ends it."""
    return f"{stamp}@{facts['version']}@{facts['created_time']}" if stamp else ""


def stamp_of(custom: Facts | None, number: int, created: str) -> str:
    """Return the stamp in the *custom* metadata if it speaks of this very version, else ""."""
    stamp, _, version = str((custom or {}).get(STAMP, "")).partition("@")
    return stamp if version == Version(number, created).token else ""


def _state(facts: Facts) -> State:
    if facts["destroyed"]:
        return "deleted"
    deletion = facts["deletion_time"]  # may lie ahead, where the mount deletes versions after some time
    return "deleted" if deletion and _time(deletion) <= datetime.now(UTC) else "live"


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
