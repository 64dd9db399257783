"""The driver: a secret of ours is one of Google's, and a write is a version."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Final

from google.api_core import exceptions
from google.cloud.secretmanager_v1.types import Secret as GoogleSecret
from google.cloud.secretmanager_v1.types import SecretVersion

from tailorsecrets.driver import ABSENT, Budget, Caps, Driver, Entry, Identity, Problem, Stored, Target
from tailorsecrets.errors import Corrupt, NotFound
from tailorsecrets.secret import Secret
from tailorsecrets_gcp import errors
from tailorsecrets_gcp.annotations import DELETED, had_a_version, listed_stamp, stay_true
from tailorsecrets_gcp.calls import LATEST, Calls
from tailorsecrets_gcp.client import Connection
from tailorsecrets_gcp.entries import Metadata, entry_of_number, entry_of_version
from tailorsecrets_gcp.identity import NOBODY, identity_in
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
    stamps_apart=True,
    list_stamps=False,
    cas="create",
    versions=True,
    undelete=True,
    list_lag=300.0,  # usually minutes, Google says, and sometimes hours
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

        An access returns the number of the version and no more, so the entry has that as its token, and no stamp.
        """
        calls = self._reading()
        number, text = self._access(calls, name, self._number(calls, name, version) if version else LATEST)
        if isinstance(text, str):
            raise Corrupt(f"{name!r}: {text}")
        return Stored(text, Entry(name=name, version=version or str(Token(number))))

    def stat(self, name: str) -> Entry:
        """Read the newest version's metadata, and the secret's where the known one has no stamp of that version.

        With ``plan=access``, access the newest version instead, which returns its number alone.
        """
        calls, known = self._reading(), self._known.get(name)
        entry_with = self._newest(calls, name)
        entry = entry_with(known) if known else None
        return entry if entry and entry.stamp and entry.state == "live" else entry_with(calls.secret(name))

    def list(self, prefix: str, *, deleted: bool = False) -> Iterator[Entry]:
        """Yield the secrets under *prefix*.

        A list shows no versions. A secret of another tool may have none yet, and a deleted one may have a new one, so
        each of these costs a metadata read.
        """
        for secret in self._reading().secrets(prefix):
            name = secret.name.rpartition("/")[2]
            if name.startswith(prefix) and (DELETED in secret.annotations or not deleted):
                self._remember(name, secret)
                entry = self._listed(name, secret)
                if entry.state != "bare" and (entry.state == "deleted") == deleted:
                    yield entry

    def put(
        self,
        name: str,
        value: Secret,
        *,
        expect: str | None = None,
        stamp: str = "",
        tags: Mapping[str, str] | None = None,
    ) -> Entry:
        """Add a version; *expect* ABSENT creates the secret first. *tags* are empty: no name of ours needs any."""
        del tags
        writer = self._writer(name)
        written = writer.create(value, stamp) if expect == ABSENT else writer.write(value, stamp)
        self._remember(name, written.secret)
        return written.entry

    def delete(self, name: str, *, purge: bool = False) -> None:
        """Disable the newest version and annotate that; with *purge*, delete the secret for good."""
        writer = self._writer(name)
        self._known.pop(name, None)
        with suppress(exceptions.NotFound):
            if purge:
                writer.purge()
            else:
                writer.delete()

    def check_stamp(self, name: str) -> None:
        """Write the annotations of the secret as they are."""
        calls = self._writing()
        secret = calls.secret(name)
        with suppress(exceptions.FailedPrecondition, exceptions.Aborted):  # changed since it was read
            calls.annotate(secret, secret.annotations)

    def restore(self, name: str) -> Entry:
        """Enable the version that a delete disabled, and remove the annotation."""
        restored = self._writer(name).restore()
        self._remember(name, restored.secret)
        return restored.entry

    def versions(self, name: str) -> Iterator[Entry]:
        """Yield the versions that are enabled, newest first."""
        for version in self._reading().versions(name, "state:ENABLED"):
            yield entry_of_version(name, version)

    def identity(self) -> Identity:
        """Get a token and return whose it is."""
        login = self._connection.session().login
        if login is None:
            return NOBODY
        login.make_ready(Budget(self._target.seconds()))
        return identity_in(login.credentials)

    def skew(self) -> float | None:
        """Return the difference to the clock of the token service."""
        return self._connection.clock.ahead

    def explain(self, exc: Exception, op: str) -> Problem:
        """Return the meaning of an exception of google.api_core or google.auth."""
        return errors.explain(exc, op)

    def close(self) -> None:
        """Close the channel of this process."""
        self._connection.close()

    def _newest(self, calls: Calls, name: str) -> Callable[[GoogleSecret], Entry]:
        """Ask for the newest version; return the function from its secret to the entry of both."""
        if self._connection.options.by_access:
            with suppress(exceptions.NotFound, exceptions.FailedPrecondition):  # missing, bare, deleted or disabled
                return partial(entry_of_number, name, calls.number(name))
        newest = calls.newest(name)
        return lambda secret: Metadata(secret, newest).entry(name)

    def _listed(self, name: str, secret: GoogleSecret) -> Entry:
        deleted = DELETED in secret.annotations
        if deleted or not had_a_version(secret.annotations):
            with suppress(exceptions.PermissionDenied):
                return self._checked(name, secret)
        created, stamp = aware(secret.create_time), listed_stamp(secret, datetime.now(UTC))
        return Entry(name=name, stamp=stamp, created=created, state="deleted" if deleted else "live")

    def _checked(self, name: str, secret: GoogleSecret) -> Entry:
        try:
            return self._newest(self._reading(), name)(secret)
        except exceptions.NotFound:  # it was purged, and the list lags behind
            return Entry(name=name, state="bare")

    def _remember(self, name: str, secret: GoogleSecret | None) -> None:
        """Keep the secret that a list or a write returned: it saves a call in stat, and a write tries its etag."""
        if secret and stay_true(secret, datetime.now(UTC)):
            self._known[name] = secret
        else:
            self._known.pop(name, None)

    def _reading(self) -> Calls:
        return Calls(self._connection, self._target.seconds())

    def _writing(self) -> Calls:
        return Calls(self._connection, self._target.seconds(write=True))

    def _writer(self, name: str) -> Writer:
        return Writer(self._writing(), name, self.abandoned_after, self._known.get(name))

    def _access(self, calls: Calls, name: str, version: str) -> tuple[int, Secret | str]:
        try:
            return calls.access(name, version)
        except exceptions.FailedPrecondition:
            if not (self._is_destroyed(calls, name, version) or self._is_deleted(calls, name)):
                raise
        raise NotFound(f"{name!r} is deleted")

    def _is_destroyed(self, calls: Calls, name: str, version: str) -> bool:
        """Return whether *version* is an old one that was destroyed, as far as the login may know."""
        with suppress(exceptions.PermissionDenied):
            return version != LATEST and calls.version(name, int(version)).state == SecretVersion.State.DESTROYED
        return False

    def _is_deleted(self, calls: Calls, name: str) -> bool:
        """Return whether a delete disabled *name*, as far as the login may know."""
        with suppress(exceptions.PermissionDenied):
            return Metadata(calls.secret(name), calls.newest(name)).state == "deleted"
        return False

    def _number(self, calls: Calls, name: str, version: str) -> str:
        """Return the number of *version*; NotFound where it is of a secret that was deleted for good."""
        token = read_token(version)
        if token is None or (token.time and token_of(calls.version(name, token.number)) != token):
            raise NotFound(f"{name!r} has no version {version!r}")
        return str(token.number)
