"""The service of the rich driver, and the other tool at it."""

import base64
import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tailorsecrets.driver import Entry
from tailorsecrets.errors import (
    AlreadyExists,
    Conflict,
    Corrupt,
    Denied,
    Disabled,
    NotEmpty,
    NotFound,
    SecretsError,
    Unauthenticated,
)
from tailorsecrets.secret import Secret
from tailorsecrets.testing.memory import WITH_CONTAINERS, Memory
from tailorsecrets.testing.proxy import HttpBackdoor, Proxy
from tailorsecrets.testing.server import MemoryBackdoor, Server
from tailorsecrets.testing.web_server import Handler, WebServer

PASSWORD = "password-of-the-app"
STATUSES: Mapping[type[SecretsError], tuple[int, str]] = {
    NotFound: (404, "missing"),
    Denied: (403, "denied"),
    Disabled: (403, "disabled"),
    AlreadyExists: (409, "exists"),
    NotEmpty: (409, "not-empty"),
    Conflict: (412, "conflict"),
    Unauthenticated: (401, "login"),
}


class Service:
    """The service on a free port; its contents are those of a memory server."""

    def __init__(self) -> None:
        self.contents = Server()
        self.memory = Memory(caps=replace(WITH_CONTAINERS, max_bytes=2_000, max_name=200), server=self.contents)
        self.tokens: set[str] = set()
        self._server = WebServer(_Handler, self)

    @property
    def url(self) -> str:
        """The address."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        """Stop."""
        self._server.close()


class ServiceBackdoor(HttpBackdoor):
    """Another tool at the contents of *service*; the driver's wire leads through *proxy*."""

    def __init__(self, service: Service, proxy: Proxy) -> None:
        super().__init__(proxy)
        self._other = MemoryBackdoor(service.contents)

    def write(self, name: str, text: str) -> None:
        """Write past the wire."""
        self._other.write(name, text)

    def read(self, name: str) -> str:
        """Read past the wire."""
        return self._other.read(name)

    def write_bytes(self, name: str, octets: bytes) -> None:
        """Store *octets*."""
        self._other.write_bytes(name, octets)

    def bare(self, name: str) -> None:
        """Make *name* without a value."""
        self._other.bare(name)

    def disable(self, name: str) -> None:
        """Disable *name*."""
        self._other.disable(name)

    def deny(self, name: str) -> None:
        """Forbid to read *name*."""
        self._other.deny(name)

    def deny_purge(self, name: str) -> None:
        """Forbid to purge *name*."""
        self._other.deny_purge(name)

    def edit_tags(self, name: str, tags: Mapping[str, str]) -> None:
        """Add *tags*."""
        self._other.edit_tags(name, tags)

    def rollback(self, name: str, version: str) -> None:
        """Write an old value again."""
        self._other.rollback(name, version)

    def expire_versions(self, name: str) -> None:
        """Keep the current version alone."""
        self._other.expire_versions(name)


class _Handler(Handler):
    def respond(self) -> None:
        """Answer one request."""
        service: Service = self.server.owner
        parts = urlsplit(self.path)
        query: dict[str, Any] = dict(parse_qsl(parts.query, keep_blank_values=True))
        octets = self.body()
        given = query | (json.loads(octets) or {} if octets else {})
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        try:
            if parts.path != "/login" and token not in service.tokens:
                raise Unauthenticated
            self._send(200, _ROUTES[self.command, parts.path](service, given))
        except SecretsError as exc:
            status, code = STATUSES.get(type(exc), (400, "wrong"))
            self._send(status, {}, code)

    def _send(self, status: int, answer: object, code: str = "") -> None:
        headers = {"Content-Type": "application/json", "X-Error": code}
        self.answer(status, json.dumps(answer).encode(), headers)


def _login(service: Service, given: Mapping[str, Any]) -> object:
    if given["password"] != PASSWORD:
        raise Unauthenticated
    token = uuid.uuid4().hex
    service.tokens.add(token)
    return {"token": token}


def _get(service: Service, given: Mapping[str, Any]) -> object:
    secret = service.contents.find(given["name"])
    version = secret.readable(given["version"])
    content = version.content
    octets = content.reveal().encode() if isinstance(content, Secret) else content
    return {**_shown(secret.entry(given["name"], version)), "value": base64.b64encode(octets).decode()}


def _batch(service: Service, given: Mapping[str, Any]) -> object:
    if len(given["names"]) > 5:
        raise Corrupt
    answers: dict[str, object] = {}
    for name in given["names"]:
        try:
            answers[name] = _get(service, {"name": name, "version": ""})
        except SecretsError as exc:
            status, code = STATUSES[type(exc)]
            answers[name] = {"error": code, "status": status}
    return {"answers": answers}


def _put(service: Service, given: Mapping[str, Any]) -> object:
    value = Secret(base64.b64decode(given["value"]).decode())
    options = {"expect": given["expect"], "stamp": given["stamp"], "tags": given["tags"]}
    return _shown(service.memory.put(given["name"], value, **options))


def _delete(service: Service, given: Mapping[str, Any]) -> object:
    service.memory.delete(given["name"], purge=given["purge"] == "1")
    return {}


def _drop(service: Service, given: Mapping[str, Any]) -> object:
    service.memory.drop(given["name"])
    return {}


def _make(service: Service, given: Mapping[str, Any]) -> object:
    service.memory.make(given["name"], given["note"])
    return {}


def _page(entries: Iterator[Entry], given: Mapping[str, Any]) -> object:
    found, start = list(entries), int(given.get("after") or 0)
    end = start + int(given.get("limit") or len(found) or 1)
    shown = [_shown(entry) for entry in found[start:end]]
    return {"entries": shown, "next": str(end) if end < len(found) else ""}


def _shown(entry: Entry) -> dict[str, Any]:
    created = entry.created.isoformat() if entry.created else ""
    fields = {"name": entry.name, "version": entry.version, "stamp": entry.stamp, "state": entry.state}
    return {**fields, "tags": dict(entry.tags), "created": created}


_ROUTES: Mapping[tuple[str, str], Callable[[Service, Mapping[str, Any]], object]] = {
    ("POST", "/login"): _login,
    ("GET", "/secret"): _get,
    ("GET", "/meta"): lambda service, given: _shown(service.memory.stat(given["name"])),
    ("POST", "/batch"): _batch,
    ("GET", "/list"): lambda service, given: _page(
        service.memory.list(given["prefix"], deleted=given["deleted"] == "1"), given
    ),
    ("PUT", "/secret"): _put,
    ("DELETE", "/secret"): _delete,
    ("POST", "/restore"): lambda service, given: _shown(service.memory.restore(given["name"])),
    ("GET", "/versions"): lambda service, given: _page(service.memory.versions(given["name"]), given),
    ("GET", "/containers"): lambda service, given: _page(service.memory.containers(given["prefix"]), given),
    ("PUT", "/container"): _make,
    ("DELETE", "/container"): _drop,
}
