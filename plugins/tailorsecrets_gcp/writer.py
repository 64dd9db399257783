"""How a value is written, and how a name is deleted and restored: series of calls that may stop between any two.

CreateSecret is the only call of Google's that is atomic among all who try it. A value is another call, which takes no
condition, so a writer that finds a name without a value waits until nobody else writes to it, and then claims it by the
etag of the secret. A write is done once its version is there: the stamp follows as an annotation.
"""

import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Final, NamedTuple

from google.api_core import exceptions
from google.auth.exceptions import GoogleAuthError
from google.cloud.secretmanager_v1.types import Secret as GoogleSecret
from google.cloud.secretmanager_v1.types import SecretVersion

from tailorsecrets.driver import Entry
from tailorsecrets.errors import AlreadyExists, Conflict, NotFound, SecretsError
from tailorsecrets.secret import Secret
from tailorsecrets_gcp import annotations as notes
from tailorsecrets_gcp.annotations import DELETED, WRITER, Annotations
from tailorsecrets_gcp.calls import Calls
from tailorsecrets_gcp.entries import Metadata, entry_of_version
from tailorsecrets_gcp.errors import explain
from tailorsecrets_gcp.retry import is_lost
from tailorsecrets_gcp.versions import number_of

TRIES: Final = 4  # to annotate a secret that others annotate at the same time
_MOVED: Final = (exceptions.FailedPrecondition, exceptions.Aborted)  # an etag that is no longer the secret's
_FAILED: Final = (exceptions.GoogleAPIError, GoogleAuthError, SecretsError)


class Written(NamedTuple):
    """The entry of a write, and the secret as it is now, None where that is unknown."""

    entry: Entry
    secret: GoogleSecret | None


