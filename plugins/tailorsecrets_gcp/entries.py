"""Entries, from a secret's metadata. Pure."""

from dataclasses import dataclass

from google.cloud.secretmanager_v1.types import Secret, SecretVersion

from tailorsecrets.driver import Entry, State
from tailorsecrets_gcp.annotations import WRITER, Annotations, deleted_version, stamp_of, stamp_of_number
from tailorsecrets_gcp.versions import aware, token_of


@dataclass(frozen=True, slots=True)
class Metadata:
    """A secret as it was at one moment, with its newest version, None where it has none."""

    secret: Secret
    newest: SecretVersion | None

    @property
    def state(self) -> State:
        """What a read of the name finds."""
        if self.newest is None:
            return "bare"
        if self.newest.state == SecretVersion.State.ENABLED:
            return "live"
        return "deleted" if deleted_version(self.annotations) == token_of(self.newest) else "disabled"

    @property
    def annotations(self) -> Annotations:
        """The annotations of the secret."""
        return self.secret.annotations

    @property
    def unfinished(self) -> bool:
        """Whether a write to a name without a value is between two of its calls, or stopped there."""
        return self.newest is None or WRITER in self.annotations

    def same(self, other: "Metadata") -> bool:
        """Return whether nothing has changed since *other*."""
        return self.secret.etag == other.secret.etag and self.entry("") == other.entry("")

    def entry(self, name: str, note: str = "") -> Entry:
        """Return the entry of *name*, with the *note* of a write."""
        created = aware(self.secret.create_time)
        if self.newest is None:
            return Entry(name=name, created=created, state="bare")
        return Entry(
            name=name,
            version=str(token_of(self.newest)),
            stamp=stamp_of(self.secret, self.newest),
            created=created,
            updated=aware(self.newest.create_time),
            state=self.state,
            note=note,
        )


def entry_of_number(name: str, number: int, secret: Secret) -> Entry:
    """Return the entry of *secret*, whose newest version is enabled; only its *number* is known."""
    stamp, created = stamp_of_number(secret, number), aware(secret.create_time)
    return Entry(name=name, version=str(number), stamp=stamp, created=created)


def entry_of_version(name: str, version: SecretVersion, note: str = "") -> Entry:
    """Return the entry of one *version*, of which no stamp is known."""
    return Entry(name=name, version=str(token_of(version)), updated=aware(version.create_time), note=note)
