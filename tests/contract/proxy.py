"""A proxy that goes wrong on demand, between a real client and a real HTTP server."""

import http.client
import socket
import struct
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

WRITES = ("POST", "PUT", "PATCH", "DELETE")
HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}  # headers of one connection alone


@dataclass
class Rule:
    """What happens to the next *times* requests of *methods* whose path contains *path*."""

    methods: tuple[str, ...] = ()  # none: all
    path: str = ""
    times: float = float("inf")
    seconds: float = 0.0  # to wait before anything else
    status: int = 0  # of an answer that the server never sees; 0: the server answers
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    reset: bool = False  # the connection is reset before the server sees the request
    lost: bool = False  # the server does it, and its answer is never sent
    cut: int | None = None  # bytes of the server's answer that are sent before the connection ends

    def meets(self, method: str, path: str) -> bool:
        """Tell whether the request falls under this rule."""
        return self.times > 0 and (not self.methods or method in self.methods) and self.path in path


class Proxy:
    """Relays to *upstream*. ``rules`` are tried in order; ``seen`` lists the (method, path) of all requests."""

    def __init__(self, upstream: str) -> None:
        self.upstream = urlsplit(upstream).netloc
        self.rules: list[Rule] = []
        self.seen: list[tuple[str, str]] = []
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """The address for clients."""
        return f"http://127.0.0.1:{self.port}"

    def rule(self, method: str, path: str) -> Rule:
        """Note a request, and return the rule that it falls under, which is used up by one."""
        with self._lock:
            self.seen.append((method, path))
            found = next((rule for rule in self.rules if rule.meets(method, path)), Rule())
            found.times -= 1
            return found

    @contextmanager
    def running(self) -> Iterator["Proxy"]:
        """Run in a thread."""
        thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    proxy: Proxy

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that break off are what is tested."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65536

    def setup(self) -> None:
        super().setup()
        self.upstream = http.client.HTTPConnection(self.server.proxy.upstream)

    def finish(self) -> None:
        self.upstream.close()
        with suppress(OSError):
            super().finish()

    def relay(self) -> None:
        """Answer one request."""
        rule = self.server.proxy.rule(self.command, self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        time.sleep(rule.seconds)
        if rule.reset:
            self._reset()
        elif rule.status:
            self._send(rule.status, rule.headers, rule.body)
        else:
            status, headers, answer = self._forwarded(body)
            if rule.lost:
                self._reset()
            else:
                self._send(status, headers, answer, rule.cut)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_LIST = do_HEAD = relay  # noqa: N815 - as the base calls them

    def _forwarded(self, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        headers = {name: text for name, text in self.headers.items() if name.lower() not in HOP}
        self.upstream.request(self.command, self.path, body, headers)
        answer = self.upstream.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()

    def _send(self, status: int, headers: Mapping[str, str], body: bytes, cut: int | None = None) -> None:
        self.send_response(status)
        for name, text in headers.items():
            if name.lower() not in HOP:
                self.send_header(name, text)
        if status != http.HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:cut])
        self.wfile.flush()
        self.close_connection = cut is not None

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as the base calls it
        """Say nothing."""
