"""What plugin authors test HTTP stores with: a proxy that fails on demand, and a server process on a free port."""

import http.client
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tailorsecrets.testing.faults import Crash
from tailorsecrets.testing.proxy import HttpBackdoor, Proxy, Rule
from tailorsecrets.testing.serving import NotStarted, free_port, serving
from tailorsecrets.testing.web_server import Handler, WebServer

LONG = 5.0  # seconds, which no test waits
SERVER = """
import http.server, sys
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).serve_forever()
"""


class Echo(Handler):
    """Answers with the method and what it got; ``owner`` lists what arrived."""

    def respond(self) -> None:
        """Answer."""
        body = self.body()
        self.server.owner.append(self.command)
        self.answer(200, self.command.encode() + b" " + body, {"Content-Type": "text/plain"})


class Tool(HttpBackdoor):
    """A backdoor with the faults of the wire alone."""

    def write(self, name: str, text: str) -> None:
        """Write nothing."""

    def read(self, name: str) -> str:
        """Read nothing."""
        return ""


@pytest.fixture
def arrived() -> list[str]:
    """Return what the server has seen."""
    return []


@pytest.fixture
def tool(arrived: list[str]) -> Iterator[Tool]:
    """Return the backdoor of a proxy in front of a server."""
    server = WebServer(Echo, arrived)
    with Proxy(f"http://127.0.0.1:{server.server_port}").running() as proxy:
        yield Tool(proxy)
    server.close()


def send(tool: Tool, method: str = "GET", timeout: float = LONG) -> tuple[int, bytes]:
    """Return the status and the body of an answer through the proxy."""
    connection = http.client.HTTPConnection("127.0.0.1", tool.proxy.port, timeout=timeout)
    try:
        connection.request(method, "/path?query=1", b"body", {"Authorization": "Bearer token-of-the-test"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_without_a_fault_it_relays(tool: Tool, arrived: list[str]) -> None:
    """Requests and answers pass as they are; the backdoor knows their number, the answers and the login."""
    assert send(tool, "PUT") == (200, b"PUT body")
    assert (tool.calls(), arrived, tool.proxy.seen) == (1, ["PUT"], [("PUT", "/path?query=1")])
    assert [*tool.answers(), *tool.answers()] == [b"PUT body"]
    assert tool.credentials() == ["Bearer token-of-the-test"]


@pytest.mark.parametrize(
    ("fault", "status"), [("expire_login", 401), ("forbid", 403)], ids=["expired login", "without rights"]
)
def test_answers_of_faults(tool: Tool, arrived: list[str], fault: str, status: int) -> None:
    """The login faults are answers that the server never sees, until recover."""
    getattr(tool, fault)()
    assert [send(tool)[0], send(tool)[0], arrived] == [status, status, []]
    tool.recover()
    assert send(tool)[0] == 200


def test_throttled_some_times(tool: Tool) -> None:
    """The given number of requests is refused as too many."""
    tool.throttle(2)
    assert [send(tool)[0] for _ in range(3)] == [429, 429, 200]


@pytest.mark.parametrize("calls", [0, 1, 2])
def test_unreachable_after_some_calls(tool: Tool, calls: int) -> None:
    """The given number of requests passes, and every one after them is reset."""
    tool.fail_after(calls)
    for _ in range(calls):
        assert send(tool)[0] == 200
    for _ in range(2):
        with pytest.raises(ConnectionError):
            send(tool)


def test_lost_answer(tool: Tool, arrived: list[str]) -> None:
    """A write is done and not answered; a read is answered."""
    tool.lose_answers()
    with pytest.raises(ConnectionError):
        send(tool, "PUT")
    assert (send(tool)[0], arrived) == (200, ["PUT", "GET"])


def test_cut_answer(tool: Tool) -> None:
    """An answer ends one byte early, which the client sees."""
    tool.cut_answers()
    with pytest.raises(http.client.IncompleteRead):
        send(tool)


def test_hanging(tool: Tool, arrived: list[str]) -> None:
    """A request is accepted and never answered; recover ends it."""
    tool.hang()
    start = time.monotonic()
    with pytest.raises(TimeoutError):
        send(tool, timeout=0.05)
    assert time.monotonic() - start < LONG
    assert arrived == []


def test_crash(tool: Tool) -> None:
    """The process dies before the request that follows the given number."""
    tool.crash(after=1)
    assert send(tool)[0] == 200
    with pytest.raises(Crash):
        send(tool)
    tool.recover()
    assert send(tool)[0] == 200


def test_rules_by_method_and_path(tool: Tool) -> None:
    """A rule is about some methods and paths, and the first one that fits applies."""
    tool.proxy.rules = [
        Rule(methods=("PUT",), status=500),
        Rule(path="/other", status=501),
        Rule(path="/pa", status=502),
    ]
    assert [send(tool, method)[0] for method in ("PUT", "GET")] == [500, 502]


def test_a_server_on_a_free_port() -> None:
    """The server listens when its port is given, and no more after the block."""
    with serving(lambda port: [sys.executable, "-c", SERVER, str(port)]) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LONG)
        connection.request("GET", "/nothing-here")
        assert connection.getresponse().status == 404
        connection.close()
    with pytest.raises(ConnectionRefusedError):
        http.client.HTTPConnection("127.0.0.1", port, timeout=LONG).connect()
    assert free_port()


@pytest.mark.parametrize(
    ("code", "output"),
    [
        ("raise SystemExit('no licence')", "has ended.*no licence"),
        ("import time; time.sleep(9)", "does not listen after 0.5"),
    ],
)
def test_a_server_that_does_not_start(code: str, output: str) -> None:
    """The error has the server's last words; nothing is left running."""
    command: list[str | Path] = [sys.executable, "-c", code]
    with pytest.raises(NotStarted, match=f"(?s){output}"), serving(lambda _: command, seconds=0.5):
        raise AssertionError("it started")
