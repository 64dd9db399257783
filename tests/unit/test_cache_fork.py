"""The cache across a real fork, with a store behind real sockets."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from tailorsecrets.declared.declarations import Declarations
from tailorsecrets.driver import Driver, Entry, Problem, Stored
from tailorsecrets.errors import NotFound, SecretsError, Unavailable
from tailorsecrets.runtime.manager import SecretManager
from tailorsecrets.secret import Secret
from tailorsecrets.store.store import Store
from tests.support.cached import read_threads

pytestmark = [
    pytest.mark.forks,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork"),
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning"),  # what these tests are about
]


class WireServer:
    """A store on a socket: a line with a name is answered by a line with its value.

    ``asked`` lists the number of the connection and the name of each request. A name in ``held_up`` is answered only
    when its event is set.
    """

    def __init__(self) -> None:
        self.values = {"default/abc/one": "1", "default/abc/two": "2"}
        self.asked: list[tuple[int, str]] = []
        self.held_up: dict[str, threading.Event] = {}
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = self._listener.getsockname()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        number = 0
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                number += 1
                threading.Thread(target=self._serve, args=(number, connection), daemon=True).start()

    def _serve(self, number: int, connection: socket.socket) -> None:
        with connection, connection.makefile("rw") as lines:
            for line in lines:
                name = line.strip()
                self.asked.append((number, name))
                if name in self.held_up:
                    self.held_up.pop(name).wait(20)
                lines.write(self.values.get(name, "") + "\n")
                lines.flush()

    def close(self) -> None:
        """Accept no more connections."""
        self._listener.close()


class Wire(Driver):
    """A connection to a wire server, made by the first read."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None

    def get(self, name: str, version: str = "") -> Stored:
        """Ask the server."""
        with self._lock:
            self._connection = self._connection or socket.create_connection(self._address, timeout=10)
            self._connection.sendall(f"{name}\n".encode())
            value = self._connection.recv(100).decode().strip()
        if not value:
            raise NotFound
        return Stored(Secret(value), Entry(name=name, version=value))

    def explain(self, exc: Exception, op: str) -> Problem:
        """Explain a broken connection as Unavailable."""
        return Problem(type(exc) if isinstance(exc, SecretsError) else Unavailable)

    def close(self) -> None:
        """Hang up."""
        if self._connection:
            self._connection.close()


@pytest.fixture
def server() -> Iterator[WireServer]:
    """Give a server on a socket."""
    server = WireServer()
    yield server
    server.close()


@pytest.fixture
def secrets(server: WireServer) -> Iterator[SecretManager]:
    """Give a manager that has read both secrets, as before the fork of a web server's workers."""
    secrets = SecretManager(Declarations({}, {"abc": frozenset({"one", "two"})}))
    secrets.connect(store=lambda: Store(Wire(server.address)))
    secrets.preload()
    yield secrets
    secrets.close()


def in_child(work: Callable[[], object]) -> None:
    """Do *work* in a forked child, and fail if it raises there."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_a_child_reads_without_a_call(server: WireServer, secrets: SecretManager) -> None:
    """What the parent has preloaded, its children read without asking the store."""
    before = list(server.asked)

    def read() -> None:
        assert secrets.get_all("abc", ["one", "two"]) == ["1", "2"]
        assert secrets.get("abc", "one") == "1"

    for _ in range(3):
        in_child(read)
    assert server.asked == before


def test_a_child_refreshes_with_its_own_connection(server: WireServer, secrets: SecretManager) -> None:
    """A child asks the store over its own connection, and the parent's goes on working after the child's end."""
    server.values["default/abc/one"] = "new"
    server.asked.clear()

    def refresh() -> None:
        assert secrets.get("abc", "one", max_age=0) == "new"
        secrets.refresh()

    for _ in range(2):
        in_child(refresh)
    assert secrets.get("abc", "one") == "1"
    assert secrets.get("abc", "one", max_age=0) == "new"
    assert {number for number, _ in server.asked[:-1]} == {2, 3}
    assert server.asked[-1] == (1, "default/abc/one")


def test_flights_of_the_parent_are_not_in_the_child(server: WireServer, secrets: SecretManager) -> None:
    """If the parent forks while it waits for the store, the child makes its own call; the parent gets its answer."""
    finish = server.held_up["default/abc/one"] = threading.Event()
    answers = list[str | None]()
    reader = threading.Thread(target=lambda: answers.append(secrets.get("abc", "one", max_age=0)))
    reader.start()
    while server.held_up:
        pass

    def read() -> None:
        assert (secrets.cache_info().flights, read_threads()) == (0, 0)
        assert secrets.get("abc", "one", max_age=0) == "1"

    in_child(read)
    finish.set()
    reader.join(10)
    assert answers == ["1"]


def test_locks_held_at_the_fork_do_not_stop_the_child(secrets: SecretManager) -> None:
    """A child works although threads of the parent held every lock when it was forked."""

    def read() -> None:
        assert secrets.get("abc", "one", max_age=0) == "1"
        secrets.forget()
        secrets.preload()

    with secrets._cache._lock, secrets._connection._lock, secrets._failover._lock:
        in_child(read)
