"""The driver: each operation as calls of Azure Key Vault.

A name of the seam is the name of a secret. Azure has no conditional writes and cannot filter a list. ``entries``
explains the versions.
"""

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from azure.keyvault.secrets import SecretClient, SecretProperties

from tailorsecrets.driver import (
    Budget,
    Caps,
    Driver,
    Entry,
    Identity,
    PerProcess,
    Problem,
    ServerClock,
    Stored,
    Target,
)
from tailorsecrets.errors import Conflict, NotFound, Unavailable, Unsupported
from tailorsecrets.secret import Secret
from tailorsecrets_azure import errors, listing, recovery
from tailorsecrets_azure.client import connect
from tailorsecrets_azure.entries import TAG, VersionTag, entry_of, first_made, ids_by_token, is_id
from tailorsecrets_azure.identity import identity_in
from tailorsecrets_azure.options import read_options

CAPS: Final = Caps(
    joiner="--",
    max_name=127,
    max_bytes=25 * 1024,
    empty=True,
    writes=True,
    lists=True,
    stats=True,
    stamps=True,
    tags=True,
    versions=True,
    undelete=True,
    per_s={"get": 400.0, "stat": 400.0, "list": 400.0, "write": 30.0},
    retries=True,
)
_SAME_SECOND: Final = "another tool wrote twice in that second; tailorsecrets secret history shows Azure's ids of both"
_NOT_YET: Final = "Azure is still recovering it; it will be there in a minute"


class AzureDriver(Driver):
    """The secrets of one Key Vault."""

    caps = CAPS

    def __init__(self, target: Target) -> None:
        self._target, self._options, self._clock = target, read_options(target), ServerClock()
        self._connection = PerProcess(partial(connect, self._options, target, self._clock))

    def get(self, name: str, version: str = "") -> Stored:
        """Return the current value, or that of *version*: one of our tokens, or Azure's own id."""
        budget = self._budget()
        chosen = self._id_of(name, version, budget) if version else None
        secret = self._client.get_secret(name, chosen, seconds=budget.left)
        entry = entry_of(name, secret.properties, state="live")
        return Stored(_value(secret.value), replace(entry, version=version) if version else entry)

    def stat(self, name: str) -> Entry:
        """Read the list of its versions, which takes no right to read values; a deleted secret has none."""
        budget = self._budget()
        versions = listing.versions(self._client, name, budget)
        return _current(name, versions) if versions else recovery.deleted_entry(self._client, name, budget)

    def list(self, prefix: str, *, deleted: bool = False) -> Iterator[Entry]:
        """List all of the Key Vault, 25 a page; each page has the budget of a read."""
        pages = listing.deleted if deleted else listing.live
        for secret in pages(self._client, self._target.seconds()):
            name = secret.name or ""
            if name.lower().startswith(prefix.lower()):
                yield entry_of(name, secret, state="deleted" if deleted else None)

    def put(
        self,
        name: str,
        value: Secret,
        *,
        expect: str | None = None,
        stamp: str = "",
        tags: Mapping[str, str] | None = None,
    ) -> Entry:
        """Set the value; recover a deleted secret first. The core checks *expect* before."""
        if expect is not None:
            raise Unsupported
        budget = self._budget(write=True)

        def write() -> SecretProperties:
            attributes = self._attributes(stamp, tags or {})
            return self._client.set_secret(name, value.reveal(), seconds=budget.left, **attributes).properties

        if_deleted = partial(recovery.recover_if_deleted, self._client, name, budget)
        return entry_of(name, recovery.once_settled(budget, write, if_deleted))

    def delete(self, name: str, *, purge: bool = False) -> None:
        """Delete it, and wait until it is among the deleted; with *purge*, delete it there too."""
        budget = self._budget(write=True)
        for step in (recovery.delete, recovery.purge) if purge else (recovery.delete,):
            with errors.missing_is_fine():
                step(self._client, name, budget)

    def restore(self, name: str) -> Entry:
        """Recover it, and wait until it is there."""
        client, budget = self._client, self._budget(write=True)
        recovery.recover(client, name, budget)
        while not (versions := listing.versions(client, name, budget)):
            if not budget.wait():
                raise Unavailable(hint=_NOT_YET)
        return _current(name, versions)

    def versions(self, name: str) -> Iterator[Entry]:
        """List all versions; those that share a token go by Azure's ids."""
        versions = listing.versions(self._client, name, self._budget())
        ids = ids_by_token(versions)
        for version in versions:
            entry = entry_of(name, version)
            yield entry if len(ids[entry.version]) == 1 else replace(entry, version=version.version or "")

    def identity(self) -> Identity:
        """Return whom the token names."""
        return identity_in(self._connection.get().login.token())

    def skew(self) -> float | None:
        """Return the difference to Azure's clock."""
        return self._clock.ahead

    def explain(self, exc: Exception, op: str) -> Problem:
        """Look it up in ``errors``."""
        return errors.explain(exc, op)

    def close(self) -> None:
        """Close the connections."""
        if connection := self._connection.drop():
            connection.close()

    @property
    def _client(self) -> SecretClient:
        return self._connection.get().client

    def _budget(self, *, write: bool = False) -> Budget:
        return Budget(self._target.seconds(write=write))

    def _attributes(self, stamp: str, tags: Mapping[str, str]) -> dict[str, Any]:
        """Return the attributes of a version that is written now."""
        options, now = self._options, self._clock.now()
        tag = VersionTag(int(now * 1_000_000), secrets.token_hex(4), stamp)
        attributes: dict[str, Any] = {"tags": {**options.tags, **tags, TAG: str(tag)}, "not_before": tag.activated}
        if options.content_type:
            attributes["content_type"] = options.content_type
        if options.expires_days:
            attributes["expires_on"] = datetime.fromtimestamp(now, UTC) + timedelta(days=options.expires_days)
        return attributes

    def _id_of(self, name: str, version: str, budget: Budget) -> str:
        """Return Azure's id of *version*."""
        if is_id(version):
            return version
        ids = ids_by_token(listing.versions(self._client, name, budget)).get(version, [])
        if not ids:
            raise NotFound("there is no such version")
        if len(ids) > 1:
            raise Conflict("two versions have this token", hint=_SAME_SECOND)
        return ids[0]


def _current(name: str, versions: "list[SecretProperties]") -> Entry:
    return entry_of(name, versions[0], created=first_made(versions))


def _value(text: str | None) -> Secret:
    if text is None:
        raise Unavailable("the answer has no value in it")
    return Secret(text)
