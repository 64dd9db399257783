"""The seam's entries from the JSON of KV version 2. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from tailorsecrets.driver import Entry, State

STAMP: Final = "tailorsecrets-stamp"  # in the custom metadata of a secret

Json = Mapping[str, Any]  # an object in the server's answer


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a secret: its number, and its time, because numbers start again after a purge."""

    number: int
    created: str

    @property
    def token(self) -> str:
        """The version as the seam knows it."""
        return f"{self.number}@{self.created}"


def parse(token: str) -> Version | None:
    """Return the version that *token* names, None where it is not one of ours."""
    number, _, created = token.partition("@")
    return Version(int(number), created) if number.isdecimal() and number.isascii() and created else None


def written(name: str, version: Json, stamp: str = "", note: str = "") -> Entry:
    """Return the entry of *version*, which was just written, or read with its value."""
    token = Version(version["version"], version["created_time"]).token
    return Entry(name=name, version=token, stamp=stamp, updated=_time(version["created_time"]), note=note)


def read(name: str, version: Json) -> Entry:
    """Return the entry of *version*, which was read with its value."""
    stamp = stamp_of(version.get("custom_metadata"), version["version"], version["created_time"])
    return written(name, version, stamp)


def current(name: str, metadata: Json) -> Entry:
    """Return the entry of the secret with *metadata* as it is now."""
    number: int = metadata["current_version"]
    if not number:
        return Entry(name=name, created=_time(metadata["created_time"]), state="bare")
    return of_version(name, metadata, number)


def of_version(name: str, metadata: Json, number: int) -> Entry:
    """Return the entry of version *number* in *metadata*."""
    version: Json = metadata["versions"].get(str(number)) or {
        "created_time": metadata["updated_time"],
        "destroyed": True,
    }
    created: str = version["created_time"]
    return Entry(
        name=name,
        version=Version(number, created).token,
        stamp=stamp_of(metadata.get("custom_metadata"), number, created),
        created=_time(metadata["created_time"]),
        updated=_time(created),
        state=_state(version),
    )


def is_destroyed(metadata: Json) -> bool:
    """Tell whether the value of the current version is gone for good."""
    version: Json = metadata["versions"].get(str(metadata["current_version"]), {"destroyed": True})
    return bool(version["destroyed"])


def stamped(stamp: str, version: Json) -> str:
    """Return the text that is stored for *stamp*: it names its version, so that a write of another tool ends it."""
    return f"{stamp}@{version['version']}@{version['created_time']}" if stamp else ""


def stamp_of(custom: Json | None, number: int, created: str) -> str:
    """Return the stamp in the *custom* metadata if it is for this very version, else ""."""
    stamp, _, version = str((custom or {}).get(STAMP, "")).partition("@")
    return stamp if version == Version(number, created).token else ""


def _state(version: Json) -> State:
    if version["destroyed"]:
        return "deleted"
    deletion = version["deletion_time"]  # in the future where the mount deletes versions after some time
    return "deleted" if deletion and _time(deletion) <= datetime.now(UTC) else "live"


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
