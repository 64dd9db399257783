"""The driver: each operation as calls of Parameter Store.

The native name ``a/b/c`` is the parameter ``/a/b/c``, a SecureString. A version is the parameter's number with the time
of its write, as in ``3@1700000000123``: the numbers begin again at 1 after a delete. It keeps no stamps: GetParameter
returns neither labels nor the description, so each read would take two calls.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError
from tailorsecrets.driver import (
    ABSENT,
    CONNECT_SECONDS,
    PRESENT,
    Caps,
    Driver,
    Entry,
    PerProcess,
    Problem,
    Stored,
    Target,
)
from tailorsecrets.errors import NotFound, Unsupported
from tailorsecrets.kit import walk_pages
from tailorsecrets.secret import Secret

from tailorsecrets_ssm.errors import explain
from tailorsecrets_ssm.log_filter import quiet

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

CAPS: Final = Caps(
    max_name=900,
    max_bytes=4_096,
    writes=True,
    lists=True,
    stats=True,
    cas="create",
    versions=True,
    batch=10,
)
_ADVANCED_BYTES: Final = 8_192
_PAGE: Final = 10  # the most that GetParametersByPath gives
_HISTORY_PAGE: Final = 50


class ParameterStore(Driver):
    """The parameters of one account in one region."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._advanced = target.options.get("tier") == "advanced"
        self.caps = replace(CAPS, max_bytes=_ADVANCED_BYTES) if self._advanced else CAPS
        self._clients = PerProcess(lambda: _client(target))

    @property
    def client(self) -> "SSMClient":
        """The client of this process; it signs in at its first call."""
        return self._clients.get()

    @quiet
    def get(self, name: str, version: str = "") -> Stored:
        """Return the decrypted value."""
        return _stored(self._parameter(name, version, decrypt=True))

    @quiet
    def get_many(self, names: Sequence[str]) -> Mapping[str, Stored | Exception]:
        """Read up to 10 in one call; the service names those that are missing."""
        answer = self.client.get_parameters(Names=[f"/{name}" for name in names], WithDecryption=True)
        found = {stored.entry.name: stored for stored in map(_stored, _part(answer, "Parameters"))}
        missing = {name.removeprefix("/"): NotFound() for name in _part(answer, "InvalidParameters")}
        return {**missing, **found}

    @quiet
    def stat(self, name: str) -> Entry:
        """Read it without decryption, for which the right to use the KMS key is not needed."""
        return _entry(self._parameter(name, "", decrypt=False))

    def list(self, prefix: str, *, deleted: bool = False) -> Iterator[Entry]:
        """List the path above the end of *prefix*, 10 a page, without decryption."""
        if deleted:
            raise Unsupported
        path = f"/{prefix.rpartition('/')[0]}"

        @quiet
        def page(token: str) -> tuple[Iterable[Any], str | None]:
            more: dict[str, Any] = {"NextToken": token} if token else {}
            answer = self.client.get_parameters_by_path(Path=path, Recursive=True, MaxResults=_PAGE, **more)
            return _part(answer, "Parameters"), answer.get("NextToken")

        return (entry for entry in map(_entry, walk_pages(page)) if entry.name.startswith(prefix))

    @quiet
    def put(
        self,
        name: str,
        value: Secret,
        *,
        expect: str | None = None,
        stamp: str = "",
        tags: Mapping[str, str] | None = None,
    ) -> Entry:
        """Write a version, or create the parameter; the core compares versions, so *expect* is never one."""
        if expect not in {None, ABSENT, PRESENT} or stamp or tags:
            raise Unsupported
        key = self._target.options.get("kms_key_id")
        options: dict[str, Any] = {"KeyId": key} if key else {}
        if self._advanced:
            options["Tier"] = "Advanced"
        answer = self.client.put_parameter(
            Name=f"/{name}", Value=value.reveal(), Type="SecureString", Overwrite=expect != ABSENT, **options
        )
        number = str(_part(answer, "Version"))
        with suppress(ClientError):  # the write is done, even if the login may not read it
            return _entry(self._parameter(name, number, decrypt=False))
        return Entry(name=name, version=number)

    @quiet
    def delete(self, name: str, *, purge: bool = False) -> None:
        """Delete it for good, with all versions."""
        with suppress(self.client.exceptions.ParameterNotFound):
            self.client.delete_parameter(Name=f"/{name}")

    def versions(self, name: str) -> Iterator[Entry]:
        """Yield the last 100 versions; the service gives them oldest first."""

        @quiet
        def page(token: str) -> tuple[Iterable[Any], str | None]:
            more: dict[str, Any] = {"NextToken": token} if token else {}
            answer = self.client.get_parameter_history(Name=f"/{name}", MaxResults=_HISTORY_PAGE, **more)
            return _part(answer, "Parameters"), answer.get("NextToken")

        yield from reversed([_entry(item) for item in walk_pages(page)])

    def explain(self, exc: Exception, op: str) -> Problem:
        """Look *exc* up in the tables of ``errors``."""
        return explain(exc)

    def close(self) -> None:
        """Close the client's connections; the next call makes another client."""
        client = self._clients.drop()
        if client is not None:
            client.close()

    def _parameter(self, name: str, version: str, *, decrypt: bool) -> Mapping[str, Any]:
        """Return the parameter as it is now, or its *version*; a version from before a delete is missing."""
        number, _, written = version.partition("@")
        if version and not number.isdecimal():
            raise NotFound
        which = f"/{name}:{number}" if number else f"/{name}"
        answer = self.client.get_parameter(Name=which, WithDecryption=decrypt)
        parameter: Mapping[str, Any] = _part(answer, "Parameter")
        if written and _entry(parameter).version != version:
            raise NotFound
        return parameter


def _client(target: Target) -> "SSMClient":
    """Return a client without retries: the core retries within the time of the operation."""
    session = boto3.Session(profile_name=target.options.get("profile"), region_name=target.host or None)
    config = Config(
        connect_timeout=min(CONNECT_SECONDS, target.timeout / 3),
        read_timeout=target.timeout / 3,
        retries={"total_max_attempts": 1},
        max_pool_connections=32,
    )
    return session.client("ssm", endpoint_url=target.options.get("endpoint_url"), config=config)


def _part(answer: Mapping[str, Any], part: str) -> Any:
    """Return a part of an answer; botocore makes an empty one of a body that was cut off."""
    if part not in answer:
        raise ResponseParserError(f"the answer has no {part}")
    return answer[part]


def _stored(parameter: Mapping[str, Any]) -> Stored:
    return Stored(Secret(parameter["Value"]), _entry(parameter))


def _entry(parameter: Mapping[str, Any]) -> Entry:
    """Return the entry of a parameter from any answer."""
    written: datetime = parameter["LastModifiedDate"]
    version = f"{parameter['Version']}@{round(written.timestamp() * 1000)}"
    return Entry(name=parameter["Name"].removeprefix("/"), version=version, updated=written)
