"""A store as users see it: vaults that hold secrets, the same on every store."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import NamedTuple, Self

from tailorsecrets.calls import Calls, is_version, parallel
from tailorsecrets.driver import ABSENT, PRESENT, Caps, Driver, Entry, Stored
from tailorsecrets.errors import (
    AlreadyExists,
    Conflict,
    NotEmpty,
    SecretNotFound,
    SecretsError,
    StoreNotFound,
    ValueInvalid,
    VaultAlreadyExists,
    VaultNotFound,
)
from tailorsecrets.manifest import Manifest, Owner, new_manifest
from tailorsecrets.names import Naming, Place, check_name, check_names
from tailorsecrets.records import Records
from tailorsecrets.secret import Secret


class VaultInfo(NamedTuple):
    """A vault in a list: its name, and when the first and the last of what is in it were written."""

    name: str
    created: datetime | None = None
    updated: datetime | None = None


class Found(NamedTuple):
    """What is there of one vault: its manifest, if it has one, and its live secrets by name.

    ``mark`` is that of the owner for whom a place was made, where the store has such and the record is not there yet.
    ``problem`` is why the manifest, which is there, cannot be read.
    """

    manifest: Manifest | None = None
    secrets: Mapping[str, Entry] = MappingProxyType({})
    mark: str = ""
    problem: SecretsError | None = None


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
        may_make: bool = False,
    ) -> None:
        """Put vaults on *driver*.

        *url* names the store in errors; *prefix* stands before every native name; *read_only*, if given, is why writes
        are denied; *may_make* tells that the first write may make the store.
        """
        caps = driver.caps
        naming = Naming(workspace, caps.joiner, caps.max_name, prefix, caps.containers)
        self.url, self.workspace, self.may_make = url or type(driver).__name__, workspace, may_make
        self._calls = Calls(driver, naming, self.url, read_only=read_only)
        self._records = Records(self._calls, self.url)

    def __repr__(self) -> str:
        return f"<Store: {self.url}, workspace {self.workspace}>"

    @property
    def caps(self) -> Caps:
        """What the store can do."""
        return self._calls.caps

    # Reading

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
        places = [_checked(vault, secret) for secret in _sequence(secrets)]
        answers = self._calls.get_many(places)
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
        """Return the current value, or that of *version*, with its entry; SecretNotFound where there is none."""
        return self._calls.get(_checked(vault, secret), version)

    def list_vaults(self) -> list[VaultInfo]:
        """Return the vaults of the workspace by name; a vault is there if it has a record, a place or a secret."""
        found: dict[str, VaultInfo] = {}
        marks = self._marks()
        for vault in marks:
            found[vault] = VaultInfo(vault)
        for place, entry in self._everything(marks):
            found[place.vault] = _spanning(found.get(place.vault), place, entry)
        return [found[name] for name in sorted(found)]

    def list_secrets(self, vault: str) -> list[Entry]:
        """Return the live secrets of *vault* by name, without values; an Entry's ``name`` is the secret's name."""
        check_name("vault", vault)
        entries = [replace(entry, name=place.secret) for place, entry in self._calls.list(vault) if place.secret]
        if not entries:
            self.manifest(vault)
        return sorted(entries, key=lambda entry: entry.name)

    def history(self, vault: str, secret: str) -> list[Entry]:
        """Return the versions that can still be read, newest first; SecretNotFound where there is none."""
        place = _checked(vault, secret)
        entries = [replace(entry, name=secret) for entry in self._calls.versions(place)]
        if not entries:
            raise SecretNotFound(f"{place}: no version can be read", vault=vault, secret=secret, store=self.url)
        return entries

    def snapshot(self) -> dict[str, Found]:
        """Return all that is in the workspace, as lists tell it, reading manifests and no other value.

        A manifest that is denied or damaged is a ``problem`` of its vault alone.
        """
        marks = self._marks()
        vaults: dict[str, dict[str, Entry]] = {vault: {} for vault in marks}
        recorded = list(vaults)
        for place, entry in self._everything(marks):
            secrets = vaults.setdefault(place.vault, {})
            if place.secret:
                secrets[place.secret] = entry
            else:
                recorded.append(place.vault)
        records = self._records.read(recorded)
        return {
            vault: _found(records.get(vault), secrets, marks.get(vault, ""))
            for vault, secrets in vaults.items()
            if secrets or vault in records or vault in marks  # else a record that never had a value
        }

    def closer(self, found: Mapping[str, Found], places: Collection[Place]) -> dict[str, Found]:
        """Return what was *found*, with a look at each of *places*, which are among it."""
        current = self.current(list(places))
        secrets = {vault: dict(seen.secrets) for vault, seen in found.items()}
        for place in places:
            secrets[place.vault].pop(place.secret)
        for (vault, secret), entry in current.items():
            secrets[vault][secret] = entry
        return {
            vault: seen._replace(secrets=secrets[vault])
            for vault, seen in found.items()
            if secrets[vault] or seen.manifest or seen.problem or not seen.secrets
        }

    def snapshot_of(self, names: Mapping[str, Iterable[str]]) -> dict[str, Found]:
        """Return what is there of the secrets named, vault by vault, listing nothing."""
        manifests = self._records.manifests(list(names))
        places = [Place(vault, secret) for vault, secrets in names.items() for secret in secrets]
        found: dict[str, dict[str, Entry]] = {}
        for (vault, secret), entry in self.current(places).items():
            found.setdefault(vault, {})[secret] = entry
        return {v: Found(manifests.get(v), found.get(v, {})) for v in names if v in manifests or v in found}

    def current(self, places: Sequence[Place], *, deleted: bool = False) -> dict[Place, Entry]:
        """Return what is at each of *places* now, without those where there is nothing; reads no value.

        What was deleted or never had a value is nothing, but with *deleted* an entry in that state.
        """
        entries = zip(places, parallel(partial(self._calls.stat, deleted=deleted), places), strict=True)
        return {place: entry for place, entry in entries if entry is not None}

    # Vaults

    def manifest(self, vault: str) -> Manifest:
        """Return the vault's record, an empty one where only its secrets are there; VaultNotFound otherwise."""
        check_name("vault", vault)
        found = self._records.manifests([vault]).get(vault)
        if found is not None:
            return found
        if self.caps.lists and (vault in self._marks() or any(True for _ in self._calls.list(vault))):
            return Manifest()
        raise VaultNotFound(f"vault {vault}: does not exist", vault=vault, store=self.url)

    def create_vault(self, vault: str, owner: Owner | None = None) -> None:
        """Make an empty vault, of *owner* if given; VaultAlreadyExists where one is there."""
        check_name("vault", vault)
        if self._is_there(vault):
            raise VaultAlreadyExists(f"vault {vault}: exists already", vault=vault, store=self.url)
        self.claim(vault, owner, None)

    def claim(self, vault: str, owner: Owner | None, manifest: Manifest | None) -> Manifest:
        """Write *owner*, or none, on the vault whose record was seen as *manifest*; None: there is no record.

        Return the record as it is now. Conflict where the record changed since it was seen.
        """
        if self.caps.containers and manifest is None:
            self._make(vault, owner)
        new = (manifest or new_manifest({})).owned_by(owner)
        if not new.key.reveal():
            new = new_manifest(new.labels)
        expect = manifest.version if manifest and manifest.version else ABSENT
        entry = self._put(Place(vault), new.dump(), expect=expect)
        return replace(new, version=entry.version, torn=False)

    def release(self, vault: str) -> Owner | None:
        """Take the owner off *vault* and return who it was; None, and nothing written, where it had none."""
        manifest = self.manifest(vault)
        if manifest.owner is not None:
            self.claim(vault, None, manifest)
        return manifest.owner

    def delete_vault(self, vault: str) -> None:
        """Delete an empty vault; NotEmpty where secrets are in it, VaultNotFound where there is none."""
        self.manifest(vault)
        if any(place.secret for place, _ in self._calls.list(vault)):
            raise NotEmpty(f"vault {vault}: still holds secrets", hint="delete its secrets first", vault=vault)
        self.drop_vault(vault)

    def drop_vault(self, vault: str) -> None:
        """Delete the record, and the place, of a vault whose secrets are gone."""
        self._calls.delete(Place(vault), purge=self.caps.containers)
        if self.caps.containers:
            for place, _ in list(self._calls.list(vault, deleted=True)) if self.caps.undelete else []:
                self._calls.delete(place, purge=True)
            self._calls.drop(vault)

    # Secrets

    def create_secret(self, vault: str, secret: str, value: Secret | str) -> Entry:
        """Write a secret that is not there; SecretAlreadyExists, VaultNotFound, TooLarge, ValueInvalid."""
        value = _covered(value)
        return self._write(vault, secret, value, ABSENT)

    def update_secret(self, vault: str, secret: str, value: Secret | str) -> Entry:
        """Write a new version of a secret that is there; SecretNotFound, VaultNotFound, TooLarge, ValueInvalid."""
        value = _covered(value)
        return self._write(vault, secret, value, PRESENT)

    def put_secret(self, manifest: Manifest, vault: str, secret: str, value: Secret, *, expect: str) -> Entry:
        """Write under the manifest of *vault*, in the state that was seen: ABSENT, or a version."""
        place = _checked(vault, secret)
        stamp = manifest.stamp(secret, value) if manifest.key.reveal() and self.caps.stamps else ""
        return self._put(place, value, expect=expect, stamp=stamp)

    def delete_secret(self, vault: str, secret: str, *, expect: str = "") -> None:
        """Delete a secret; SecretNotFound where there is none, Conflict where *expect*, a version, is not current."""
        place = _checked(vault, secret)
        entry = self._calls.stat(place)
        if entry is None:
            self._calls.delete(place)  # a name that never had a value is no secret, and goes all the same
            raise SecretNotFound(f"{place}: does not exist", vault=vault, secret=secret, store=self.url)
        if expect and not is_version(entry, expect):
            raise Conflict(f"{place}: it changed in the meantime", vault=vault, secret=secret, store=self.url)
        self._calls.delete(place)

    def restore_secret(self, vault: str, secret: str) -> Entry:
        """Undo a delete; SecretNotFound where nothing is to be undone."""
        return self._calls.restore(_checked(vault, secret))

    def purge_secret(self, vault: str, secret: str) -> None:
        """Delete a secret for good, with all its versions; a missing one is fine."""
        self._calls.delete(_checked(vault, secret), purge=True)

    def rollback_secret(self, vault: str, secret: str, version: str) -> Entry:
        """Write the value of an old *version* as a new one; SecretNotFound where that version cannot be read."""
        old = self.read(vault, secret, version)
        return self._write(vault, secret, old.value, None)

    # The rest

    def native_names(self, vault: str) -> tuple[str, str]:
        """Return how the native names of the secrets of *vault* begin, and the native name of its record."""
        check_name("vault", vault)
        return self._calls.native_names(vault)

    def check_value(self, vault: str, secret: str, value: Secret) -> None:
        """Raise NameInvalid, ValueInvalid or TooLarge for what the store cannot hold; calls nothing."""
        self._calls.check_value(_checked(vault, secret), value)

    def escapes(self, value: Secret) -> bool:
        """Tell whether the store cannot hold *value* as it is: other tools then read ``tailorsecrets:=`` before it."""
        return self._calls.escapes(value)

    def values(self, places: Sequence[Place]) -> dict[Place, Secret]:
        """Return the values of those of *places* that can be read; for stores without stamps."""
        return {p: a.value for p, a in self.answers(places).items() if isinstance(a, Stored)}

    def answers(self, places: Sequence[Place]) -> dict[Place, Stored | SecretsError]:
        """Return for each of *places* its value with its entry, or the error, in the least calls.

        Raise NameInvalid for anything but the place of a secret.
        """
        check_names([pair for vault, secret in places for pair in (("vault", vault), ("secret", secret))])
        if len(places) != 1:
            return self._calls.get_many(places)
        try:
            return {places[0]: self._calls.get(places[0])}  # plain, as not everybody may make batch calls
        except SecretsError as error:
            return {places[0]: error.with_traceback(None)}

    def transaction(self) -> AbstractContextManager[None]:
        """Make the writes in the block one write, where ``caps.transactions``."""
        return self._calls.transaction()

    def setup(self) -> str:
        """Make the store itself, where the plugin can; return a sentence on what was made, "" for nothing."""
        return self._calls.setup()

    def close(self) -> None:
        """Let go of the connection; twice is fine."""
        self._calls.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self, vault: str, secret: str, value: Secret, expect: str | None) -> Entry:
        place = _checked(vault, secret)
        self._calls.check_value(place, value)
        manifest = self.manifest(vault)
        stamp = manifest.stamp(secret, value) if manifest.key.reveal() else ""
        return self._calls.put(place, value, expect=expect, stamp=stamp)

    def _put(self, place: Place, value: Secret, *, expect: str | None, stamp: str = "") -> Entry:
        try:
            return self._calls.put(place, value, expect=expect, stamp=stamp)
        except AlreadyExists:
            told = f"{place}: somebody else made it in the meantime"
        raise Conflict(told, vault=place.vault, secret=place.secret, store=self.url)

    def _is_there(self, vault: str) -> bool:
        try:
            self.manifest(vault)
        except VaultNotFound:
            return False
        except StoreNotFound:
            return False  # the write that follows makes the store, or says that it may not
        return True

    def _marks(self) -> dict[str, str]:
        return {vault: entry.stamp for vault, entry in self._calls.containers()} if self.caps.containers else {}

    def _everything(self, placed: Iterable[str]) -> Iterator[tuple[Place, Entry]]:
        if not self.caps.containers:
            yield from self._calls.list()
        for vault in placed:
            yield from self._calls.list(vault)

    def _make(self, vault: str, owner: Owner | None) -> None:
        with suppress(AlreadyExists):  # an earlier run made the place and did not come to the record
            self._calls.make(vault, owner.mark if owner else "")


