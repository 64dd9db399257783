"""A proxy that fails on demand, between a real HTTP client and a real server, and the backdoor's abilities with it."""

import http.client
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import ClassVar, Final
from urllib.parse import urlsplit

from tailorsecrets.testing.backdoor import Backdoor
from tailorsecrets.testing.fuse import http_fuse
from tailorsecrets.testing.web_server import Handler, WebServer

WRITES: Final = ("POST", "PUT", "PATCH", "DELETE")
_HOP: Final = {"connection", "keep-alive", "transfer-encoding", "content-length", "date"}  # headers not passed on
_JSON: Final = {"Content-Type": "application/json"}
_KEPT: Final = 2_000  # answers that a proxy remembers


@dataclass
class Rule:
    """What happens to some requests.

    - ``methods``: those it is about; none: all
    - ``path``: a text in their path; "": any
    - ``after``: requests that it lets pass first
    - ``times``: requests that it is good for
    - ``seconds``: a delay, before anything else
    - ``status``, ``headers``, ``body``: an answer instead of the server's, which never sees the request; status 0: none
    - ``reset``: the connection is reset before the server sees the request
    - ``hangs``: nothing is answered until ``Proxy.recover``, and the server never sees the request
    - ``lost``: the server does it, and the connection is reset instead of an answer
    - ``cut``: bytes of the server's answer that are sent before the connection ends; below 0: counted from its end
    """

    methods: Sequence[str] = ()
    path: str = ""
    times: float = float("inf")
    seconds: float = 0.0
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""
    reset: bool = False
    hangs: bool = False
    lost: bool = False
    cut: int | None = None
    after: int = 0

    def meets(self, method: str, path: str) -> bool:
        """Tell whether the request falls under this rule."""
        return self.times > 0 and (not self.methods or method in self.methods) and self.path in path


class Proxy:
    """Relays HTTP to *upstream*, the URL of a server without TLS, on a free port of this machine.

    ``rules`` are tried in order, and the first that a request meets applies. ``seen`` lists the (method, path) of all
    requests; ``answers`` the bodies of the last answers of the server, and ``logins`` the texts with which clients
    signed in: the values of the headers named in *login_headers*. ``skew`` is the seconds that the server's clock is
    ahead, as its answers show it.
    """

    def __init__(
        self, upstream: str, *, login_headers: Sequence[str] = ("Authorization", "X-Vault-Token", "X-Api-Key")
    ) -> None:
        self.upstream = urlsplit(upstream).netloc
        self.rules: list[Rule] = []
        self.skew = 0.0
        self.seen: list[tuple[str, str]] = []
        self.answers: list[bytes] = []
        self.logins: set[str] = set()
        self.login_headers = login_headers
        self.recovered = threading.Event()
        self._lock = threading.Lock()
        self._server = WebServer(_Relay, self)

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
            if found.after > 0:
                found.after -= 1
                return Rule()
            found.times -= 1
            return found

    def note(self, answer: bytes) -> None:
        """Keep the body of an answer."""
        with self._lock:
            self.answers = [*self.answers[-_KEPT:], answer]

    def recover(self) -> None:
        """Drop all rules, and end the connections that hang."""
        self.rules.clear()
        self.recovered.set()
        self.recovered = threading.Event()

    def close(self) -> None:
        """Stop."""
        self.recover()
        self._server.close()

    @contextmanager
    def running(self) -> Generator["Proxy"]:
        """Stop at the end of the block."""
        try:
            yield self
        finally:
            self.close()


class HttpBackdoor(Backdoor):
    """The abilities of a backdoor that a proxy has at any HTTP store; a subclass adds ``write``, ``read`` and more.

    *proxy* is between the driver under test and the store; the backdoor itself talks to the store. The answers of the
    faults are class attributes: replace those that look otherwise at the store. ``write_methods`` are the methods with
    which the store writes.
    """

    write_methods: ClassVar[Sequence[str]] = WRITES
    expired: ClassVar[Rule] = Rule(status=401, headers=_JSON, body=b'{"error": "the token has expired"}')
    forbidden: ClassVar[Rule] = Rule(status=403, headers=_JSON, body=b'{"error": "permission denied"}')
    too_many: ClassVar[Rule] = Rule(status=429, headers=_JSON, body=b'{"error": "too many requests"}')

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        self._fuse = http_fuse(proxy.port)

    def unreachable(self) -> None:
        """Reset every connection."""
        self._add(Rule(reset=True))

    def hang(self) -> None:
        """Accept every request, and answer none."""
        self._add(Rule(hangs=True))

    def expire_login(self) -> None:
        """Answer as the store does for an expired login."""
        self._add(self.expired)

    def forbid(self) -> None:
        """Answer as the store does for a login without any right."""
        self._add(self.forbidden)

    def throttle(self, times: int) -> None:
        """Answer that there are too many requests."""
        self._add(self.too_many, times=times)

    def fail_after(self, calls: int) -> None:
        """Reset every connection after *calls* more requests."""
        self._add(Rule(reset=True), after=calls)

    def lose_answers(self) -> None:
        """Reset the connection when a write is done."""
        self._add(Rule(methods=self.write_methods, lost=True))

    def cut_answers(self) -> None:
        """End each connection one byte before the end of the answer."""
        self._add(Rule(cut=-1))

    def crash(self, *, after: int) -> None:
        """Die before the request that follows the next *after*; it works for clients on ``http.client``."""
        self._fuse.left = after

    def calls(self) -> int:
        """Return how many requests came in."""
        return len(self.proxy.seen)

    def answers(self) -> Sequence[bytes]:
        """Return the bodies of the answers since the last call."""
        answers, self.proxy.answers = self.proxy.answers, []
        return answers

    def credentials(self) -> Sequence[str]:
        """Return the texts that signed the driver in."""
        return sorted(self.proxy.logins)

    def recover(self) -> None:
        """End all faults."""
        self.proxy.recover()
        self._fuse.left = None

    def _add(self, rule: Rule, *, times: float = float("inf"), after: int = 0) -> None:
        self.proxy.rules.append(replace(rule, times=times, after=after))


class _Relay(Handler):
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
        recovered, rule = self.proxy.recovered, self.proxy.rule(self.command, self.path)
        self.proxy.logins.update(filter(None, map(self.headers.get, self.proxy.login_headers)))
        body = self.body()
        if rule.hangs or rule.seconds:
            recovered.wait(None if rule.hangs else rule.seconds)
        if rule.reset or rule.hangs:
            self.reset()
        elif rule.status:
            self.answer(rule.status, rule.body, rule.headers)
        else:
            self._relay(rule, body)

    def _relay(self, rule: Rule, body: bytes) -> None:
        status, headers, answer = self._forwarded(body)
        if rule.lost:
            self.reset()
            return
        self.proxy.note(answer)
        self.answer(status, answer, headers, sent=rule.cut)

    def _forwarded(self, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        headers = {name: text for name, text in self.headers.items() if name.lower() not in _HOP}
        self.upstream.request(self.command, self.path, body, headers)
        answer = self.upstream.getresponse()
        headers = {name: text for name, text in answer.getheaders() if name.lower() not in _HOP}
        return answer.status, headers, answer.read()
