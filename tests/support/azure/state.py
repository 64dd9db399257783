"""A Key Vault in memory: its secrets with their versions, deleted or not."""

import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.support.azure import rules
from tests.support.azure.rules import Refusal

Json = dict[str, Any]
Items = list[Json]  # named here, as a Key Vault has a method called list
RECOVERABLE_DAYS = 90
DAY = 24 * 3600


@dataclass(slots=True, kw_only=True)
class Version:
    """One value that was set."""

    value: str = field(repr=False)
    tags: dict[str, str]
    content_type: str
    attributes: Json
    id: str = field(default_factory=lambda: uuid.uuid4().hex)


@dataclass(slots=True, kw_only=True)
class Secret:
    """The secret of one name; times are on the service's clock."""

    name: str  # as it was written first
    versions: list[Version] = field(default_factory=list)  # oldest first
    deleted: float = 0.0  # when; 0: it is not
    settled: float = 0.0  # when the last delete or recovery is through
    denied: set[str] = field(default_factory=set)  # operations that no login may do on it


class KeyVault:
    """The secrets of one Key Vault. *now* returns the seconds since 1970.

    ``delay`` is the seconds that a delete, a recovery and a purge take; ``protected`` switches purge protection on.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self.url = ""
        self.delay = 0.0
        self.protected = False
        self._now = now
        self._secrets: dict[str, Secret] = {}  # by folded name
        self._purged: dict[str, float] = {}  # when the name can be used again
        self._lock = threading.RLock()

    def get(self, name: str, version: str = "") -> Json:
        """Return one version with its value."""
        secret = self._live(name)
        found = self._version(secret, version)
        if not found.attributes["enabled"]:
            raise rules.is_disabled()
        return {"value": found.value} | self._bundle(secret, found)

    def set(self, name: str, body: Mapping[str, Any]) -> Json:
        """Write a version."""
        value = rules.check_value(body.get("value"))
        tags = rules.check_tags(body.get("tags") or {})
        content_type = rules.check_content_type(body.get("contentType") or "")
        with self._lock:
            secret = self._writable(name)
            second = int(self._now())
            attributes = {"enabled": True, **(body.get("attributes") or {}), "created": second, "updated": second}
            version = Version(value=value, tags=tags, content_type=content_type, attributes=attributes)
            secret.versions.append(version)
            return {"value": value} | self._bundle(secret, version)

    def update(self, name: str, version: str, body: Mapping[str, Any]) -> Json:
        """Change the attributes of a version; new tags replace all old ones."""
        with self._lock:
            secret = self._live(name)
            found = self._version(secret, version)
            found.attributes |= {**(body.get("attributes") or {}), "updated": int(self._now())}
            if body.get("tags") is not None:
                found.tags = rules.check_tags(body["tags"])
            return self._bundle(secret, found)

    def list(self) -> Items:
        """Return the items of all live secrets, which describe the current version without its id."""
        with self._lock:
            live = [secret for secret in self._secrets.values() if self._is_there(secret)]
        return [self._bundle(s, s.versions[-1], "") for s in sorted(live, key=lambda s: s.name.lower())]

    def versions(self, name: str) -> Items:
        """Return the items of all versions, ordered by id, not by time; none where there is no secret."""
        secret = self._secrets.get(name.lower())
        if secret is None or not self._is_there(secret):
            return []
        return [self._bundle(secret, version) for version in sorted(secret.versions, key=lambda v: v.id)]

    def delete(self, name: str) -> Json:
        """Begin to delete: the name is gone at once, and among the deleted after a while."""
        with self._lock:
            secret = self._live(name)
            secret.deleted = self._now()
            secret.settled = secret.deleted + self.delay
            return self._deleted_bundle(secret, secret.versions[-1].id)

    def get_deleted(self, name: str) -> Json:
        """Return a deleted secret."""
        secret = self._found_deleted(name)
        return self._deleted_bundle(secret, secret.versions[-1].id)

    def list_deleted(self) -> Items:
        """Return the items of all deleted secrets."""
        with self._lock:
            deleted = [s for s in self._secrets.values() if s.deleted and self._is_settled(s)]
        return [self._deleted_bundle(s, "") for s in sorted(deleted, key=lambda s: s.name.lower())]

    def recover(self, name: str) -> Json:
        """Begin to recover: the name is there after a while."""
        with self._lock:
            secret = self._found_deleted(name)
            secret.deleted, secret.settled = 0.0, self._now() + self.delay
            return self._bundle(secret, secret.versions[-1])

    def purge(self, name: str) -> None:
        """Destroy a deleted secret; its name can be used after a while."""
        with self._lock:
            self._found_deleted(name)
            if self.protected:
                raise rules.is_protected()
            del self._secrets[name.lower()]
            self._purged[name.lower()] = self._now() + self.delay

    def deny(self, operation: str, name: str) -> None:
        """Refuse *operation* on *name* from now on."""
        self._secrets[name.lower()].denied.add(operation)

    def is_denied(self, operation: str, name: str) -> bool:
        """Return whether *operation* is refused on *name*."""
        secret = self._secrets.get(name.lower())
        return secret is not None and operation in secret.denied

    def last(self, name: str) -> Version | None:
        """Return the newest version of *name*, None where there is none; for tools that look behind the protocol."""
        secret = self._secrets.get(name.lower())
        return secret.versions[-1] if secret else None

    def _live(self, name: str) -> Secret:
        secret = self._secrets.get(name.lower())
        if secret is None or not self._is_there(secret):
            raise rules.not_found(name)
        return secret

    def _writable(self, name: str) -> Secret:
        folded = name.lower()
        if self._purged.get(folded, 0.0) > self._now():
            raise rules.is_being("deleted", name)
        secret = self._secrets.setdefault(folded, Secret(name=name))
        if not self._is_settled(secret):
            raise rules.is_being("deleted" if secret.deleted else "recovered", name)
        if secret.deleted:
            raise rules.is_deleted(name)
        return secret

    def _found_deleted(self, name: str) -> Secret:
        secret = self._secrets.get(name.lower())
        if secret is None or not secret.deleted or not self._is_settled(secret):
            raise rules.no_deleted(name)
        return secret

    def _version(self, secret: Secret, version: str) -> Version:
        if not version:
            return secret.versions[-1]
        found = next((each for each in secret.versions if each.id == version), None)
        if found is None:
            raise rules.not_found(f"{secret.name}/{version}")
        return found

    def _is_settled(self, secret: Secret) -> bool:
        return secret.settled <= self._now()

    def _is_there(self, secret: Secret) -> bool:
        return bool(secret.versions) and not secret.deleted and self._is_settled(secret)

    def _bundle(self, secret: Secret, version: Version, id: str | None = None) -> Json:  # noqa: A002
        level = "Recoverable" if self.protected else "Recoverable+Purgeable"
        limits = {"recoveryLevel": level, "recoverableDays": RECOVERABLE_DAYS}
        path = f"/{version.id}" if id is None else ""
        bundle: Json = {"id": f"{self.url}/secrets/{secret.name}{path}", "attributes": {**version.attributes, **limits}}
        if version.tags:
            bundle["tags"] = dict(version.tags)
        if version.content_type:
            bundle["contentType"] = version.content_type
        return bundle

    def _deleted_bundle(self, secret: Secret, id: str) -> Json:  # noqa: A002
        times = {"deletedDate": int(secret.deleted), "scheduledPurgeDate": int(secret.deleted) + RECOVERABLE_DAYS * DAY}
        recovery = {"recoveryId": f"{self.url}/deletedsecrets/{secret.name}"}
        return recovery | times | self._bundle(secret, secret.versions[-1], None if id else "")


__all__ = ["KeyVault", "Refusal", "Version"]
