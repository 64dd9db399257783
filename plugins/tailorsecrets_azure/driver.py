"""The driver: each operation as calls of Azure Key Vault.

A name of the seam is the name of a secret. Azure writes without any condition and cannot filter a list; what a version
is called here, and why, tells ``marks``.
"""

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from azure.keyvault.secrets import SecretClient, SecretProperties

from tailorsecrets.driver import Caps, Driver, Entry, Problem, Stored, Target
from tailorsecrets.errors import Conflict, NotFound, Unavailable, Unsupported
from tailorsecrets.secret import Secret
from tailorsecrets_azure import entries as marks
from tailorsecrets_azure import errors as meaning
from tailorsecrets_azure import listing, recovery
from tailorsecrets_azure.client import Connection
from tailorsecrets_azure.options import read_settings
from tailorsecrets_azure.retry import WRITE_BUDGET, Budget

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
_TWINS: Final = "another tool wrote twice in that second; tailorsecrets secret history tells Azure's ids of both"
_NOT_YET: Final = "Azure is still recovering it; it will be there in a minute"


class AzureDriver(Driver):
    """The secrets of one Key Vault."""

    caps = CAPS

    def __init__(self, target: Target) -> None:
        self._settings = read_settings(target)
        self._connection = Connection(self._settings, target)

    def get(self, name: str, version: str = "") -> Stored:
        """Return the current value, or that of *version*: one of our tokens, or Azure's own id."""
        budget = Budget(self._settings.timeout)
        chosen = self._id_of(name, version, budget) if version else None
        found = self._client.get_secret(name, chosen, seconds=budget.left)
        entry = marks.entry_of(name, found.properties, state="live")
        return Stored(_value(found.value), replace(entry, version=version) if version else entry)

    def stat(self, name: str) -> Entry:
        """Look at its versions, which takes no right to read values; a deleted secret has none."""
        budget = Budget(self._settings.timeout)
        versions = listing.versions(self._client, name, budget)
        return _current(name, versions) if versions else recovery.deleted_entry(self._client, name, budget)

    def list(self, prefix: str, *, deleted: bool = False) -> Iterator[Entry]:
        """List all of the Key Vault, 25 a page; each page has the budget of a read."""
        pages = listing.deleted if deleted else listing.live
        for found in pages(self._client, self._settings.timeout):
            name = found.name or ""
            if name.lower().startswith(prefix.lower()):
                yield marks.entry_of(name, found, state="deleted" if deleted else None)

    def put(
        self,
        name: str,
        value: Secret,
        *,
        expect: str | None = None,
        stamp: str = "",
        tags: Mapping[str, str] | None = None,
    ) -> Entry:
        """Set the value, after recovering a deleted secret; what to expect is the core's to look at."""
        if expect is not None:
            raise Unsupported
        budget = self._writing()

        def write() -> SecretProperties:
            options = self._options(stamp, tags or {})
            return self._client.set_secret(name, value.reveal(), seconds=budget.left, **options).properties

        return marks.entry_of(name, recovery.once_settled(self._client, name, budget, write))

    def delete(self, name: str, *, purge: bool = False) -> None:
        """Delete it, and wait until it is among the deleted; with *purge*, delete it there too."""
        client, budget = self._client, self._writing()
        with recovery.missing_is_fine():
            delete = lambda: client.begin_delete_secret(name, seconds=budget.left)  # noqa: E731
            recovery.once_settled(client, name, budget, delete)
            recovery.wait_until_deleted(client, name, budget)
        if purge:
            with recovery.missing_is_fine():
                erase = lambda: client.purge_deleted_secret(name, seconds=budget.left)  # noqa: E731
                recovery.once_settled(client, name, budget, erase)

    def restore(self, name: str) -> Entry:
        """Recover it, and wait until it is there."""
        client, budget = self._client, self._writing()
        recovery.once_settled(client, name, budget, partial(recovery.recover, client, name, budget))
        while not (versions := listing.versions(client, name, budget)):
            if not budget.pause():
                raise Unavailable(hint=_NOT_YET)
        return _current(name, versions)

    def versions(self, name: str) -> Iterator[Entry]:
        """List all versions; those that share a token are told by Azure's ids."""
        versions = listing.versions(self._client, name, Budget(self._settings.timeout))
        ids = marks.ids_by_token(versions)
        for version in versions:
            entry = marks.entry_of(name, version)
            yield entry if len(ids[entry.version]) == 1 else replace(entry, version=version.version or "")

    def explain(self, exc: Exception, op: str) -> Problem:
        """Look it up."""
        return meaning.explain(exc, op)

    def close(self) -> None:
        """Close the client's connections."""
        self._connection.close()

    @property
    def _client(self) -> SecretClient:
        return self._connection.client

    def _writing(self) -> Budget:
        return Budget(self._settings.timeout * WRITE_BUDGET)

    def _options(self, stamp: str, tags: Mapping[str, str]) -> dict[str, Any]:
        """Return what is written beside the value; the mark is of this very moment."""
        settings, now = self._settings, self._connection.clock.now()
        mark = marks.Mark(int(now * 1_000_000), secrets.token_hex(4), stamp)
        options: dict[str, Any] = {"tags": {**settings.tags, **tags, marks.TAG: str(mark)}}
        if settings.content_type:
            options["content_type"] = settings.content_type
        if settings.expires_days:
            options["expires_on"] = datetime.fromtimestamp(now, UTC) + timedelta(days=settings.expires_days)
        return options

    def _id_of(self, name: str, version: str, budget: Budget) -> str:
        """Return Azure's id of *version*."""
        if marks.is_id(version):
            return version
        ids = marks.ids_by_token(listing.versions(self._client, name, budget)).get(version, [])
        if not ids:
            raise NotFound("there is no such version")
        if len(ids) > 1:
            raise Conflict("two versions go by this token", hint=_TWINS)
        return ids[0]


def _current(name: str, versions: "list[SecretProperties]") -> Entry:
    return marks.entry_of(name, versions[0], created=marks.first_made(versions))


def _value(text: str | None) -> Secret:
    if text is None:
        raise Unavailable("the answer has no value in it")
    return Secret(text)
