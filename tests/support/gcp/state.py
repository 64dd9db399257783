"""The contents of a server of the Secret Manager protocol, and its methods on them, without gRPC.

Values are replaced, never changed, so a list that lags is an older copy of the same dict.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Final, Literal

from google.cloud.secretmanager_v1.types import Secret, SecretPayload, SecretVersion
from grpc import StatusCode

from tests.support.gcp import rules
from tests.support.gcp.rules import Refusal, failed_precondition, invalid, need

State = SecretVersion.State
Laggard = Literal["secrets", "versions", "latest"]

NUMBERS: Final = {"my-project": "123456789012"}  # of projects; all others have one of their own
OTHER_NUMBER: Final = "210987654321"


@dataclass(frozen=True, slots=True)
class Version:
    """One version with its payload, which is gone once it is destroyed."""

    message: SecretVersion
    payload: SecretPayload


@dataclass(frozen=True, slots=True)
class Held:
    """One secret with its versions, oldest first; number N is at index N - 1."""

    message: Secret
    versions: tuple[Version, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """A resource name, taken apart: of a parent, a secret or a version."""

    parent: str  # with the project's number
    secret: str = ""
    version: str = ""

    @property
    def name(self) -> str:
        """The secret's resource name."""
        return f"{self.parent}/secrets/{self.secret}"

    @property
    def regional(self) -> bool:
        """Whether it is in one region."""
        return "/locations/" in self.parent


def parent_of(name: str) -> Place:
    """Return the place that the name of a project or region stands for."""
    found = rules.PARENT.fullmatch(name)
    if found is None:
        raise invalid(f"The parent [{name}] is not valid.")
    project = found["project"]
    number = project if project.isdecimal() else NUMBERS.get(project, OTHER_NUMBER)
    return Place(f"projects/{number}" + (f"/locations/{found['location']}" if found["location"] else ""))


def place_of(name: str) -> Place:
    """Return the place that the name of a secret or version stands for."""
    found = rules.RESOURCE.fullmatch(name)
    if found is None:
        raise invalid(f"The resource name [{name}] is not valid.")
    return replace(parent_of(found["parent"]), secret=found["secret"], version=found["version"] or "")


