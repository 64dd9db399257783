"""A server between boto3 and an emulator of AWS: strict where the emulator is not, counting, and faulty on demand.

It speaks the wire protocol of Secrets Manager; the emulator behind it keeps the secrets.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

from tailorsecrets.testing.web_server import Handler, WebServer
from tests.support.faults import Faults

TARGET = "X-Amz-Target"
KEPT_BACK = {"connection", "content-length", "host", "transfer-encoding", "expect"}


class Reply(NamedTuple):
    """An answer; *status* 0 closes the connection instead, and -1 resets it."""

    status: int
    body: bytes
    headers: Mapping[str, str] = {}

    @property
    def facts(self) -> dict[str, Any]:
        """The answer as JSON."""
        facts: dict[str, Any] = json.loads(self.body or b"{}")
        return facts


class Call(NamedTuple):
    """A call on its way to the emulator."""

    op: str
    facts: Mapping[str, Any]
    headers: Mapping[str, str]

    @property
    def signs_in(self) -> bool:
        """Whether it is one of the Security Token Service."""
        return TARGET not in self.headers and "Action" in self.facts

    @property
    def login(self) -> str:
        """The access key that signed it."""
        return self.headers.get("Authorization", "").partition("Credential=")[2].partition("/")[0]

    @property
    def name(self) -> str:
        """The name of the secret, "" for none or many."""
        return str(self.facts.get("SecretId") or self.facts.get("Name") or "")

    def other(self, op: str, **facts: object) -> "Call":
        """Return another call of the same login."""
        return Call(op, facts, self.headers)


def answer(facts: Mapping[str, Any]) -> Reply:
    """Return a success."""
    return Reply(200, json.dumps(facts).encode())


def refuse(code: str, message: str = "", *, status: int = 400, headers: Mapping[str, str] | None = None) -> Reply:
    """Return a refusal in AWS's form."""
    body = json.dumps({"__type": code, "Message": message}).encode()
    return Reply(status, body, {"x-amzn-ErrorType": code, **(headers or {})})


def denied(call: Call, name: str = "") -> Reply:
    """Return IAM's refusal of a call that no policy allows."""
    action = f"secretsmanager:{call.op}"
    message = f"User: arn:aws:iam::123456789012:user/app is not authorized to perform: {action} on resource: "
    return refuse("AccessDeniedException", message + (name or "*"))


CLOSED, RESET = Reply(0, b""), Reply(-1, b"")
PAGE = Reply(200, b"<html>please sign in to the guest network</html>", {"Content-Type": "text/html"})
EXPIRED = refuse("ExpiredTokenException", "The security token included in the request is expired")

Do = Callable[[Call], Reply]
Fault = Callable[[Call, Do], Reply]


def lost(call: Call, do: Do) -> Reply:
    """Do it, and close the connection instead of answering."""
    do(call)
    return CLOSED


def cut(call: Call, do: Do) -> Reply:
    """Do it, and answer with the first half."""
    reply = do(call)
    return Reply(reply.status, reply.body[: len(reply.body) // 2], reply.headers)


def slow(seconds: float) -> Fault:
    """Wait, then do it; longer than the client waits, it hangs."""

    def fault(call: Call, do: Do) -> Reply:
        time.sleep(seconds)
        return do(call)

    return fault


def always(reply: Reply) -> Fault:
    """Answer with *reply* and do nothing."""
    return lambda _call, _do: reply


@dataclass
class Rule:
    """The fault of the next *times* calls of *op* ("" for any) on *name* ("" for any)."""

    fault: Fault
    op: str = ""
    name: str = ""
    times: float = 1

    def meets(self, operation: str, name: str) -> bool:
        """Tell whether it is about such a call, and use it up by one."""
        met = self.times > 0 and self.op in {"", operation} and self.name in {"", name}
        self.times -= met
        return met


@dataclass
class Wire:
    """The server. ``arrived`` are the calls that came in, refused ones too; *rules* are AWS's own, put before *url*."""

    url: str
    rules: Callable[[Call, Do], Reply]
    arrived: list[Call] = field(default_factory=list[Call])
    skew: float = 0.0  # seconds that AWS's clock is ahead
    _faults: Faults[Rule] = field(default_factory=Faults[Rule])

    def __post_init__(self) -> None:
        self._emulator = threading.Lock()
        self._server = WebServer(_Handler, self)
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    @property
    def counts(self) -> Counter[str]:
        """How many calls of each operation came in."""
        return Counter(call.op for call in self.arrived)

    @property
    def ops(self) -> list[str]:
        """The operations that came in, in their order."""
        return [call.op for call in self.arrived]

    def forget(self) -> None:
        """Count from zero again."""
        self.arrived.clear()

    def fail(self, fault: Fault | Reply, *, op: str = "", name: str = "", times: float = 1) -> None:
        """Let the next *times* calls of *op* on *name* meet *fault*."""
        self._faults.add(Rule(always(fault) if isinstance(fault, Reply) else fault, op, name, times))

    def heal(self) -> None:
        """Forget all faults."""
        self._faults.recover()

    def close(self) -> None:
        """Stop."""
        self._server.close()

    def take(self, call: Call) -> Reply:
        """Answer *call* through its fault, AWS's rules and the emulator."""
        self.arrived.append(call)
        rule = self._faults.find(call.op, call.name)
        return rule.fault(call, self._by_rules) if rule else self._by_rules(call)

    def _by_rules(self, call: Call) -> Reply:
        return self.rules(call, self._forward)

    def _forward(self, call: Call) -> Reply:
        headers = {name: text for name, text in call.headers.items() if name.lower() not in KEPT_BACK}
        body = urlencode(call.facts) if call.signs_in else json.dumps(call.facts)
        if not call.signs_in:
            headers[TARGET] = f"secretsmanager.{call.op}"
        with self._emulator:  # moto answers 500 if one of its threads adds a secret while another searches
            connection = HTTPConnection(urlsplit(self.url).netloc, timeout=30)
            connection.request("POST", "/", body.encode(), headers)
            response = connection.getresponse()
            answered = response.read()
            connection.close()
        return Reply(400 if response.status == 404 else response.status, answered)  # AWS has no 404


def _call(headers: Mapping[str, str], body: bytes) -> Call:
    """Read a call of Secrets Manager, or of the Security Token Service, which has a form in place of JSON."""
    if TARGET in headers:
        return Call(headers[TARGET].partition(".")[2], json.loads(body), headers)
    facts = dict(parse_qsl(body.decode()))
    return Call(facts["Action"], facts, headers)


class _Handler(Handler):
    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return the time on AWS's clock."""
        wire: Wire = self.server.owner
        return super().date_time_string(time.time() + wire.skew if timestamp is None else timestamp)

    def respond(self) -> None:
        """Take a call."""
        headers = dict(self.headers.items())
        wire: Wire = self.server.owner
        call = _call(headers, self.body())
        reply = wire.take(call)
        if reply.status > 0:
            form = "text/xml" if call.signs_in else "application/x-amz-json-1.1"
            self.answer(reply.status, reply.body, {"Content-Type": form, **reply.headers})
        elif reply.status < 0:
            self.reset()
        else:
            self.close_connection = True
