"""The pytest plugin for tests of applications: a fixture, and a guard that keeps its test away from real stores.

pytest loads this module in every run, so it imports the rest of the package only when a test uses the fixture.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NoReturn

import pytest

if TYPE_CHECKING:
    from tailorsecrets.runtime.connection import Connection
    from tailorsecrets.store.store import Store
    from tailorsecrets.targets.choice import Choice
    from tailorsecrets.targets.routes import Routes
    from tailorsecrets.testing.fake_store import FakeStore

    Opening = Callable[[Connection, Choice, Routes], Store]

VARIABLE: Final = "TAILORSECRETS_STORE"
SUITE: Final = "tailorsecrets.testing.conformance"
NOWHERE: Final = "not-given-to-tailorsecrets-store:"  # no plugin opens this URL; it explains itself in the error
_STATE: Final = ("_given", "_environ", "_opener", "_routes", "_stores")  # of a Connection


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers of the conformance suite."""
    config.addinivalue_line("markers", "forks: forks this process, so run it before others have started threads")


def pytest_pycollect_makeitem(collector: pytest.Collector, name: str, obj: object) -> None:
    """Check the declarations of a conformance suite."""
    if SUITE in sys.modules:
        _report().check(collector, name, obj)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Note the conformance suites of this run."""
    if SUITE in sys.modules:
        _report().note(session.config, session.items)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Send what is known of conformance suites to the process that reports, where pytest-xdist has several."""
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None and SUITE in sys.modules:
        output[SUITE] = _report().sent(session.config)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what a worker of pytest-xdist knows of conformance suites."""
    facts = getattr(node, "workeroutput", {}).get(SUITE)
    if facts:
        _report().received(node.config, facts)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Report what the conformance suites have run, and what they have left out and why."""
    if SUITE in sys.modules:
        _report().write(terminalreporter)


def _report() -> Any:
    return import_module(f"{SUITE}.report")


@pytest.fixture
def tailorsecrets_store() -> "Iterator[FakeStore]":
    """Provide a store in memory for ``use(secrets)``; fail a test in which another manager reads a real store.

    See :class:`tailorsecrets.testing.FakeStore`.
    """
    from tailorsecrets.testing.fake_store import FakeStore

    store, guard = FakeStore(), Guard()
    yield store
    store.restore()
    guard.end()


class Guard:
    """Keeps all managers of this process away from real stores until ``end``, which fails the test if one was read.

    No manager opens a URL, however it was made and connected. A manager that is connected to a function is left alone.
    Code that reads the environment without a manager finds NOWHERE there.
    """

    def __init__(self) -> None:
        from tailorsecrets.runtime.connection import Connection

        self._refused: list[str] = []
        self._patch = pytest.MonkeyPatch()
        self._patch.setenv(VARIABLE, NOWHERE)
        self._patch.setattr(Connection, "_open", self._guarded(Connection._open))  # noqa: SLF001
        self._before = [(connection, reset(connection)) for connection in all_connections() if opens_url(connection)]

    def end(self) -> None:
        """Restore all managers; fail the test where one of them tried to read a real store."""
        self._patch.undo()
        for connection, before in self._before:
            connection.close()
            vars(connection).update(before)
        if self._refused:
            pytest.fail("\n".join(dict.fromkeys(self._refused)), pytrace=False)

    def _guarded(self, opening: "Opening") -> "Opening":
        """Return *opening* with a refusal of URLs."""

        def guarded(connection: "Connection", choice: "Choice", of: "Routes") -> "Store":
            return self._refuse(connection) if opens_url(connection) else opening(connection, choice, of)

        return guarded

    def _refuse(self, connection: "Connection") -> NoReturn:
        where = connection._folder  # noqa: SLF001
        message = f"a SecretManager defined in {where} reads a real store; give it to tailorsecrets_store.use(...)"
        self._refused.append(message)
        pytest.fail(message, pytrace=False)


def all_connections() -> "list[Connection]":
    """Return the connections of all managers of this process."""
    from tailorsecrets.runtime.connection import Connection
    from tailorsecrets.runtime.forks import listeners

    return [each for each in listeners.alive() if isinstance(each, Connection)]


def opens_url(connection: "Connection") -> bool:
    """Tell whether *connection* opens a URL, and does not call a function."""
    return connection._opener is None  # noqa: SLF001


def reset(connection: "Connection") -> Mapping[str, Any]:
    """Let *connection* choose and open again at the next read; return its former state."""
    before = {name: vars(connection)[name] for name in _STATE}
    vars(connection).update(_routes=None, _stores={})
    return before
