"""A driver's operations, addressed by place instead of native name, and the same on every store.

This module refuses an ability that the store has not announced, and reads the metadata before a write whose ``expect``
is not atomic in the store. ``values`` checks and encodes values; ``failures`` turns whatever an SDK raises into one
error with a meaning; ``lost`` finds out whether a write without an answer was done.
"""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from types import MappingProxyType
from typing import Any, Final, Literal, TypeVar

from tailorsecrets.driver import ABSENT, PRESENT, Caps, Driver, Entry, Identity, Stored, VaultNames
from tailorsecrets.errors import (
    AlreadyExists,
    Conflict,
    Denied,
    NotFound,
    SecretsError,
    Unavailable,
    Unsupported,
    VersionNotFound,
)
from tailorsecrets.secret import Secret
from tailorsecrets.store.failures import STORE_ERRORS, Calls, untried
from tailorsecrets.store.lost import found_done
from tailorsecrets.store.names import ExternalName, Naming, Place
from tailorsecrets.store.parallel import parallel
from tailorsecrets.store.values import Values
from tailorsecrets.store.versions import is_version
from tailorsecrets.store.writes import notify_write

T = TypeVar("T")
ReadResult = Stored | SecretsError
Ability = Literal["writes", "lists", "stats", "versions", "undelete", "containers"]

_LACKS: Final[Mapping[Ability, str]] = {
    "writes": "this store can only be read",
    "lists": "this store cannot list its secrets",
    "stats": "this store shows a secret only with its value",
    "versions": "this store keeps no old versions of a secret",
    "undelete": "this store cannot bring back a deleted secret",
    "containers": "this store has no containers for vaults",
}
EXTERNAL: Final = "others manage it, so it is only read"
EXTERNAL_HINT: Final = "the profile's table external has its native name"
_EXISTING: Final = ("live", "disabled")


