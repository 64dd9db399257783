"""The pytest plugin for tests of applications: a fixture, and the guard that keeps its test away from real stores.

pytest loads this module in every run, so it imports nothing else of the package before the fixture is asked for.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, NoReturn

import pytest

if TYPE_CHECKING:
    from tailorsecrets.runtime.connection import Connection
    from tailorsecrets.store.store import Store
    from tailorsecrets.testing.seeded import SeededStore

VARIABLE: Final = "TAILORSECRETS_STORE"
NOWHERE: Final = "not-given-to-tailorsecrets-store:"  # a URL that nothing opens, and a word to who reads the error
_STATE: Final = ("_given", "_opener", "_choice", "_opened")  # of a Connection


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers of the conformance suite."""
    config.addinivalue_line("markers", "forks: forks this process, so run it before others have started threads")


@pytest.fixture
def tailorsecrets_store() -> "Iterator[SeededStore]":
    """Give ``secrets``, by ``use(secrets)``, a store in memory; fail a test in which another manager reads a real one.

    See :class:`tailorsecrets.testing.SeededStore`.
    """
    from tailorsecrets.testing.seeded import SeededStore

    store, guard = SeededStore(), Guard()
    yield store
    store.restore()
    guard.end()


class Guard:
    """Refuses real stores to the managers of this process, from now until ``end``, which fails if one was read.

    Whoever made a manager, and whatever it was told by ``connect``, it opens nothing that a URL names. One that is
    connected to a function is left alone. What reads the environment without a manager finds NOWHERE there.
    """

    def __init__(self) -> None:
        from tailorsecrets.runtime.connection import Connection

        self._refused: list[str] = []
        self._patch = pytest.MonkeyPatch()
        self._patch.setenv(VARIABLE, NOWHERE)
        self._patch.setattr(Connection, "_open", self._opening(Connection._open))  # noqa: SLF001
        self._before = [(connection, shut(connection)) for connection in connections() if leads_to_a_url(connection)]

    def end(self) -> None:
        """Let go of all managers as they were; fail the test where one of them reached for a real store."""
        self._patch.undo()
        for connection, before in self._before:
            connection.close()
            vars(connection).update(before)
        if self._refused:
            pytest.fail("\n".join(dict.fromkeys(self._refused)), pytrace=False)

    def _opening(self, opening: "Callable[[Connection], Store | None]") -> "Callable[[Connection], Store | None]":
        """Return what does as *opening*, but for URLs."""

        def guarded(connection: "Connection") -> "Store | None":
            return self._refuse(connection) if leads_to_a_url(connection) else opening(connection)

        return guarded

    def _refuse(self, connection: "Connection") -> NoReturn:
        where = connection._folder  # noqa: SLF001
        told = f"a SecretManager defined in {where} reads a real store; give it to tailorsecrets_store.use(...)"
        self._refused.append(told)
        pytest.fail(told, pytrace=False)


def connections() -> "list[Connection]":
    """Return the connections of all managers of this process."""
    from tailorsecrets.runtime.connection import Connection
    from tailorsecrets.runtime.forks import listeners

    return [each for each in listeners.alive() if isinstance(each, Connection)]


def leads_to_a_url(connection: "Connection") -> bool:
    """Tell whether *connection* opens what a URL names, and not what a function does."""
    return connection._opener is None  # noqa: SLF001


def shut(connection: "Connection") -> Mapping[str, Any]:
    """Let *connection* choose and open anew at the next read; return what it was."""
    before = {name: vars(connection)[name] for name in _STATE}
    vars(connection).update(_choice=None, _opened=None)
    return before
