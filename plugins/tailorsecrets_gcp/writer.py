"""How a value gets in, and how a name is deleted and comes back: rows of calls that may break off between any two.

CreateSecret is the only call of Google's that is done once for all who try. A value is another call, which takes no
condition, so whoever finds a name without value waits until nobody is seen at work on it, and then wins it by the
etag of the secret. A stamp and a delete are noted under the etag too, after what they speak of is done.
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
from tailorsecrets_gcp import entries as marks
from tailorsecrets_gcp.calls import Calls
from tailorsecrets_gcp.entries import DELETED, Annotations, Look
from tailorsecrets_gcp.retry import Pauses

TRIES: Final = 4  # to annotate a secret that others annotate at the same time
_MOVED: Final = (exceptions.FailedPrecondition, exceptions.Aborted)  # an etag that is no longer the secret's


class Writer:
    """One write to *name*. *listed* is the secret as a list showed it; *patience* is in seconds."""

    def __init__(self, calls: Calls, name: str, patience: float, listed: GoogleSecret | None = None) -> None:
        self._calls, self._name, self._patience, self._listed = calls, name, patience, listed

    def create(self, value: Secret, stamp: str) -> Look:
        """Make the secret with its first version, or fill one without value; AlreadyExists where there is a value."""
        with suppress(exceptions.AlreadyExists):
            secret = self._calls.create(self._name, marks.with_secret(stamp))
            return Look(secret, self._calls.add(self._name, value))
        self._listed = self._claim()
        return self._noted(self._calls.add(self._name, value), stamp)

    def write(self, value: Secret, stamp: str) -> Look:
        """Add a version, whatever the newest one is; make the secret where there is none."""
        version = None
        with suppress(exceptions.NotFound):
            version = self._calls.add(self._name, value)
        return self._noted(version, stamp) if version else self.create(value, stamp)

    def delete(self) -> None:
        """Switch the newest version off and note that; a secret without version, which has nothing to restore, goes."""
        look = self._look()
        if look.newest is None:
            self._calls.delete(self._name, look.secret.etag)
        elif look.state != "deleted" or DELETED not in look.annotations:
            self._switch_off(look.secret, look.newest)

    def purge(self) -> None:
        """Delete the secret with all its versions, for good."""
        self._calls.delete(self._name)

    def restore(self) -> Look:
        """Switch the newest version on and take the note of its delete away."""
        look = self._look()
        if look.newest is None or not marks.gone(look.annotations):
            raise NotFound(f"{self._name!r} is not deleted")
        self._calls.enable(look.newest.name)
        return Look(self._annotate(look.secret, marks.restored), self._calls.newest(self._name))

    def _noted(self, version: SecretVersion, stamp: str) -> Look:
        """Note whose *version* is, and restore what a delete before it switched off."""
        secret = self._listed if stamp and self._listed else self._calls.secret(self._name)
        self._switch_on(secret, version)
        secret = self._annotate(secret, partial(marks.written, version=version, stamp=stamp))
        self._destroy_old()
        return Look(secret, version)

    def _look(self) -> Look:
        return Look(self._calls.secret(self._name), self._calls.newest(self._name))

    def _claim(self) -> GoogleSecret:
        """Win a name without value, from a crash or a delete; AlreadyExists where it has one."""
        look = self._abandoned()
        if look.state in {"live", "disabled"} and not look.unfinished:
            self._annotate(look.secret, marks.restored)  # another tool may have written to a deleted name
            raise AlreadyExists(f"{self._name!r} exists already")
        with suppress(*_MOVED):
            return self._calls.annotate(look.secret, marks.claimed(look.annotations, secrets.token_hex(8)))
        raise Conflict(f"{self._name!r} is being written by somebody else")

    def _abandoned(self) -> Look:
        """Look until nobody is between two calls of a write; one who does not move for a while is taken for dead."""
        look = self._look()
        for _ in range(TRIES):
            if not look.unfinished:
                break
            time.sleep(self._patience)
            before, look = look, self._look()
            if look.same(before):
                break
        return look

    def _switch_off(self, secret: GoogleSecret, newest: SecretVersion) -> None:
        if newest.state == SecretVersion.State.ENABLED:
            secret = self._annotate(secret, partial(marks.deleting, version=newest))
            self._calls.disable(newest.name)
        noted = self._annotate(secret, partial(marks.deleted, version=newest))
        if DELETED not in noted.annotations:
            raise Conflict(f"{self._name!r} was written while it was deleted")

    def _switch_on(self, secret: GoogleSecret, version: SecretVersion) -> None:
        """Switch on what a delete before *version* has switched off: a put restores, so that the history is whole."""
        gone = marks.gone(secret.annotations)
        if gone and gone.number < marks.number_of(version.name):
            with suppress(exceptions.NotFound, exceptions.FailedPrecondition):  # it was destroyed since
                self._calls.enable(f"{secret.name}/versions/{gone.number}")

    def _annotate(self, secret: GoogleSecret, change: Callable[[Annotations], dict[str, str]]) -> GoogleSecret:
        """Change the annotations, as often as it takes where others change them too, and return the secret."""
        for pause, _ in zip(Pauses(), range(TRIES), strict=False):
            annotations = change(secret.annotations)
            if annotations == dict(secret.annotations):
                return secret
            with suppress(*_MOVED):
                return self._calls.annotate(secret, annotations)
            time.sleep(pause)
            secret = self._calls.secret(self._name)
        raise Conflict(f"{self._name!r} is being written by others")

    def _destroy_old(self) -> None:
        keep = self._calls.settings.keep_versions
        for version in list(self._calls.versions(self._name))[keep:] if keep else []:
            if version.state != SecretVersion.State.DESTROYED:
                self._calls.destroy(version.name)
