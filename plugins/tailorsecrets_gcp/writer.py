"""How a value is written, and how a name is deleted and restored: rows of calls that may end between any two.

CreateSecret is the only call of Google's that is atomic among all who try it. A value is another call, which takes no
condition, so a writer that finds a name without a value waits until nobody else is at work on it, and then claims it
by the etag of the secret. A stamp and a delete are annotated under the etag too, after what they are about is done.
"""

import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final

from google.api_core import exceptions
from google.cloud.secretmanager_v1.types import Secret as GoogleSecret
from google.cloud.secretmanager_v1.types import SecretVersion

from tailorsecrets.errors import AlreadyExists, Conflict, NotFound
from tailorsecrets.secret import Secret
from tailorsecrets_gcp import annotations as notes
from tailorsecrets_gcp.annotations import DELETED, Annotations
from tailorsecrets_gcp.calls import Calls
from tailorsecrets_gcp.entries import Metadata
from tailorsecrets_gcp.versions import number_of

TRIES: Final = 4  # to annotate a secret that others annotate at the same time
_MOVED: Final = (exceptions.FailedPrecondition, exceptions.Aborted)  # an etag that is no longer the secret's


class Writer:
    """One write to *name*.

    *known* is the secret as a list or a write returned it. A write to a name without a value counts as abandoned after
    *abandoned_after* seconds without a change.
    """

    def __init__(self, calls: Calls, name: str, abandoned_after: float, known: GoogleSecret | None = None) -> None:
        self._calls, self._name, self._abandoned_after, self._known = calls, name, abandoned_after, known

    def create(self, value: Secret, stamp: str) -> Metadata:
        """Make the secret with its first version, or fill one without value; AlreadyExists where there is a value."""
        with suppress(exceptions.AlreadyExists):
            secret = self._calls.create(self._name, notes.at_creation(stamp))
            return Metadata(secret, self._calls.add(self._name, value))
        self._known = self._claim()
        return self._annotated(self._calls.add(self._name, value), stamp)

    def write(self, value: Secret, stamp: str) -> Metadata:
        """Add a version, whatever the newest one is; make the secret where there is none."""
        version = None
        with suppress(exceptions.NotFound):
            version = self._calls.add(self._name, value)
        return self._annotated(version, stamp) if version else self.create(value, stamp)

    def delete(self) -> None:
        """Switch the newest version off and note that; a secret without version, which has nothing to restore, goes."""
        found = self._metadata()
        if found.newest is None:
            self._calls.delete(self._name, found.secret.etag)
        elif found.state != "deleted" or DELETED not in found.annotations:
            self._switch_off(found.secret, found.newest)

    def purge(self) -> None:
        """Delete the secret with all its versions, for good."""
        self._calls.delete(self._name)

    def restore(self) -> Metadata:
        """Switch the newest version on and take the note of its delete away."""
        found = self._metadata()
        if found.newest is None or not notes.deleted_version(found.annotations):
            raise NotFound(f"{self._name!r} is not deleted")
        self._calls.enable(found.newest.name)
        return Metadata(self._annotate(found.secret, notes.after_restore), self._calls.newest(self._name))

    def _annotated(self, version: SecretVersion, stamp: str) -> Metadata:
        """Note whose *version* is, and restore what a delete before it switched off."""
        secret = self._known if stamp and self._known else self._calls.secret(self._name)
        self._switch_on(secret, version)
        secret = self._annotate(secret, partial(notes.after_write, version=version, stamp=stamp))
        self._destroy_old()
        return Metadata(secret, version)

    def _metadata(self) -> Metadata:
        return Metadata(self._calls.secret(self._name), self._calls.newest(self._name))

    def _claim(self) -> GoogleSecret:
        """Win a name without value, from a crash or a delete; AlreadyExists where it has one."""
        found = self._abandoned()
        if found.state in {"live", "disabled"} and not found.unfinished:
            self._annotate(found.secret, notes.after_restore)  # another tool may have written to a deleted name
            raise AlreadyExists(f"{self._name!r} exists already")
        with suppress(*_MOVED):
            return self._calls.annotate(found.secret, notes.claimed(found.annotations, secrets.token_hex(8)))
        raise Conflict(f"{self._name!r} is being written by somebody else")

    def _abandoned(self) -> Metadata:
        """Look until nobody is between two calls of a write; one who does not move for a while is taken for dead."""
        found = self._metadata()
        for _ in range(TRIES):
            if not found.unfinished:
                break
            time.sleep(self._abandoned_after)
            before, found = found, self._metadata()
            if found.same(before):
                break
        return found

    def _switch_off(self, secret: GoogleSecret, newest: SecretVersion) -> None:
        if newest.state == SecretVersion.State.ENABLED:
            secret = self._annotate(secret, partial(notes.before_delete, version=newest))
            self._calls.disable(newest.name)
        noted = self._annotate(secret, partial(notes.after_delete, version=newest))
        if DELETED not in noted.annotations:
            raise Conflict(f"{self._name!r} was written while it was deleted")

    def _switch_on(self, secret: GoogleSecret, version: SecretVersion) -> None:
        """Switch on what a delete before *version* has switched off: a put restores, so that the history is whole."""
        gone = notes.deleted_version(secret.annotations)
        if gone and gone.number < number_of(version.name):
            with suppress(exceptions.NotFound, exceptions.FailedPrecondition):  # it was destroyed since
                self._calls.enable(f"{secret.name}/versions/{gone.number}")

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
        raise Conflict(f"{self._name!r} is being written by others")

    def _destroy_old(self) -> None:
        keep = self._calls.options.keep_versions
        for version in list(self._calls.versions(self._name))[keep:] if keep else []:
            if version.state != SecretVersion.State.DESTROYED:
                self._calls.destroy(version.name)
