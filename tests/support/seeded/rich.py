"""A right driver of a rich store: an HTTP service with containers, versions, undelete, stamps, tags and batches."""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlencode

from tailorsecrets.driver import Caps, Driver, Entry, Problem, Stored, Target
from tailorsecrets.errors import AlreadyExists, Disabled, NotEmpty, NotFound, SecretsError, Unavailable
from tailorsecrets.kit import SignIn, as_text, http_problem, walk_pages
from tailorsecrets.secret import Secret

CAPS = Caps(
    max_name=200,
    max_bytes=2_000,
    empty=True,
    writes=True,
    lists=True,
    stats=True,
    stamps=True,
    tags=True,
    cas="full",
    versions=True,
    undelete=True,
    containers=True,
    batch=5,
)
PAGE = 10
KINDS = {"disabled": Disabled, "exists": AlreadyExists, "not-empty": NotEmpty, "missing": NotFound}


class HttpError(Exception):
    """An answer that is an error; its text is the status."""

    def __init__(self, status: int, code: str, headers: Mapping[str, str]) -> None:
        super().__init__(status)
        self.status, self.code, self.headers = status, code, headers


def is_refused(exc: Exception) -> bool:
    """Tell whether the service does not accept the token."""
    return isinstance(exc, HttpError) and exc.status == 401


class Rich(Driver):
    """One service, at the host of the target."""

    caps = CAPS

    def __init__(self, target: Target) -> None:
        self._target = target
        self._tokens = SignIn(self._sign_in, is_refused)

    def explain(self, exc: Exception, op: str) -> Problem:
        """Return the meaning of *exc*."""
        if isinstance(exc, HttpError):
            problem = http_problem(exc.status, exc.headers)
            return problem._replace(kind=KINDS.get(exc.code, problem.kind))
        if isinstance(exc, (OSError, HTTPException, json.JSONDecodeError)):
            return Problem(Unavailable, "check the network")
        return Problem(SecretsError)

    def get(self, name: str, version: str = "") -> Stored:
        """Read the value."""
        found = self._call("GET", "/secret", name=name, version=version)
        return Stored(as_text(base64.b64decode(found.pop("value"))), entry_of(found))

    def get_many(self, names: Sequence[str]) -> Mapping[str, Stored | Exception]:
        """Read values in one call."""
        answers = self._call("POST", "/batch", {"names": list(names)})["answers"]
        return {name: self._answer(answers[name]) for name in names}

    def stat(self, name: str) -> Entry:
        """Read the metadata."""
        return entry_of(self._call("GET", "/meta", name=name))

    def list(self, prefix: str, *, deleted: bool = False) -> Iterator[Entry]:
        """Yield the entries, page by page."""
        return walk_pages(lambda token: self._page("/list", token, prefix=prefix, deleted=str(int(deleted))))

    def put(
        self,
        name: str,
        value: Secret,
        *,
        expect: str | None = None,
        stamp: str = "",
        tags: Mapping[str, str] | None = None,
    ) -> Entry:
        """Write a version."""
        body = {"name": name, "expect": expect, "stamp": stamp, "tags": dict(tags or {})}
        return entry_of(self._call("PUT", "/secret", {**body, "value": encoded(value)}))

    def delete(self, name: str, *, purge: bool = False) -> None:
        """Delete, which the service also says of a missing name."""
        self._call("DELETE", "/secret", name=name, purge=str(int(purge)))

    def restore(self, name: str) -> Entry:
        """Undo a delete."""
        return entry_of(self._call("POST", "/restore", {"name": name}))

    def versions(self, name: str) -> Iterator[Entry]:
        """Yield the versions, page by page."""
        return walk_pages(lambda token: self._page("/versions", token, name=name))

    def containers(self, prefix: str) -> Iterator[Entry]:
        """Yield the containers."""
        for found in self._call("GET", "/containers", prefix=prefix)["entries"]:
            yield entry_of(found)

    def make(self, container: str, note: str) -> None:
        """Make a container."""
        self._call("PUT", "/container", {"name": container, "note": note})

    def drop(self, container: str) -> None:
        """Drop a container."""
        self._call("DELETE", "/container", name=container)

    def close(self) -> None:
        """Forget the token; no connection is kept."""
        self._tokens.forget()

    def _answer(self, found: Any) -> Stored | Exception:
        if "error" in found:
            return HttpError(found["status"], found["error"], {})
        return Stored(as_text(base64.b64decode(found.pop("value"))), entry_of(found))

    def _page(self, path: str, token: str, **query: str) -> tuple[Sequence[Entry], str]:
        found = self._call("GET", path, after=token, limit=str(PAGE), **query)
        return [entry_of(each) for each in found["entries"]], found["next"]

    def _call(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        """Return the answer to a call with the token, and with a new one where the old is refused."""
        return self._tokens.call(lambda token: self._send(method, path, body, token, query))

    def _sign_in(self) -> str:
        credentials = {"user": "app", "password": self._target.environ["RICH_PASSWORD"]}
        token: str = self._send("POST", "/login", credentials, "", {})["token"]
        return token

    def _send(self, method: str, path: str, body: Any, token: str, query: Mapping[str, str]) -> Any:
        seconds = self._target.seconds(write=method in {"PUT", "DELETE"} or path == "/restore")
        connection = HTTPConnection(self._target.host, timeout=seconds)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            connection.request(method, f"{path}?{urlencode(query)}", json.dumps(body).encode(), headers)
            answer = connection.getresponse()
            octets = answer.read()
        finally:
            connection.close()
        if answer.status >= 400:
            raise HttpError(answer.status, answer.headers.get("X-Error", ""), dict(answer.headers))
        return json.loads(octets)


def encoded(value: Secret) -> str:
    """Return the form in which a value is sent."""
    return base64.b64encode(value.reveal().encode()).decode()


def entry_of(found: Mapping[str, Any]) -> Entry:
    """Return the entry of an answer."""
    return Entry(
        name=found["name"],
        version=found["version"],
        stamp=found["stamp"],
        tags=found["tags"],
        created=datetime.fromisoformat(found["created"]),
        state=found["state"],
    )
