"""A workspace as deploying and the command line see it: records, owners, snapshots and writes under a seen state.

Programs use ``Store``; ``workspace_of`` leads from there to here.
"""

import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Final, NamedTuple

from tailorsecrets.driver import ABSENT, PRESENT, Caps, Driver, Entry, Stored, VaultNames
from tailorsecrets.errors import (
    AlreadyExists,
    Conflict,
    Denied,
    SecretsError,
    StoreNotFound,
    Throttled,
    Unauthenticated,
    Unavailable,
    VaultNotFound,
)
from tailorsecrets.secret import Secret
from tailorsecrets.store.names import ExternalName, Naming, Place, check_name, check_names, checked_place
from tailorsecrets.store.operations import Ability, Operations
from tailorsecrets.store.parallel import parallel
from tailorsecrets.store.record import Owner, Record, new_record
from tailorsecrets.store.records import RecordResult, Records

_NO_ANSWER: Final = (Throttled, Unauthenticated, Unavailable)


class VaultState(NamedTuple):
    """One vault in the store: its record, if it has one, and its live secrets by name.

    ``made_for`` is the identity of the owner for whom a container was made that has no record yet. ``problem`` is the
    reason why an existing record cannot be read.
    """

    record: Record | None = None
    secrets: Mapping[str, Entry] = MappingProxyType({})
    made_for: str = ""
    problem: SecretsError | None = None

    def has_only(self, secrets: Collection[str]) -> bool:
        """Tell whether it has secrets, and none but *secrets*."""
        return bool(self.secrets) and all(secret in secrets for secret in self.secrets)


