"""The calls of one operation, all within one budget. Each raises the exceptions of the SDK."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeVar, cast

import google_crc32c
from google.api_core.exceptions import Unauthenticated
from google.cloud.secretmanager_v1.types import (
    ListSecretsResponse,
    ListSecretVersionsResponse,
    Secret,
    SecretVersion,
)

from tailorsecrets.kit import again_after_login, walk_pages
from tailorsecrets.secret import Secret as Value
from tailorsecrets_gcp.client import Connection, Session
from tailorsecrets_gcp.retry import Retry
from tailorsecrets_gcp.versions import number_of

R = TypeVar("R")
P = TypeVar("P", ListSecretsResponse, ListSecretVersionsResponse)

PAGE: Final = 25_000  # the most that Google takes
LATEST: Final = "latest"  # the newest version, enabled or not


class Calls:
    """The calls of one operation on *connection*, in *seconds* in all."""

    def __init__(self, connection: Connection, seconds: float) -> None:
        self._connection, self._retry = connection, Retry(seconds)
        self.options, self.budget = connection.options, self._retry.budget

    def access(self, name: str, version: str) -> tuple[int, Value | str]:
        """Return the number of *version* and its value, or a text that says why the value cannot be read."""
        found = self._accessed(name, version)
        return number_of(found.name), _text(found.payload)

    def number(self, name: str) -> int:
        """Return the number of the newest version, if that is enabled; the value that comes with it is dropped."""
        return number_of(self._accessed(name, LATEST).name)

    def secret(self, name: str) -> Secret:
        """Return the secret: its annotations and its etag."""
        return self._do(Secret, "get_secret", name=self._secret(name))

    def secrets(self, prefix: str) -> Iterator[Secret]:
        """List all secrets under *prefix*, and others: the filter finds a part of a name at any place."""
        sought = prefix.lstrip("-")  # a hyphen in front would mean "not"
        only = f"name:{sought}" if sought else ""
        for page in self._pages(ListSecretsResponse, "list_secrets", parent=self.options.parent, filter=only):
            yield from page.secrets

    def newest(self, name: str) -> SecretVersion | None:
        """Return the metadata of the newest version, enabled or not, None where there is none."""
        page = self._do(ListSecretVersionsResponse, "list_secret_versions", parent=self._secret(name), page_size=1)
        return next(iter(page.versions), None)

    def version(self, name: str, number: int) -> SecretVersion:
        """Return the metadata of a version."""
        return self._do(SecretVersion, "get_secret_version", name=f"{self._secret(name)}/versions/{number}")

    def versions(self, name: str, only: str = "") -> Iterator[SecretVersion]:
        """List the versions that pass the filter *only*, newest first."""
        parent = self._secret(name)
        for page in self._pages(ListSecretVersionsResponse, "list_secret_versions", parent=parent, filter=only):
            yield from page.versions

    def create(self, name: str, annotations: Mapping[str, str]) -> Secret:
        """Create a secret without a version."""
        request = {"parent": self.options.parent, "secret_id": name, "secret": self.options.new_secret(annotations)}
        return self._do(Secret, "create_secret", idempotent=False, **request)

    def add(self, name: str, value: Value) -> SecretVersion:
        """Add a version. Google offers no safe way to send one twice, so it is sent once."""
        octets = value.reveal().encode()
        request = {"parent": self._secret(name), "payload": {"data": octets, "data_crc32c": _checksum(octets)}}
        return SecretVersion(self._do(object, "add_secret_version", idempotent=False, **request))

    def annotate(self, secret: Secret, annotations: Mapping[str, str]) -> Secret:
        """Replace the annotations of *secret*, unless they have changed since it was read."""
        body = {"name": secret.name, "etag": secret.etag, "annotations": dict(annotations)}
        return self._do(Secret, "update_secret", secret=body, update_mask={"paths": ["annotations"]})

    def enable(self, version: str) -> None:
        """Enable a version, given by its resource name."""
        self._do(SecretVersion, "enable_secret_version", name=version)

    def disable(self, version: str) -> None:
        """Disable a version."""
        self._do(SecretVersion, "disable_secret_version", name=version)

    def destroy(self, version: str) -> None:
        """Destroy the value of a version."""
        self._do(SecretVersion, "destroy_secret_version", name=version)

    def delete(self, name: str) -> None:
        """Delete a secret with all its versions, for good."""
        self._do(Secret, "delete_secret", name=self._secret(name))

    def _accessed(self, name: str, version: str) -> Any:
        return self._do(object, "access_secret_version", name=f"{self._secret(name)}/versions/{version}")

    def _secret(self, name: str) -> str:
        return f"{self.options.parent}/secrets/{name}"

    def _pages(self, answer: type[P], method: str, **request: Any) -> Iterator[P]:
        def page(token: str) -> tuple[list[P], str]:
            found = self._do(answer, method, page_size=PAGE, page_token=token, **request)
            return [found], found.next_page_token

        return walk_pages(page)

    def _do(self, answer: type[R], method: str, *, idempotent: bool = True, **request: Any) -> R:
        """Return the *answer* of *method*; a token that the service refuses is replaced once."""
        del answer  # only for its type
        return again_after_login(
            self._connection.session,
            lambda session: cast("R", self._once(session, method, request, idempotent=idempotent)),
            lambda exc: isinstance(exc, Unauthenticated),  # so nothing was done
            Session.forget_token,
        )

    def _once(self, session: Session, method: str, request: Mapping[str, Any], *, idempotent: bool) -> object:
        if session.login is not None:
            session.login.make_ready(self.budget)
        return self._retry.call(session.method(method), request, idempotent=idempotent)


def _text(payload: Any) -> Value | str:
    """Return the value of *payload*, or why there is none: an exception raised here would show the payload."""
    octets: bytes = payload.data
    if payload.HasField("data_crc32c") and _checksum(octets) != payload.data_crc32c:
        return "the value does not match its checksum"
    try:
        return Value(octets.decode())
    except UnicodeDecodeError:
        return "the value is not UTF-8"


def _checksum(octets: bytes) -> int:
    return int(cast("Any", google_crc32c).value(octets))
