"""The pytest plugin for tests of applications: a fixture, and the guard that keeps its test away from real stores.

pytest loads this module in every run, so it imports nothing else of the package before the fixture is asked for.
"""

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, NoReturn

import pytest

if TYPE_CHECKING:
    from tailorsecrets.connection import Connection
    from tailorsecrets.testing.seeded import SeededStore

VARIABLE: Final = "TAILORSECRETS_STORE"
NOWHERE: Final = "not-given-to-tailorsecrets-store:"  # a URL that nothing opens, and a word to who reads the error
_STATE: Final = ("_given", "_opener", "_choice", "_opened")  # of a Connection


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

    A manager that is there already cannot open a store. One that is made later finds NOWHERE in the environment. One
    that is told a URL by ``connect`` is found out at the end. What is connected to a function is left alone.
    """

    def __init__(self) -> None:
        self._refused: list[str] = []
        self._variable = os.environ.get(VARIABLE)
        os.environ[VARIABLE] = NOWHERE
        by_url = [connection for connection in connections() if connection._opener is None]  # noqa: SLF001
        self._before = [(connection, self._shut(connection)) for connection in by_url]

    def end(self) -> None:
        """Let go of all managers as they were; fail the test where one of them reached for a real store."""
        told = [self._told(connection) for connection in connections() if chose_a_url(connection)]
        if self._variable is None:
            os.environ.pop(VARIABLE, None)
        else:
            os.environ[VARIABLE] = self._variable
        for connection, before in self._before:
            connection.close()
            vars(connection).update(before)
        if self._refused or told:
            pytest.fail("\n".join(dict.fromkeys([*self._refused, *told])), pytrace=False)

    def _shut(self, connection: "Connection") -> Mapping[str, Any]:
        """Let *connection* open nothing; return what it was."""
        before = {name: vars(connection)[name] for name in _STATE}

        def refuse() -> NoReturn:
            self._refused.append(self._told(connection))
            pytest.fail(self._told(connection), pytrace=False)

        vars(connection).update(_opener=refuse, _choice=None, _opened=None)
        return before

    @staticmethod
    def _told(connection: "Connection") -> str:
        where = connection._folder  # noqa: SLF001
        return f"a SecretManager defined in {where} reads a real store; give it to tailorsecrets_store.use(...)"


def connections() -> "list[Connection]":
    """Return the connections of all managers of this process."""
    from tailorsecrets import process
    from tailorsecrets.connection import Connection

    return [each for each in process._living(process._forks) if isinstance(each, Connection)]  # noqa: SLF001


def chose_a_url(connection: "Connection") -> bool:
    """Tell whether a read has led *connection* to a store that a URL names."""
    return connection._choice is not None and connection._opener is None  # noqa: SLF001