class Writer:
    """One write to *name*.

    *known* is the secret as a list or a write returned it. A write to a name without a value counts as abandoned after
    *abandoned_after* seconds without a change.
    """

    def __init__(self, calls: Calls, name: str, abandoned_after: float, known: GoogleSecret | None = None) -> None:
        self._calls, self._name, self._abandoned_after, self._known = calls, name, abandoned_after, known

    def create(self, value: Secret, stamp: str) -> Written:
        """Create the secret with its first version, or fill one without value; AlreadyExists where there is a value."""
        with suppress(exceptions.AlreadyExists):
            secret = self._calls.create(self._name, notes.at_creation(stamp))
            return self._written(Metadata(secret, self._add(value, stamp)))
        self._known = self._claim()
        return self._annotated(self._add(value, stamp), stamp)

    def write(self, value: Secret, stamp: str) -> Written:
        """Add a version, whatever the newest one is; create the secret where there is none."""
        version = None
        with suppress(exceptions.NotFound):
            version = self._add(value, stamp)
        return self._annotated(version, stamp) if version else self.create(value, stamp)

    def delete(self) -> None:
        """Annotate the newest version as deleted, then disable it; a secret without versions is not changed."""
        found = self._metadata()
        if found.newest is None or found.state == "deleted":
            return
        secret = self._annotate(found.secret, partial(notes.before_delete, version=found.newest))
        if DELETED in secret.annotations:
            self._disable(found.newest)
        else:
            raise self._moved()

    def purge(self) -> None:
        """Delete the secret with all its versions, for good."""
        self._calls.delete(self._name)

    def restore(self) -> Written:
        """Undo a delete: enable the version that it disabled, and remove the annotation."""
        found = self._metadata()
        if found.newest is None or found.state != "deleted":
            raise NotFound(f"{self._name!r} is not deleted")
        if notes.disabled_by_delete(found.annotations):
            self._calls.enable(found.newest.name)
        secret = self._annotate(found.secret, notes.after_restore)
        return self._written(Metadata(secret, self._calls.newest(self._name)))

    def _add(self, value: Secret, stamp: str) -> SecretVersion:
        """Add a version, which is sent once; where its answer is lost, look for it."""
        try:
            return self._calls.add(self._name, value)
        except exceptions.GoogleAPICallError as exc:
            version = self._find(value, stamp) if is_lost(exc) else None
            if version is None:
                raise
            return version

    def _find(self, value: Secret, stamp: str) -> SecretVersion | None:
        """Return the newest version if its stamp or its value shows that it is the one written, else None.

        A login that may not read the value cannot tell.
        """
        with suppress(*_FAILED):
            found = self._metadata()
            if found.newest and stamp and found.entry(self._name).stamp == stamp:
                return found.newest
            if found.newest and self._calls.access(self._name, str(number_of(found.newest.name)))[1] == value:
                return found.newest
        return None

    def _annotated(self, version: SecretVersion, stamp: str) -> Written:
        """Write the stamp of *version*. The value is written already, so a failure is a note and not an error."""
        try:
            secret = self._stamp(version, stamp)
        except _FAILED as exc:
            note = _note("its stamp is missing", exc) if stamp else ""
            return Written(entry_of_version(self._name, version, note), None)
        try:
            self._destroy_old()
        except _FAILED as exc:
            return self._written(Metadata(secret, version), _note("older versions are not destroyed", exc))
        return self._written(Metadata(secret, version))

    def _stamp(self, version: SecretVersion, stamp: str) -> GoogleSecret:
        """Write the stamp, and enable the version that a delete has disabled, so that the history is whole."""

        def stamped(annotations: Annotations) -> dict[str, str]:
            deleted = notes.deleted_version(annotations)
            if deleted and deleted.number < number_of(version.name) and notes.disabled_by_delete(annotations):
                with suppress(exceptions.NotFound, exceptions.FailedPrecondition):  # it was destroyed since
                    self._calls.enable(f"{version.name.rpartition('/')[0]}/{deleted.number}")
            return notes.after_write(annotations, version, stamp)

        return self._annotate(self._known if stamp and self._known else self._calls.secret(self._name), stamped)

    def _written(self, found: Metadata, note: str = "") -> Written:
        return Written(found.entry(self._name, note), found.secret)

    def _metadata(self) -> Metadata:
        return Metadata(self._calls.secret(self._name), self._calls.newest(self._name))

    def _claim(self) -> GoogleSecret:
        """Claim a name without a value, after a crash or a delete; AlreadyExists where it has one."""
        found = self._abandoned()
        if found.state in {"live", "disabled"} and not found.unfinished:
            raise AlreadyExists(f"{self._name!r} exists already")
        nonce = secrets.token_hex(8)
        with suppress(*_MOVED):
            return self._calls.annotate(found.secret, notes.claimed(found.annotations, nonce))
        secret = self._calls.secret(self._name)
        if secret.annotations.get(WRITER) == nonce:  # it was done, and its answer was lost
            return secret
        raise self._moved()

    def _abandoned(self) -> Metadata:
        """Read the metadata until no write is between two of its calls, or one has made no progress for a while."""
        found = self._metadata()
        for _ in range(TRIES):
            if not found.unfinished or notes.is_abandoned(found.secret, datetime.now(UTC)):
                break
            time.sleep(self._abandoned_after)
            before, found = found, self._metadata()
            if found.same(before):
                break
        return found

    def _disable(self, version: SecretVersion) -> None:
        """Disable *version*; Conflict where another one was written meanwhile."""
        if version.state == SecretVersion.State.ENABLED:
            self._calls.disable(version.name)
        newest = self._calls.newest(self._name)
        if newest is None or newest.name == version.name:
            return
        if version.state == SecretVersion.State.ENABLED:
            self._calls.enable(version.name)
        raise self._moved()

    def _annotate(self, secret: GoogleSecret, change: Callable[[Annotations], dict[str, str]]) -> GoogleSecret:
        """Change the annotations, as often as it takes where others change them too, and return the secret."""
        for _ in range(TRIES):
            annotations = change(secret.annotations)
            if annotations == dict(secret.annotations):
                return secret
            with suppress(*_MOVED):
                return self._calls.annotate(secret, annotations)
            self._calls.budget.wait()
            secret = self._calls.secret(self._name)
        raise self._moved()

    def _moved(self) -> Conflict:
        return Conflict(f"{self._name!r} was written by somebody else at the same time")

    def _destroy_old(self) -> None:
        keep = self._calls.options.keep_versions
        for version in list(self._calls.versions(self._name))[keep:] if keep else []:
            if version.state != SecretVersion.State.DESTROYED:
                self._calls.destroy(version.name)


def _note(missing: str, exc: Exception) -> str:
    return f"the value is written, but {missing}: {explain(exc, 'put').kind.meaning}"