class Operations:
    """The operations of *driver* on the places of *naming*; *url* names the store in errors.

    Places in *external* are secrets of others with native names: they are read unchanged, and every write to them is
    Unsupported.
    """

    def __init__(
        self,
        driver: Driver,
        naming: Naming,
        url: str,
        *,
        read_only: str = "",
        external: Mapping[Place, ExternalName] = MappingProxyType({}),
    ) -> None:
        self._driver, self._naming, self._url, self._read_only = driver, naming, url, read_only
        self._external = external
        self._batch = driver.caps.batch
        calls, self._values = Calls(driver, url), Values(driver.caps, naming, external)
        self._call, self._each, self._error = calls.call, calls.each, calls.error

    @property
    def caps(self) -> Caps:
        """What the store can do."""
        return self._driver.caps

    @property
    def batch(self) -> int:
        """How many names one call reads."""
        return self._batch

    def get(self, place: Place, version: str = "") -> Stored:
        """Return the value of *place*, or that of an old *version*."""
        if version:
            self.need("versions")
        read, native = self._driver.get, self._native(place)
        if place in self._external and (field := self._external[place].field):
            read = partial(_get_field, self._driver, field)
        try:
            stored = self._call("get", place, read, *((native, version) if version else (native,)))
        except NotFound:
            if not version or not self._is_visible(place):
                raise
        else:
            return self._decoded(place, stored)
        message = f"{place}: version {version!r} does not exist"
        hint = "secret history lists the versions that can be read"
        raise VersionNotFound(message, hint=hint, op="get", store=self._url, vault=place.vault, secret=place.secret)

    def _is_visible(self, place: Place) -> bool:
        """Tell whether *place* exists; not for a login that may read values and nothing else."""
        try:
            return self.stat(place) is not None
        except Denied:
            return False

    def get_many(self, places: Sequence[Place]) -> dict[Place, ReadResult]:
        """Return an answer for each of *places*, in the least calls that the store allows."""
        alone = [place for place in dict.fromkeys(places) if place in self._external]
        wanted = [place for place in dict.fromkeys(places) if place not in self._external]
        results: dict[Place, ReadResult] = {}
        while wanted and self._batch > 1:
            chunk, wanted = wanted[: self._batch], wanted[self._batch :]
            results |= self._get_batch(chunk)
        return results | self._get_each([*wanted, *alone])

    def stat(self, place: Place, *, deleted: bool = False) -> Entry | None:
        """Return the entry at *place* now, None for none; read a value only if the store has no metadata read.

        With *deleted*, return also an entry that is deleted or never had a value, where the store shows those.
        """
        try:
            native = self._native(place)
            entry = self._call("stat", place, self._driver.stat, native) if self.caps.stats else self.get(place).entry
        except NotFound:
            return None
        return entry if deleted or entry.state in _EXISTING else None

    def stat_native(self, name: str) -> Entry | None:
        """Return the entry of the native *name*, which another tool gave, None for none."""
        self.need("stats")
        try:
            entry = self._call("stat", None, self._driver.stat, self._driver.native(name))
        except NotFound:
            return None
        return entry if entry.state in _EXISTING else None

    def list(self, vault: str = "", *, deleted: bool = False) -> Iterator[tuple[Place, Entry]]:
        """Yield the places of the workspace, or of *vault*; with *deleted*, those that restore can bring back."""
        self.need("lists")
        if deleted:
            self.need("undelete")
        prefix = self._naming.prefix_of(vault)
        for entry in self._each("list", Place(vault), partial(self._listing, prefix, deleted=deleted)):
            place = self._naming.place(entry.name, entry.tags)
            if place is not None and (not vault or place.vault == vault) and entry.state != "bare":
                yield place, entry

    def put(self, place: Place, value: Secret, *, expect: str | None = None, stamp: str = "") -> Entry:
        """Write *value*; *expect* is ABSENT, PRESENT, a version or None, as in the driver."""
        self._check_writable(place)
        self.check_value(place, value)
        native, tags = self._naming.native(place), self._naming.tags(place)
        options: dict[str, Any] = {}
        checked = self._expect_for_driver(place, expect)
        if checked is not None:
            options["expect"] = checked
        if self.caps.stamps:
            options["stamp"] = stamp
        if tags:
            options["tags"] = tags
        return self._write(
            "put",
            place,
            partial(self._driver.put, native, self._values.encoded(value), **options),
            partial(self._written, place, value, stamp=stamp, expect=expect),
        )

    def check_value(self, place: Place, value: Secret) -> None:
        """Raise NameInvalid, ValueInvalid or TooLarge for a value that the store cannot hold; call nothing.

        Raise Unsupported for a secret that others manage.
        """
        self._check_ours(place)
        if problem := self._values.problem(place, value):
            raise self._error("put", place, problem)

    def escapes(self, value: Secret) -> bool:
        """Tell whether the store gets *value* in its escaped form."""
        return self._values.escapes(value)

    def delete(self, place: Place, *, purge: bool = False) -> None:
        """Delete the secret or record at *place*; a missing one is fine."""
        self._check_writable(place)
        options = {"purge": True} if purge else {}
        self._write(
            "delete",
            place,
            partial(self._driver.delete, self._naming.native(place), **options),
            partial(self._deleted, place, purge=purge),
        )

    def restore(self, place: Place) -> Entry:
        """Undo a delete."""
        self._check_writable(place)
        self.need("undelete")
        return self._write(
            "restore", place, partial(self._driver.restore, self._naming.native(place)), partial(self.stat, place)
        )

    def may_stamp(self, place: Place) -> bool:
        """Return whether this login may keep a stamp at *place*, where a version of ours may lack it."""
        try:
            self._call("check_stamp", place, self._driver.check_stamp, self._naming.native(place))
        except Denied:
            return False
        return True

    def versions(self, place: Place) -> Iterator[Entry]:
        """Yield the versions of *place* that can still be read, newest first."""
        self.need("versions")
        return self._each("versions", place, lambda: self._driver.versions(self._native(place)))

    def containers(self) -> Iterator[tuple[str, Entry]]:
        """Yield the vaults of the workspace that have a container, with make's note as the stamp."""
        self.need("containers")
        for entry in self._each("containers", None, lambda: self._driver.containers(self._naming.container(""))):
            vault = self._naming.container_vault(entry.name)
            if vault is not None:
                yield vault, entry

    def make(self, vault: str, note: str) -> None:
        """Make the container of *vault*."""
        self.need("writes")
        self._call("make", Place(vault), self._driver.make, self._naming.container(vault), note)

    def drop(self, vault: str) -> None:
        """Drop the container of *vault*."""
        self.need("writes")
        self._call("drop", Place(vault), self._driver.drop, self._naming.container(vault))

    def vault_names(self, vault: str) -> VaultNames:
        """Return the native names of *vault*: its record, and the prefix of its secrets."""
        return self._naming.vault_names(vault)

    def external_names(self) -> tuple[VaultNames, ...]:
        """Return the native names of the external secrets, each as if it were a vault's."""
        names = {external.name for external in self._external.values() if external.name}
        return tuple(VaultNames(self._driver.native(name), "", "", "") for name in sorted(names))

    def native(self, place: Place) -> str:
        """Return the native name of *place*."""
        return self._naming.native(place)

    def locate(self, place: Place) -> str:
        """Return the part of the location of *place* that the URL may lack."""
        return self._call("locate", place, self._driver.locate, self._naming.native(place))

    def identity(self) -> Identity:
        """Return who is signed in; Unsupported where the plugin does not tell."""
        return self._call("identity", None, self._driver.identity)

    def skew(self) -> float | None:
        """Return the seconds by which the store's clock is ahead of this machine's, None where that is not known."""
        return self._call("identity", None, self._driver.skew)

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Make the writes in the block one write, where the store can."""
        block = self._call("put", None, self._driver.transaction)
        self._call("put", None, block.__enter__)
        try:
            yield
        except BaseException as exc:
            block.__exit__(type(exc), exc, exc.__traceback__)
            raise
        try:
            self._call("put", None, block.__exit__, None, None, None)
        finally:
            if self.caps.transactions:  # the writes of the block show only now
                notify_write(None)

    def prepare(self) -> None:
        """Make what the first call needs; call nothing over a network."""
        self._call("get", None, self._driver.prepare)

    def setup(self) -> str:
        """Create the store itself where the plugin can; return a sentence for the user."""
        self.need("writes")
        return self._call("setup", None, self._driver.setup)

    def need(self, ability: Ability) -> None:
        """Raise Unsupported where the store lacks *ability*, Denied for a write under a profile that may only read."""
        if ability == "writes" and self._read_only:
            raise read_only_error(self._read_only)
        if not getattr(self.caps, ability):
            raise Unsupported(f"{self._url}: {_LACKS[ability]}")

    def close(self) -> None:
        """Let go of the connection."""
        self._driver.close()

    def _check_writable(self, place: Place) -> None:
        self.need("writes")
        self._check_ours(place)

    def _check_ours(self, place: Place) -> None:
        if place in self._external:
            raise self._error("put", place, Unsupported(EXTERNAL, hint=EXTERNAL_HINT))

    def _native(self, place: Place) -> str:
        """Return the name of *place* for reads."""
        external = self._external.get(place)
        if external is None:
            return self._naming.native(place)
        if not external.name:
            raise self._error("get", place, Unsupported("it is in another store", hint=EXTERNAL_HINT))
        return self._driver.native(external.name)

    def _listing(self, prefix: str, *, deleted: bool) -> Iterator[Entry]:
        return self._driver.list(prefix, **({"deleted": True} if deleted else {}))

    def _expect_for_driver(self, place: Place, expect: str | None) -> str | None:
        if expect is None or self.caps.cas == "full" or (self.caps.cas == "create" and expect == ABSENT):
            return expect
        entry = self.stat(place)
        if expect == ABSENT and entry is not None and self._values.has_name(place, entry):
            raise self._error("put", place, AlreadyExists())
        if expect != ABSENT and entry is None:
            raise self._error("put", place, NotFound() if expect == PRESENT else Conflict())
        if expect not in (ABSENT, PRESENT) and entry is not None and not is_version(entry, expect):
            raise self._error("put", place, Conflict())
        return None

    def _get_batch(self, chunk: Sequence[Place]) -> dict[Place, ReadResult]:
        natives = {self._naming.native(place): place for place in chunk}
        try:
            found = self._call("get_many", None, self._driver.get_many, list(natives))
        except Denied:
            self._batch = 1
            _warn("%s: batch reads are denied; reading one by one from now on", self._url)
            return self._get_each(chunk)
        return {place: self._one_of(place, found.get(native)) for native, place in natives.items()}

    def _get_each(self, places: Sequence[Place]) -> dict[Place, ReadResult]:
        """Read *places* one by one; after an error of the store itself, the rest gets that error without a call."""
        failures: list[SecretsError] = []

        def read(place: Place) -> ReadResult:
            if failures:
                return untried(place, failures[0])
            result = self._result(place)
            if isinstance(result, STORE_ERRORS) and not result.retryable:
                failures.append(result)
            return result

        return dict(zip(places, parallel(self.caps, read, places), strict=True))

    def _one_of(self, place: Place, answer: Stored | Exception | None) -> ReadResult:
        if isinstance(answer, Stored):
            return self._result(place, lambda: self._decoded(place, answer))
        return self._error("get_many", place, answer or Unavailable("the store gave no answer for it"))

    def _decoded(self, place: Place, stored: Stored) -> Stored:
        return self._call("get", place, self._values.decoded, place, stored)

    def _result(self, place: Place, read: Callable[[], Stored] | None = None) -> ReadResult:
        try:
            return read() if read else self.get(place)
        except SecretsError as error:
            return error.with_traceback(None)

    def _write(self, op: str, place: Place, do: Callable[[], T], done: Callable[[], T | None]) -> T:
        """Call, and notify this process of the write, also of one that failed; *done* is as in ``lost.found_done``."""
        try:
            return self._call(op, place, do)
        except Unavailable as lost:
            error = lost.with_traceback(None)
        finally:
            notify_write(place)
        return found_done(error, done)

    def _written(self, place: Place, value: Secret, *, stamp: str, expect: str | None) -> Entry | None:
        """Return the entry of *value* where it was written, None where the store is as before; else raise."""
        entry = self.stat(place)
        if entry is None or (expect and expect != PRESENT and is_version(entry, expect)):
            return None
        if stamp and self.caps.stamps and entry.stamp == stamp:
            return entry
        stored = self.get(place)
        if stored.value != value and expect not in (None, PRESENT):
            raise Conflict  # somebody else wrote, before our write or after it
        return stored.entry if stored.value == value else None

    def _deleted(self, place: Place, *, purge: bool) -> Literal[True] | None:
        return True if self.stat(place, deleted=purge) is None else None


def read_only_error(why: str) -> Denied:
    """Return the refusal of a write under a profile that may only read."""
    return Denied(why, code="PROFILE_READ_ONLY", hint='use a profile with permission = "write"')


def _warn(message: str, *args: object) -> None:
    import logging  # slow to import, and rarely needed

    logging.getLogger(__name__).warning(message, *args)


def _get_field(driver: Driver, field: str, name: str, version: str = "") -> Stored:
    return driver.get_field(name, field, version) if version else driver.get_field(name, field)
