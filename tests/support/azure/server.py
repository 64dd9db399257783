"""A server for the wire protocol of Azure Key Vault secrets, over TLS. It is not Microsoft's.

The real SDK talks to it, and a real ``ManagedIdentityCredential`` gets its tokens from the identity endpoint beside it.
It is as strict as the reference pages and Microsoft's published recordings say the service is: it challenges each
request without a token, checks API versions, ignores case in names, limits values, tags and pages, disables versions,
and takes time to delete, recover and purge (``rules``, ``state``). On demand it also shows the faults of the service
and the network (``faults``). It has no keys, certificates, backups or access policies, and it keeps the dates of a
secret without acting on them.
"""

import base64
import json
import re
import ssl
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import trustme

from tailorsecrets.testing.web_server import Handler, WebServer
from tests.support.azure import rules
from tests.support.azure.faults import Rule
from tests.support.azure.rules import Refusal
from tests.support.azure.state import KeyVault
from tests.support.faults import Faults

TENANT: Final = "00000000-0000-0000-0000-000000000001"
HEADER: Final = "identity-header-of-the-tests"  # what the identity endpoint wants to see
APPLICATION: Final = "00000000-0000-0000-0000-000000000002"  # whom the tokens name
LIFETIME: Final = 24 * 3600  # seconds of a token
_ROUTES: Final = (
    ("GET", r"/secrets", "list"),
    ("GET", r"/secrets/(?P<name>[^/]*)/versions", "versions"),
    ("GET", r"/secrets/(?P<name>[^/]*)/(?P<version>[^/]*)", "get"),
    ("PUT", r"/secrets/(?P<name>[^/]*)", "set"),
    ("PATCH", r"/secrets/(?P<name>[^/]*)/(?P<version>[^/]*)", "update"),
    ("DELETE", r"/secrets/(?P<name>[^/]*)", "delete"),
    ("GET", r"/deletedsecrets", "list_deleted"),
    ("GET", r"/deletedsecrets/(?P<name>[^/]*)", "get_deleted"),
    ("DELETE", r"/deletedsecrets/(?P<name>[^/]*)", "purge"),
    ("POST", r"/deletedsecrets/(?P<name>[^/]*)/recover", "recover"),
)  # GET of a current version has a slash at its end, as the SDK sends it
_LISTS: Final = {"list", "versions", "list_deleted"}
_WITH_BODY: Final = {"set", "update"}
_JSON: Final = {"Content-Type": "application/json; charset=utf-8"}


class Server:
    """A Key Vault on a loopback port; the certificate of its authority is in *folder*.

    ``arrived`` lists the (operation, name) of the requests in order, "challenge" for those without a token. ``skew`` is
    the seconds that the service's clock is ahead. ``identity_works`` and ``accepts`` switch sign-in and all tokens off
    and on.
    """

    def __init__(self, folder: Path) -> None:
        self.vault = KeyVault(self.now)
        self.faults: Faults[Rule] = Faults()
        self.arrived: list[tuple[str, str]] = []
        self.skew = 0.0
        self.identity_works = self.accepts = True
        self.issued = 0  # tokens
        self._tokens: set[str] = set()
        self.context = _context(folder)
        self._door = WebServer(_KeyVaultHandler, self, self.context)
        self._identity = WebServer(_IdentityHandler, self)
        self.authority = str(folder / "ca.pem")
        self.vault.url = f"https://{self.host}"

    @property
    def host(self) -> str:
        """Where the Key Vault listens."""
        return f"localhost:{self.port}"

    @property
    def port(self) -> int:
        """The port of the Key Vault."""
        return self._door.server_port

    @property
    def environ(self) -> Mapping[str, str]:
        """The environment variables of a machine with a managed identity."""
        address = f"http://127.0.0.1:{self._identity.server_port}"
        return {"IDENTITY_ENDPOINT": f"{address}/msi/token", "IDENTITY_HEADER": HEADER}

    def now(self) -> float:
        """Return the time by the service's clock."""
        return time.time() + self.skew

    def operations(self) -> list[str]:
        """Return the operations that were called so far."""
        return [operation for operation, _ in self.arrived]

    def issue(self) -> str:
        """Return a new token."""
        claims = {"appid": APPLICATION, "jti": uuid.uuid4().hex}
        token = f"e30.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.none"
        self._tokens.add(token)
        self.issued += 1
        return token

    def revoke(self) -> None:
        """Make all tokens that were issued so far invalid."""
        self._tokens.clear()

    def knows(self, token: str) -> bool:
        """Return whether *token* is valid."""
        return self.accepts and token in self._tokens

    def close(self) -> None:
        """Stop."""
        self.faults.recover()
        for door in (self._door, self._identity):
            door.close()


