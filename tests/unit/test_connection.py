"""The store of a manager, while it is opened and while another one is chosen."""

import threading
from pathlib import Path

import anyio
import pytest

from tailorsecrets.declared.declarations import Declarations
from tailorsecrets.runtime.connection import Connection
from tailorsecrets.runtime.manager import SecretManager
from tailorsecrets.store.store import Store
from tailorsecrets.testing import Memory
from tests.support.web import BACKENDS


class Closing(Store):
    """A store that reads what *connection* has chosen while it is being closed, as another thread may do."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(Memory())
        self.connection, self.seen = connection, list[str]()

    def close(self) -> None:
        """Note what is chosen now."""
        self.seen.append(self.connection.routes()[0].primary.workspace)


def opened(connection: Connection) -> Store | None:
    """Return the store of the primary target that is chosen now."""
    routes = connection.routes()[0]
    return connection.store(routes.primary, routes)


def test_who_reads_while_a_store_is_let_go_of_reads_the_new_target(tmp_path: Path) -> None:
    """The old target is never chosen again once another one is."""
    connection = Connection(Declarations({}, folder=tmp_path))
    old = Closing(connection)
    connection.set_target(store=lambda: old, workspace="old", profile=None)
    assert opened(connection) is old
    new = Store(Memory())
    connection.set_target(store=lambda: new, workspace="new", profile=None)
    assert old.seen == ["new"]
    assert connection.routes()[0].primary.workspace == "new"
    assert opened(connection) is new


def test_a_store_that_was_opened_too_late_is_not_kept(tmp_path: Path) -> None:
    """Where another target is chosen while the old one is opened, the old one is closed and the reader gets the new."""
    connection = Connection(Declarations({}, folder=tmp_path))
    old, new = Closing(connection), Store(Memory())

    def overtaken() -> Store:
        connection.set_target(store=lambda: new, workspace="new", profile=None)
        return old

    connection.set_target(store=overtaken, workspace="old", profile=None)
    assert opened(connection) is None
    assert old.seen == ["new"]
    assert opened(connection) is new


def test_who_waits_while_the_target_changes_is_answered_by_the_new_one() -> None:
    """A reader whose store is opened when another one is chosen gets the value of the new one."""
    secrets = SecretManager(Declarations({}, {"abc": frozenset({"one"})}))
    new = Store(Memory())
    new.create_vault("abc")
    new.create_secret("abc", "one", "new")

    def overtaken() -> Store:
        secrets.connect(store=lambda: new)
        return Store(Memory())

    assert secrets.connect(store=overtaken).get("abc", "one") == "new"


@pytest.mark.parametrize("backend", BACKENDS)
def test_opening_a_store_holds_up_no_event_loop(backend: str) -> None:
    """While one flight opens the store, a task that asks for another name waits, and the loop goes on."""
    begun, going_on, in_time = threading.Event(), threading.Event(), list[bool]()

    def slow() -> Store:
        begun.set()
        in_time.append(going_on.wait(5))
        return Store(Memory())

    secrets = SecretManager(Declarations({}, {"abc": frozenset({"one", "two"})})).connect(store=slow)

    async def ask() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(secrets.aget, "abc", "one")
            await anyio.to_thread.run_sync(begun.wait, 5)
            tasks.start_soon(secrets.aget, "abc", "two")
            await anyio.sleep(0.01)
            going_on.set()

    anyio.run(ask, backend=backend)
    assert in_time == [True]
