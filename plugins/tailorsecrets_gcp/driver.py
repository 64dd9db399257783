"""The driver: a secret of ours is one of Google's, and a write is a version."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from google.api_core import exceptions
from google.cloud.secretmanager_v1.types import Secret as GoogleSecret

from tailorsecrets.driver import ABSENT, Caps, Driver, Entry, Problem, Stored, Target
from tailorsecrets.errors import Corrupt, NotFound
from tailorsecrets.secret import Secret
from tailorsecrets_gcp import errors
from tailorsecrets_gcp.annotations import DELETED, DELETING, listed_stamp, stay_true
from tailorsecrets_gcp.calls import LATEST, Calls
from tailorsecrets_gcp.client import Connection
from tailorsecrets_gcp.entries import Metadata, entry_of_number, entry_of_version
from tailorsecrets_gcp.options import read_options
from tailorsecrets_gcp.versions import Token, aware, read_token, token_of
from tailorsecrets_gcp.writer import Writer

CAPS: Final = Caps(
    joiner="_",
    max_name=255,
    max_bytes=65_536,
    writes=True,
    lists=True,
    stats=True,
    stamps=True,
    list_stamps=False,
    cas="create",
    versions=True,
    undelete=True,
    list_lag=300.0,  # usually minutes, Google says, and now and then hours
    # of 90,000 accesses, 600 reads of metadata and 600 writes a minute; a put is two writes, and a stat up to two reads
    per_s={"get": 1500, "stat": 5, "list": 10, "write": 5},
    retries=True,
)

BY_ACCESS: Final = replace(CAPS, per_s={**CAPS.per_s, "get": 1000, "stat": 500})  # which share the 90,000 a minute
ABANDONED_AFTER: Final = 3.0  # seconds without a change after which an unfinished write counts as abandoned


class GcpDriver(Driver):
    """One project, or one region of it."""

    caps = CAPS

    def __init__(self, target: Target) -> None:
        options = read_options(target)
        if options.by_access:
            self.caps = BY_ACCESS
        self._target, self._connection = target, Connection(options)
        self._known: dict[str, GoogleSecret] = {}  # as the last list or write returned them
        self.abandoned_after = ABANDONED_AFTER

    def get(self, name: str, version: str = "") -> Stored:
        """Access the newest version, which is one call, or *version*.

        The entry says what the access says: the number alone is its token, and there is no stamp.
        """
        calls = self._reading()
        number, text = self._access(calls, name, self._number(calls, name, version) if version else LATEST)
        if isinstance(text, str):
            raise Corrupt(f"{name!r}: {text}")
        return Stored(text, Entry(name=name, version=version or str(Token(number))))

    def stat(self, name: str) -> Entry:
        """Ask for the newest version, and for the secret where no list has shown the stamp of just that version.

        With ``plan=access`` the version is asked for by an access, which tells its number alone.
        """
        calls = self._reading()
        if self._connection.options.by_access:
            with suppress(exceptions.NotFound, exceptions.FailedPrecondition):  # missing, bare, deleted or disabled
                return self._accessed(calls, name)
        newest, listed = calls.newest(name), self._known.get(name)
        known = Metadata(listed, newest).entry(name) if listed else None
        if known and known.stamp and known.state == "live":
            return known
        return Metadata(calls.secret(name), newest).entry(name)

    def list(self, prefix: str, *, deleted: bool = False) -> Iterator[Entry]:
        """Yield what is under *prefix*, bare names among it, as a list tells nothing of versions but our last stamp.

        A deleted name that another tool writes to stays among the deleted ones until it is written here.
        """
        for secret in self._reading().secrets(prefix):
            name = secret.name.rpartition("/")[2]
            if name.startswith(prefix):
                self._remember(name, secret)
                if self._is_gone(name, secret) == deleted:
                    created, stamp = aware(secret.create_time), listed_stamp(secret, datetime.now(UTC))
                    yield Entry(name=name, stamp=stamp, created=created, state="deleted" if deleted else "live")

    def put(
        self,
        name: str,
        value: Secret,
        *,
        expect: str | None = None,
        stamp: str = "",
        tags: Mapping[str, str] | None = None,
    ) -> Entry:
        """Add a version; *expect* ABSENT makes the secret first. *tags* are none, as no name of ours needs them."""
        del tags
        writer = self._writer(name)
        written = writer.create(value, stamp) if expect == ABSENT else writer.write(value, stamp)
        self._remember(name, written.secret)
        return written.entry(name)

    def delete(self, name: str, *, purge: bool = False) -> None:
        """Switch the newest version off and note that; with *purge*, delete the secret for good."""
        writer = self._writer(name)
        self._known.pop(name, None)
        with suppress(exceptions.NotFound):
            if purge:
                writer.purge()
            else:
                writer.delete()

    def restore(self, name: str) -> Entry:
        """Switch the newest version on and take the note of its delete away."""
        restored = self._writer(name).restore()
        self._remember(name, restored.secret)
        return restored.entry(name)

    def versions(self, name: str) -> Iterator[Entry]:
        """Yield the versions that are enabled, newest first."""
        for version in self._reading().versions(name, "state:ENABLED"):
            yield entry_of_version(name, version)

    def explain(self, exc: Exception, op: str) -> Problem:
        """Say what an exception of google.api_core or google.auth means."""
        return errors.explain(exc, op)

    def close(self) -> None:
        """Close the channel of this process."""
        self._connection.close()

    def _accessed(self, calls: Calls, name: str) -> Entry:
        number, listed = calls.number(name), self._known.get(name)
        known = entry_of_number(name, listed, number) if listed else None
        return known if known and known.stamp else entry_of_number(name, calls.secret(name), number)

    def _is_gone(self, name: str, secret: GoogleSecret) -> bool:
        """Tell whether a listed secret is deleted; one whose delete has broken off is worth a call."""
        if DELETING in secret.annotations:
            return Metadata(secret, self._reading().newest(name)).state == "deleted"
        return DELETED in secret.annotations

    def _remember(self, name: str, secret: GoogleSecret) -> None:
        """Keep what a list or a write showed, so that a stat need not ask, and the next write knows an etag to try."""
        if stay_true(secret, datetime.now(UTC)):
            self._known[name] = secret
        else:
            self._known.pop(name, None)

    def _reading(self) -> Calls:
        return Calls(self._connection, self._target.seconds())

    def _writer(self, name: str) -> Writer:
        calls = Calls(self._connection, self._target.seconds(write=True))
        return Writer(calls, name, self.abandoned_after, self._known.get(name))

    def _access(self, calls: Calls, name: str, version: str) -> tuple[int, Secret | str]:
        try:
            return calls.access(name, version)
        except exceptions.FailedPrecondition:
            if not self._is_deleted(calls, name):
                raise
        raise NotFound(f"{name!r} is deleted")

    def _is_deleted(self, calls: Calls, name: str) -> bool:
        """Tell whether it was a delete that switched *name* off, as far as the login may know."""
        with suppress(exceptions.PermissionDenied):
            return Metadata(calls.secret(name), calls.newest(name)).state == "deleted"
        return False

    def _number(self, calls: Calls, name: str, version: str) -> str:
        """Return the number of *version*; NotFound where that is of a secret which was deleted for good."""
        token = read_token(version)
        if token is None or (token.time and token_of(calls.version(name, token.number)) != token):
            raise NotFound(f"{name!r} has no version {version!r}")
        return str(token.number)
