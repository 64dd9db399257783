"""What tests of webhooks need: a web server that records what arrives, and a manager with secrets in memory."""

import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import trustme

from tailorsecrets import SecretManager, define_secret_manager
from tailorsecrets.secret import Secret
from tailorsecrets.store.store import Store
from tailorsecrets.testing.memory import Memory

BACKENDS = ["asyncio", "trio"]
CANARY = "canary-value"


@dataclass
class Arrived:
    """A request as it came over the wire."""

    method: str
    path: str
    headers: dict[str, str]  # names in lower case
    body: bytes


@dataclass
class Recorder:
    """A server at *url*. It answers with the next of *replies*, (status, headers), and then always with 200."""

    url: str
    arrived: list[Arrived] = field(default_factory=list[Arrived])
    replies: list[tuple[int, dict[str, str]]] = field(default_factory=list[tuple[int, dict[str, str]]])

    @property
    def last(self) -> Arrived:
        """What arrived last."""
        return self.arrived[-1]

    def fail(self, *statuses: int) -> None:
        """Answer with *statuses* first; 0 breaks the connection off."""
        self.replies += [(status, {}) for status in statuses]


@contextmanager
def recorder(*, tls: bool = False) -> Iterator[Recorder]:
    """Run a server on this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    if tls:
        server.socket = _server_context().wrap_socket(server.socket, server_side=True)
    record = Recorder(f"{'https' if tls else 'http'}://localhost:{server.server_port}")
    server.RequestHandlerClass = _answering(record)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield record
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def trusting() -> ssl.SSLContext:
    """Return a TLS context of a client that trusts the servers."""
    context = ssl.create_default_context()
    _authority().configure_trust(context)
    return context


def manager(values: Mapping[str, str], *, driver: Memory | None = None) -> SecretManager:
    """Return a manager of the vault ``api-keys`` with *values* in it; ``missing`` is declared but not there."""
    store = stored(values, driver)
    declared = define_secret_manager({"api-keys": dict.fromkeys([*values, "missing"])})
    return declared.connect(store=lambda: store)


def stored(values: Mapping[str, str], driver: Memory | None = None) -> Store:
    """Return a store with *values* in the vault ``api-keys``."""
    store = Store(driver or Memory())
    store.create_vault("api-keys")
    for name, value in values.items():
        store.create_secret("api-keys", name, Secret(value))
    return store


@cache
def _authority() -> trustme.CA:
    return trustme.CA()


def _server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _authority().issue_cert("localhost").configure_cert(context)
    return context


def _answering(record: Recorder) -> type[BaseHTTPRequestHandler]:
    class Answering(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", 0)))
            record.arrived.append(Arrived(self.command, self.path, headers, body))
            status, more = record.replies.pop(0) if record.replies else (200, {})
            if status:
                self.send_response(status)
                for name, value in {"Content-Length": "0", "Connection": "close", **more}.items():
                    self.send_header(name, value)
                self.end_headers()
            self.close_connection = True

        do_POST = do_GET  # noqa: N815  # the name that http.server looks for

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # of the base class
            pass

    return Answering
