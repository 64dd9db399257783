"""A store as users see it: vaults that hold secrets, the same on every store."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple, Self

from tailorsecrets.driver import ABSENT, PRESENT, Caps, Driver, Entry, Stored
from tailorsecrets.errors import (
    Conflict,
    NotEmpty,
    SecretNotFound,
    SecretsError,
    StoreNotFound,
    Unsupported,
    ValueInvalid,
    VaultAlreadyExists,
    VaultNotFound,
)
from tailorsecrets.secret import Secret
from tailorsecrets.store.names import ExternalName, Place, check_name, checked_place
from tailorsecrets.store.record import Owner
from tailorsecrets.store.versions import is_version
from tailorsecrets.store.workspace import Workspace


class VaultInfo(NamedTuple):
    """A vault in a list: its name, and the times of its first and its last write."""

    name: str
    created: datetime | None = None
    updated: datetime | None = None


class Store:
    """One workspace of a store. Safe for many threads; a context manager that closes the connection.

    Every method may raise ``Denied``, ``Unauthenticated``, ``Throttled``, ``Unavailable`` and ``Corrupt``, and
    ``NameInvalid`` before any call. Methods that write raise ``Denied`` under a profile that may only read.
    """

    def __init__(
        self,
        driver: Driver,
        workspace: str = "default",
        *,
        url: str = "",
        prefix: str = "",
        read_only: str = "",
        may_create: bool = False,
        external: Mapping[Place, ExternalName] = MappingProxyType({}),
    ) -> None:
        """Put vaults on *driver*.

        *url* names the store in errors; *prefix* is put before every native name; *read_only*, if given, is why writes
        are denied; *may_create*: the first write may create the store. *external* has the secrets of others, which are
        read under their own names and never written.
        """
        self.url, self.workspace = url or type(driver).__name__, workspace
        self._inner = Workspace(
            driver,
            workspace,
            url=self.url,
            prefix=prefix,
            read_only=read_only,
            may_create=may_create,
            external=external,
        )
        self._operations = self._inner.operations

    def __repr__(self) -> str:
        return f"<Store: {self.url}, workspace {self.workspace}>"

    @property
    def caps(self) -> Caps:
        """What the store can do."""
        return self._operations.caps

    def get(self, vault: str, secret: str) -> str | None:
        """Return the value, None where there is no such secret or vault."""
        try:
            return self.read(vault, secret).value.reveal()
        except SecretNotFound:
            return None

    def get_all(self, vault: str, secrets: Sequence[str]) -> list[str | None]:
        """Return the values in the order asked, None for missing ones, in the least calls that the store allows.

        The first secret in that order that cannot be read raises.
        """
        places = [checked_place(vault, secret) for secret in _sequence(secrets)]
        answers = self._operations.get_many(places)
        return [_text(answers[place]) for place in places]

    async def aget(self, vault: str, secret: str) -> str | None:
        """Do as get, on asyncio or trio."""
        from anyio import to_thread

        return await to_thread.run_sync(self.get, vault, secret, abandon_on_cancel=True)

    async def aget_all(self, vault: str, secrets: Sequence[str]) -> list[str | None]:
        """Do as get_all, on asyncio or trio."""
        from anyio import to_thread

        return await to_thread.run_sync(self.get_all, vault, secrets, abandon_on_cancel=True)

    def read(self, vault: str, secret: str, version: str = "") -> Stored:
        """Return the current value, or that of *version*, with its entry.

        Raise SecretNotFound where there is no such secret, VersionNotFound where it has no such version.
        """
        return self._operations.get(checked_place(vault, secret), version)

    def list_vaults(self) -> list[VaultInfo]:
        """Return the vaults of the workspace by name; a vault exists if it has a record, a container or a secret."""
        found: dict[str, VaultInfo] = {}
        containers = self._inner.containers()
        for vault in containers:
            found[vault] = VaultInfo(vault)
        for place, entry in self._inner.entries(containers):
            found[place.vault] = _with_times_of(found.get(place.vault), place, entry)
        return [found[name] for name in sorted(found)]

    def list_secrets(self, vault: str) -> list[Entry]:
        """Return the live secrets of *vault* by name, without values; an Entry's ``name`` is the secret's name."""
        check_name("vault", vault)
        entries = [replace(entry, name=place.secret) for place, entry in self._operations.list(vault) if place.secret]
        if not entries:
            self._inner.record(vault)
        return sorted(entries, key=lambda entry: entry.name)

    def history(self, vault: str, secret: str) -> list[Entry]:
        """Return the versions that can still be read, newest first; SecretNotFound where there is no such secret.

        Of a deleted secret that has none, return one entry in the state "deleted".
        """
        place = checked_place(vault, secret)
        try:
            entries = list(self._operations.versions(place))
        except SecretNotFound:
            entries = []
        entries = entries or [entry for entry in [self._deleted(place)] if entry]
        if not entries:
            raise SecretNotFound(f"{place}: does not exist", vault=vault, secret=secret, store=self.url)
        return [replace(entry, name=secret) for entry in entries]

    def create_vault(self, vault: str, owner: Owner | None = None) -> None:
        """Create an empty vault, of *owner* if given; VaultAlreadyExists if it exists."""
        check_name("vault", vault)
        if self._exists(vault):
            raise VaultAlreadyExists(f"vault {vault}: exists already", vault=vault, store=self.url)
        self._inner.claim(vault, owner, None)

    def delete_vault(self, vault: str) -> None:
        """Delete an empty vault; NotEmpty where secrets are in it, VaultNotFound where there is none.

        Raise Unsupported where the store cannot list.
        """
        self._inner.record(vault)
        if not self.caps.lists:
            message = f"vault {vault}: this store cannot list its secrets, so whether the vault is empty is not known"
            hint = "tailorsecrets remove deletes the vaults of a config"
            raise Unsupported(message, hint=hint, vault=vault, store=self.url)
        if any(place.secret for place, _ in self._operations.list(vault)):
            raise NotEmpty(f"vault {vault}: still holds secrets", hint="delete its secrets first", vault=vault)
        self._inner.drop_vault(vault)

    def create_secret(self, vault: str, secret: str, value: Secret | str) -> Entry:
        """Write a secret that does not exist yet; SecretAlreadyExists, VaultNotFound, TooLarge, ValueInvalid."""
        value = _as_secret(value)
        return self._write(vault, secret, value, ABSENT)

    def update_secret(self, vault: str, secret: str, value: Secret | str) -> Entry:
        """Write a new version of an existing secret; SecretNotFound, VaultNotFound, TooLarge, ValueInvalid."""
        value = _as_secret(value)
        return self._write(vault, secret, value, PRESENT)

    def put_secret(self, vault: str, secret: str, value: Secret | str) -> Entry:
        """Write a secret, whether it exists or not; VaultNotFound, TooLarge, ValueInvalid."""
        value = _as_secret(value)
        return self._write(vault, secret, value, None)

    def delete_secret(self, vault: str, secret: str, *, expect: str = "") -> None:
        """Delete a secret; SecretNotFound where there is none, Conflict where *expect*, a version, is not current."""
        place = checked_place(vault, secret)
        entry = self._operations.stat(place)
        if entry is None:
            self._operations.delete(place)  # a name that never had a value is not a secret, but is deleted too
            raise SecretNotFound(f"{place}: does not exist", vault=vault, secret=secret, store=self.url)
        if expect and not is_version(entry, expect):
            raise Conflict(f"{place}: it changed in the meantime", vault=vault, secret=secret, store=self.url)
        self._operations.delete(place)

    def restore_secret(self, vault: str, secret: str) -> Entry:
        """Undo a delete; SecretNotFound if the secret is not deleted."""
        return self._operations.restore(checked_place(vault, secret))

    def purge_secret(self, vault: str, secret: str) -> None:
        """Delete a secret for good, with all its versions; a missing one is fine."""
        self._operations.delete(checked_place(vault, secret), purge=True)

    def rollback_secret(self, vault: str, secret: str, version: str) -> Entry:
        """Write the value of an old *version* as a new one; VersionNotFound where that cannot be read."""
        old = self.read(vault, secret, version)
        return self._write(vault, secret, old.value, None)

    def setup(self) -> str:
        """Create the store itself where the plugin can; return a sentence for the user, "" for nothing."""
        return self._operations.setup()

    def close(self) -> None:
        """Close the connection; may be called twice."""
        self._operations.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _deleted(self, place: Place) -> Entry | None:
        entry = self._operations.stat(place, deleted=True)
        return entry if entry is not None and entry.state == "deleted" else None

    def _exists(self, vault: str) -> bool:
        try:
            self._inner.record(vault)
        except VaultNotFound:
            return False
        except StoreNotFound:
            return False  # the write that follows creates the store, or says why not
        return True

    def _write(self, vault: str, secret: str, value: Secret, expect: str | None) -> Entry:
        place = checked_place(vault, secret)
        self._operations.check_value(place, value)
        record = self._inner.record(vault)
        stamp = record.stamp(secret, value) if record.key.reveal() else ""
        return self._operations.put(place, value, expect=expect, stamp=stamp)


def _as_secret(value: Secret | str) -> Secret:
    return value if isinstance(value, Secret) else Secret(value)  # no frame of an error may hold the plain text


def _sequence(secrets: Sequence[str]) -> Sequence[str]:
    if isinstance(secrets, str):
        raise ValueInvalid("get_all takes a list of names, not one name", code="NAME_INVALID", hint="use get")
    return secrets


def _stored_or_raise(answer: Stored | SecretsError) -> Stored:
    if isinstance(answer, SecretsError):
        raise answer
    return answer


def _text(answer: Stored | SecretsError) -> str | None:
    return None if isinstance(answer, SecretNotFound) else _stored_or_raise(answer).value.reveal()


def _with_times_of(vault: VaultInfo | None, place: Place, entry: Entry) -> VaultInfo:
    seen = vault or VaultInfo(place.vault)
    created = [time for time in (seen.created, entry.created) if time]
    updated = [time for time in (seen.updated, entry.updated) if time]
    return VaultInfo(place.vault, min(created, default=None), max(updated, default=None))


def workspace_of(store: Store) -> Workspace:
    """Return the workspace behind *store*, for deploying and the command line."""
    return store._inner  # noqa: SLF001