def _checked(vault: str, secret: str) -> Place:
    check_names([("vault", vault), ("secret", secret)])
    return Place(vault, secret)


def _covered(value: Secret | str) -> Secret:
    return value if isinstance(value, Secret) else Secret(value)  # so that no frame of an error holds it bare


def _sequence(secrets: Sequence[str]) -> Sequence[str]:
    if isinstance(secrets, str):
        raise ValueInvalid("get_all takes a list of names, not one name", code="NAME_INVALID", hint="use get")
    return secrets


def _stored(answer: Stored | SecretsError) -> Stored:
    if isinstance(answer, SecretsError):
        raise answer
    return answer


def _found(record: Manifest | SecretsError | None, secrets: Mapping[str, Entry], mark: str) -> Found:
    if isinstance(record, SecretsError):
        return Found(None, secrets, problem=record)
    return Found(record, secrets, "" if record else mark)


def _text(answer: Stored | SecretsError) -> str | None:
    return None if isinstance(answer, SecretNotFound) else _stored(answer).value.reveal()


def _spanning(vault: VaultInfo | None, place: Place, entry: Entry) -> VaultInfo:
    seen = vault or VaultInfo(place.vault)
    created = [time for time in (seen.created, entry.created) if time]
    updated = [time for time in (seen.updated, entry.updated) if time]
    return VaultInfo(place.vault, min(created, default=None), max(updated, default=None))