class Workspace:
    """One workspace of a store. Safe for many threads.

    Methods raise as those of ``Store`` do.
    """

    def __init__(
        self,
        driver: Driver,
        name: str,
        *,
        url: str,
        prefix: str,
        read_only: str,
        may_create: bool,
        external: Mapping[Place, ExternalName],
    ) -> None:
        caps = driver.caps
        naming = Naming(name, caps.joiner, caps.max_name, prefix, caps.containers)
        self.url, self.name, self.may_create = url, name, may_create
        self.driver = driver  # for what measures it; everything else goes through the operations
        self.operations = Operations(driver, naming, url, read_only=read_only, external=external)
        self._records = Records(self.operations, url)

    @property
    def caps(self) -> Caps:
        """The abilities of the store."""
        return self.operations.caps

    @property
    def at_once(self) -> int:
        """How many names ``read_many`` reads without further calls."""
        return sys.maxsize if self.caps.local else self.operations.batch

    def snapshot(self, expected: Iterable[str] = ()) -> dict[str, VaultState]:
        """Return all vaults of the workspace, as lists show them; read records and no other value.

        Where lists lag, the records of *expected* vaults are read also if they are not listed; if that is denied, as it
        may be for a missing name, there is none. A listed record that is denied or damaged is a ``problem`` of its
        vault alone.
        """
        containers = self.containers()
        vaults: dict[str, dict[str, Entry]] = {vault: {} for vault in containers}
        recorded = list(vaults)
        for place, entry in self.entries(containers):
            secrets = vaults.setdefault(place.vault, {})
            if place.secret:
                secrets[place.secret] = entry
            else:
                recorded.append(place.vault)
        unlisted = [vault for vault in expected if vault not in recorded] if self.caps.list_lag else []
        records = self._records.results([*recorded, *unlisted])
        for vault in unlisted:
            if isinstance(records.get(vault), Denied):
                del records[vault]
        vaults |= {vault: {} for vault in records if vault not in vaults}
        return {
            vault: _vault_state(records.get(vault), secrets, containers.get(vault, ""))
            for vault, secrets in vaults.items()
            if secrets or vault in records or vault in containers  # else a record that never had a value
        }

    def completed(self, found: Mapping[str, VaultState], places: Collection[Place]) -> dict[str, VaultState]:
        """Return *found* with those of *places* that this app wrote and that the list does not show yet.

        An entry without a stamp is another tool's, so it is left out: creating it is then a conflict. A missing name
        may be denied.
        """
        entries = zip(places, parallel(self.caps, self._written_by_us, list(places)), strict=True)
        secrets: dict[str, dict[str, Entry]] = {vault: dict(seen.secrets) for vault, seen in found.items()}
        for (vault, secret), entry in entries:
            if entry is not None:
                secrets[vault][secret] = entry
        return {vault: seen._replace(secrets=secrets[vault]) for vault, seen in found.items()}

    def refreshed(self, found: Mapping[str, VaultState], places: Collection[Place]) -> dict[str, VaultState]:
        """Return *found* with the metadata of *places* read again; *found* has their vaults.

        Where that read is denied and lists have stamps, the list's entry stays: the write itself is then denied.
        """

        def current(place: Place) -> Entry | None:
            try:
                return self.operations.stat(place)
            except Denied:
                if not self.caps.list_stamps:
                    raise
                return found[place.vault].secrets.get(place.secret)

        secrets = {vault: dict(seen.secrets) for vault, seen in found.items()}
        for place, entry in zip(places, parallel(self.caps, current, list(places)), strict=True):
            secrets[place.vault].pop(place.secret, None)
            if entry is not None:
                secrets[place.vault][place.secret] = entry
        return {
            vault: seen._replace(secrets=secrets[vault])
            for vault, seen in found.items()
            if secrets[vault] or seen.record or seen.problem or not seen.secrets
        }

    def snapshot_of(self, names: Mapping[str, Iterable[str]]) -> dict[str, VaultState]:
        """Return the state of the named secrets by vault, without a list."""
        records = self._records.read(list(names))
        places = [Place(vault, secret) for vault, secrets in names.items() for secret in secrets]
        found: dict[str, dict[str, Entry]] = {}
        for (vault, secret), entry in self.stat(places).items():
            found.setdefault(vault, {})[secret] = entry
        return {v: VaultState(records.get(v), found.get(v, {})) for v in names if v in records or v in found}

    def stat(self, places: Sequence[Place], *, deleted: bool = False) -> dict[Place, Entry]:
        """Return the entry at each of *places* that has one now; read no value.

        With *deleted*, return also entries that are deleted or never had a value.
        """
        stat = partial(self.operations.stat, deleted=deleted)
        entries = zip(places, parallel(self.caps, stat, places), strict=True)
        return {place: entry for place, entry in entries if entry is not None}

    def record(self, vault: str) -> Record:
        """Return the vault's record, an empty one where only its secrets are there; VaultNotFound otherwise."""
        check_name("vault", vault)
        found = self._records.read([vault]).get(vault)
        if found is not None:
            return found
        if self.caps.lists and (vault in self.containers() or any(True for _ in self.operations.list(vault))):
            return Record()
        unseen = "" if self.caps.lists else "; the store cannot list its secrets, so one without a record is not seen"
        raise VaultNotFound(f"vault {vault}: does not exist{unseen}", vault=vault, store=self.url)

    def records(self, vaults: Sequence[str]) -> dict[str, RecordResult]:
        """Return the record of each of *vaults* that has one, or the error of one that is denied or damaged."""
        try:
            return self._records.results(vaults)
        except StoreNotFound:
            if not self.may_create:
                raise
            return {}

    def claim(self, vault: str, owner: Owner | None, record: Record | None) -> Record:
        """Write *owner*, or none, to the vault whose record was *record* when it was read; None: it had none.

        A record without a version is that of a vault that has none yet: its labels and stamp key are taken. Return the
        new record. Raise Conflict if the record changed since it was read.
        """
        if self.caps.containers and not (record and record.version):
            self._make(vault, owner)
        new = (record or new_record({})).owned_by(owner)
        if not (new.key.reveal() and new.id):
            new = replace(new_record(new.labels, new.key if new.key.reveal() else None), version=new.version)
        expect = record.version if record and record.version else ABSENT
        entry = self._put(Place(vault), new.dump(), expect=expect)
        return replace(new, version=entry.version or PRESENT, conflicted=False)

    def adopt(self, vault: str, owner: Owner) -> Record:
        """Write *owner* to an existing vault where that is not its owner yet; return the record."""
        record = self.record(vault)
        return record if record.owner == owner else self.claim(vault, owner, record)

    def release(self, vault: str) -> Owner | None:
        """Remove the owner from *vault* and return it; if it had none, write nothing and return None."""
        record = self.record(vault)
        if record.owner is not None:
            self.claim(vault, None, record)
        return record.owner

    def drop_vault(self, vault: str) -> None:
        """Delete the record and the container of a vault without secrets."""
        self.operations.delete(Place(vault), purge=self.caps.containers)
        if self.caps.containers:
            for place, _ in list(self.operations.list(vault, deleted=True)) if self.caps.undelete else []:
                self.operations.delete(place, purge=True)
            self.operations.drop(vault)

    def put_secret(
        self, record: Record, vault: str, secret: str, value: Secret, *, expect: str, stamp: str = ""
    ) -> Entry:
        """Write if the secret is still as *expect* says: ABSENT, or a version; with *stamp*, else one of *record*."""
        place = checked_place(vault, secret)
        if not self.caps.stamps:
            return self._put(place, value, expect=expect)
        stamp = stamp or (record.stamp(secret, value) if record.key.reveal() else "")
        return self._put(place, value, expect=expect, stamp=stamp)

    def vault_names(self, vault: str, copied: Iterable[Place] = ()) -> VaultNames:
        """Return the native names of *vault*: its record, the prefix of its secrets, and those that are *copied*."""
        check_name("vault", vault)
        names = tuple(self.operations.native(place) for place in copied if place.vault == vault)
        return self.operations.vault_names(vault)._replace(copied=names)

    def check_value(self, vault: str, secret: str, value: Secret) -> None:
        """Raise NameInvalid, ValueInvalid or TooLarge for a value that the store cannot hold; call nothing."""
        self.operations.check_value(checked_place(vault, secret), value)

    def escapes(self, value: Secret) -> bool:
        """Tell whether the store cannot hold *value* as it is: other tools then read ``tailorsecrets:=`` before it."""
        return self.operations.escapes(value)

    def values(self, places: Sequence[Place]) -> tuple[dict[Place, Secret], set[Place]]:
        """Return the values of *places* that can be read, and the places whose values may not be read.

        A value that is damaged or missing is in neither. Raise if the store does not answer.
        """
        results = self.read_many(places) if places else {}
        for result in results.values():
            if isinstance(result, _NO_ANSWER):
                raise result
        values = {place: result.value for place, result in results.items() if isinstance(result, Stored)}
        return values, {place for place, result in results.items() if isinstance(result, Denied)}

    def cannot_stamp(self, places: Collection[Place]) -> set[Place]:
        """Return those of *places* where this login may not keep a stamp, so that each rewrite would lack it too."""
        return {place for place in places if not self.operations.may_stamp(place)}

    def read_many(self, places: Sequence[Place]) -> dict[Place, Stored | SecretsError]:
        """Return for each of *places* its value with its entry, or the error, in the least calls.

        Raise NameInvalid for anything but the place of a secret.
        """
        check_names([pair for vault, secret in places for pair in (("vault", vault), ("secret", secret))])
        if len(places) != 1:
            return self.operations.get_many(places)
        try:
            return {places[0]: self.operations.get(places[0])}  # plain, as not everybody may make batch calls
        except SecretsError as error:
            return {places[0]: error.with_traceback(None)}

    def need(self, ability: Ability) -> None:
        """Raise Unsupported where the store lacks *ability*, Denied for a write under a profile that may only read."""
        self.operations.need(ability)

    def transaction(self) -> AbstractContextManager[None]:
        """Make the writes in the block one write, where ``caps.transactions``."""
        return self.operations.transaction()

    def setup(self) -> str:
        """Create the store itself where the plugin can; return a sentence for the user, "" for nothing."""
        return self.operations.setup()

    def close(self) -> None:
        """Close the connection; may be called twice."""
        self.operations.close()

    def _written_by_us(self, place: Place) -> Entry | None:
        try:
            entry = self.operations.stat(place)
        except Denied:
            return None
        return entry if entry is not None and entry.stamp else None

    def _put(self, place: Place, value: Secret, *, expect: str | None, stamp: str = "") -> Entry:
        try:
            return self.operations.put(place, value, expect=expect, stamp=stamp)
        except AlreadyExists:
            pass
        message = f"{place}: somebody else created it in the meantime"
        raise Conflict(message, vault=place.vault, secret=place.secret, store=self.url)

    def containers(self) -> dict[str, str]:
        """Return the note on the container of each vault, where the store has containers."""
        return {vault: entry.stamp for vault, entry in self.operations.containers()} if self.caps.containers else {}

    def entries(self, containers: Iterable[str]) -> Iterator[tuple[Place, Entry]]:
        """Yield each secret and record of the workspace; *containers* are the vaults that have one."""
        if not self.caps.containers:
            yield from self.operations.list()
        for vault in containers:
            yield from self.operations.list(vault)

    def _make(self, vault: str, owner: Owner | None) -> None:
        with suppress(AlreadyExists):  # an earlier run made the container and stopped before the record
            self.operations.make(vault, owner.identity if owner else "")


def _vault_state(record: Record | SecretsError | None, secrets: Mapping[str, Entry], made_for: str) -> VaultState:
    if isinstance(record, SecretsError):
        return VaultState(None, secrets, problem=record)
    return VaultState(record, secrets, "" if record else made_for)