class _Handler(Handler):
    """The part that both ports share."""

    @property
    def service(self) -> Server:
        """The server that tests see."""
        server: Server = self.server.owner
        return server

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return the time on the service's clock."""
        return super().date_time_string(self.service.now() if timestamp is None else timestamp)

    def send_json(self, answer: object, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        """Answer in JSON."""
        self.answer(status, json.dumps(answer).encode(), {**_JSON, **(headers or {})})


class _IdentityHandler(_Handler):
    """The endpoint that gives a machine its tokens, as App Service has it."""

    def respond(self) -> None:
        """Give a token."""
        if self.headers.get("X-IDENTITY-HEADER") != HEADER or not self.service.identity_works:
            self.send_json({"error": "invalid_request", "error_description": "no identity"}, 400)
            return
        resource = parse_qs(urlsplit(self.path).query)["resource"][0]
        token = {"access_token": self.service.issue(), "expires_on": str(int(time.time()) + LIFETIME)}
        self.send_json(token | {"resource": resource, "token_type": "Bearer"})


class _KeyVaultHandler(_Handler):
    """The Key Vault."""

    def respond(self) -> None:
        """Do the request, or what a rule says instead."""
        body = self.body()
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        operation, names = self._route(parts.path)
        if not self._is_signed_in():
            operation = operation if self.headers.get("Authorization") else "challenge"
        name = names.get("name", "")
        self.service.arrived.append((operation, name))
        rule = self.service.faults.find(operation, name) or Rule()
        if rule.seconds or rule.hangs:
            self.service.faults.recovered.wait(None if rule.hangs else rule.seconds)
        self._reply(rule, operation, names, query, body)

    def _reply(
        self, rule: Rule, operation: str, names: Mapping[str, str], query: Mapping[str, str], body: bytes
    ) -> None:
        try:
            if rule.refusal and not rule.applied:
                raise rule.refusal
            done = {} if rule.answer and not rule.applied else self._do(operation, names, query, body)
            if rule.refusal:
                raise rule.refusal
        except Refusal as refusal:
            self.send_json({"error": refusal.error}, refusal.status, refusal.headers)
            return
        self._send(rule, 204 if operation == "purge" else 200, b"" if done is None else json.dumps(done).encode())

    def _send(self, rule: Rule, status: int, body: bytes) -> None:
        match rule.answer:
            case "reset":
                self.reset()
            case "cut":
                self.answer(status, body + b" " * 100, _JSON, sent=(len(body) + 100) // 2)
            case "html":
                self.answer(200, b"<html>Please sign in to the guest network</html>", {"Content-Type": "text/html"})
            case "empty":
                self.send_json({})
            case _:
                self.answer(status, body, _JSON)

    def _do(
        self, operation: str, names: Mapping[str, str], query: Mapping[str, str], body: bytes
    ) -> dict[str, Any] | None:
        if operation == "challenge":
            raise rules.unauthorized(TENANT)
        if not self._is_signed_in():
            raise rules.expired(TENANT)
        rules.check_api_version(query.get("api-version", ""))
        if "name" in names:
            rules.check_name(names["name"])
        if not operation:
            raise Refusal(404, "NotFound", "No HTTP resource was found that matches the request URI")
        if self.service.vault.is_denied(operation, names.get("name", "")):
            raise rules.denied(operation)
        do: Callable[..., Any] = getattr(self.service.vault, operation)
        if operation in _LISTS:
            return self._page(do(*names.values()), query)
        done: dict[str, Any] | None = do(*names.values(), *([json.loads(body)] if operation in _WITH_BODY else []))
        return done

    def _page(self, items: list[dict[str, Any]], query: Mapping[str, str]) -> dict[str, Any]:
        size, start = rules.page_size(query.get("maxresults", "")), int(query.get("$skiptoken", "0"))
        page, following = items[start : start + size], start + size
        link = f"{self.service.vault.url}{urlsplit(self.path).path}?api-version={query['api-version']}"
        more = f"{link}&$skiptoken={following}&maxresults={size}" if following < len(items) else None
        return {"value": page, "nextLink": more}

    def _route(self, path: str) -> tuple[str, Mapping[str, str]]:
        for method, pattern, operation in _ROUTES:
            found = re.fullmatch(pattern, path)
            if found and method == self.command:
                return operation, found.groupdict()
        return "", {}

    def _is_signed_in(self) -> bool:
        kind, _, token = self.headers.get("Authorization", "").partition(" ")
        return kind == "Bearer" and self.service.knows(token)


def _context(folder: Path) -> ssl.SSLContext:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    return context
