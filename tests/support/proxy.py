"""A proxy that goes wrong on demand, between a real client and a real HTTP server."""

import http.client
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.support.web_server import Handler, WebServer

WRITES = ("POST", "PUT", "PATCH", "DELETE")
HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "date"}  # headers that are not passed on


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
    """Relays to *upstream*. ``rules`` are tried in order; ``seen`` lists the (method, path) of all requests.

    ``skew`` is the seconds that the server's clock is ahead, as its answers show it.
    """

    def __init__(self, upstream: str) -> None:
        self.upstream = urlsplit(upstream).netloc
        self.rules: list[Rule] = []
        self.skew = 0.0
        self.seen: list[tuple[str, str]] = []
        self._lock = threading.Lock()
        self._server = WebServer(_Handler, self)

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._server.server_port

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
        """Stop at the end of the block."""
        try:
            yield self
        finally:
            self._server.close()


class _Handler(Handler):
    def setup(self) -> None:
        super().setup()
        self.proxy: Proxy = self.server.owner
        self.upstream = http.client.HTTPConnection(self.proxy.upstream)

    def finish(self) -> None:
        self.upstream.close()
        super().finish()

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return the time on the server's clock."""
        return super().date_time_string(time.time() + self.proxy.skew if timestamp is None else timestamp)

    def respond(self) -> None:
        """Relay one request."""
        rule = self.proxy.rule(self.command, self.path)
        body = self.body()
        time.sleep(rule.seconds)
        if rule.reset:
            self.reset()
        elif rule.status:
            self.answer(rule.status, rule.body, rule.headers)
        else:
            status, headers, answer = self._forwarded(body)
            if rule.lost:
                self.reset()
            else:
                self.answer(status, answer, headers, sent=rule.cut)

    def _forwarded(self, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        headers = {name: text for name, text in self.headers.items() if name.lower() not in HOP}
        self.upstream.request(self.command, self.path, body, headers)
        answer = self.upstream.getresponse()
        headers = {name: text for name, text in answer.getheaders() if name.lower() not in HOP}
        return answer.status, headers, answer.read()