class Holdings:
    """All secrets of all projects."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.secrets: dict[str, Held] = {}
        self._settled: Mapping[str, Held] = {}  # what is shown by what lags
        self._lagging: set[Laggard] = set()
        self._ticks = count(1)
        self._offset = timedelta(0)

    def age(self, step: timedelta) -> None:
        """Let time pass."""
        self._offset += step

    def lag(self, *laggards: Laggard) -> None:
        """Let lists of secrets, of versions, or `latest` show what is there now, until they settle."""
        self._lagging = set(laggards)
        self.settle()

    def settle(self) -> None:
        """Let what lags catch up; it lags from here on."""
        self._settled = dict(self.secrets)

    def shown(self, where: Laggard) -> Mapping[str, Held]:
        """Return what is shown there."""
        return self._settled if where in self._lagging else self.secrets

    def find(self, place: Place, among: Mapping[str, Held] | None = None) -> Held:
        """Return the secret at *place*; refuse a missing one."""
        held = (self.secrets if among is None else among).get(place.name)
        if held is None:
            raise Refusal(StatusCode.NOT_FOUND, f"Secret [{place.name}] not found.")
        return held

    def version(self, place: Place) -> Version:
        """Return the version at *place*, by number, alias or `latest`, which is the newest in whatever state."""
        held = self.find(place, self.shown("latest") if place.version == "latest" else None)
        if place.version == "latest":
            if not held.versions:
                raise Refusal(StatusCode.NOT_FOUND, f"Secret [{place.name}] not found or has no versions.")
            return held.versions[-1]
        aliased = held.message.version_aliases.get(place.version, 0)
        need(aliased or place.version.isdecimal(), f"There is no version [{place.version}].")
        number = aliased or int(place.version)
        if not 0 < number <= len(held.versions):
            raise Refusal(StatusCode.NOT_FOUND, f"Secret Version [{place.name}/versions/{number}] not found.")
        return held.versions[number - 1]

    def create(self, place: Place, secret: Secret) -> Secret:
        """Make a secret without versions."""
        rules.check_secret_id(place.secret)
        rules.check_new(secret, regional=place.regional)
        rules.check_maps(secret)
        if place.name in self.secrets:
            raise Refusal(StatusCode.ALREADY_EXISTS, f"Secret [{place.name}] already exists.")
        made = _copy(secret, name=place.name, create_time=self._now(), etag=self._etag())
        self.secrets[place.name] = Held(made)
        return made

    def add(self, place: Place, payload: SecretPayload) -> SecretVersion:
        """Add a version."""
        rules.check_payload(payload)
        held = self.find(place)
        message = SecretVersion(
            name=f"{place.name}/versions/{len(held.versions) + 1}",
            create_time=self._now(),
            state=State.ENABLED,
            etag=self._etag(),
            client_specified_payload_checksum="data_crc32c" in payload,
        )
        kept = SecretPayload(data=payload.data, data_crc32c=rules.checksum(payload.data))
        self.secrets[place.name] = replace(held, versions=(*held.versions, Version(message, kept)))
        return message

    def access(self, place: Place) -> Version:
        """Return a version that is enabled."""
        found = self.version(place)
        if found.message.state != State.ENABLED:
            raise failed_precondition(f"Secret Version [{found.message.name}] is in {found.message.state.name} state.")
        return found

    def update(self, place: Place, secret: Secret, paths: list[str]) -> Secret:
        """Replace the fields that *paths* name, maps as a whole."""
        held = self.find(place)
        need(paths, "The update mask is empty.")
        known = {"labels", "annotations", "version_aliases", "version_destroy_ttl"}
        need(set(paths) <= known, f"The update mask has a path that cannot be updated: {paths}.")
        rules.check_maps(secret)
        check_etag(secret.etag, held.message.etag)
        if "version_aliases" in paths:
            _check_aliases(secret.version_aliases, len(held.versions))
        changed = _copy(held.message, etag=self._etag(), **{path: getattr(secret, path) for path in paths})
        self.secrets[place.name] = replace(held, message=changed)
        return changed

    def change_state(self, place: Place, etag: str, state: int) -> SecretVersion:
        """Enable, disable or destroy a version."""
        found = self.version(place)
        check_etag(etag, found.message.etag)
        if found.message.state == State.DESTROYED:
            raise failed_precondition(f"Secret Version [{found.message.name}] is in DESTROYED state.")
        delay = self.find(place).message.version_destroy_ttl
        if state == State.DESTROYED and delay:
            return self._keep(place, found, state=State.DISABLED, scheduled_destroy_time=self._now() + delay)
        if state == State.DESTROYED:
            gone = replace(found, payload=SecretPayload())
            return self._keep(place, gone, state=state, destroy_time=self._now())
        return self._keep(place, found, state=state, scheduled_destroy_time=None)

    def delete(self, place: Place, etag: str) -> None:
        """Delete a secret with its versions, for good."""
        check_etag(etag, self.find(place).message.etag)
        del self.secrets[place.name]

    def _keep(self, place: Place, version: Version, **changes: object) -> SecretVersion:
        message = _copy_version(version.message, etag=self._etag(), **changes)
        number = int(message.name.rpartition("/")[2])
        held = self.find(place)
        versions = [*held.versions]
        versions[number - 1] = replace(version, message=message)
        self.secrets[place.name] = replace(held, versions=tuple(versions))
        return message

    def _now(self) -> datetime:
        return datetime.now(UTC) + self._offset + timedelta(microseconds=next(self._ticks))

    def _etag(self) -> str:
        return f'"{next(self._ticks):x}"'


def check_etag(given: str, current: str) -> None:
    """Refuse an etag that is no longer the resource's; none is always fine."""
    if given and given != current:
        raise failed_precondition("The etag of the request does not match the etag of the resource.")


def _check_aliases(aliases: Mapping[str, int], versions: int) -> None:
    need(len(aliases) <= rules.ALIASES, "There are too many version aliases.")
    for alias, number in aliases.items():
        need(rules.ALIAS.fullmatch(alias) and alias not in {"latest", "NEW"}, f"The alias [{alias}] is not allowed.")
        need(0 < number <= versions, f"The alias [{alias}] names no version.")


def _copy(message: Secret, **changes: object) -> Secret:
    copy = Secret(message)
    for name, value in changes.items():
        setattr(copy, name, value)
    return copy


def _copy_version(message: SecretVersion, **changes: object) -> SecretVersion:
    copy = SecretVersion(message)
    for name, value in changes.items():
        setattr(copy, name, value)
    return copy
