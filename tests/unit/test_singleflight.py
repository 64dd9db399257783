"""One flight for many readers: threads, asyncio tasks and trio tasks together."""

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import anyio
import pytest
import trio

from tailorsecrets.declared.declarations import Declarations
from tailorsecrets.errors import Denied, Unavailable
from tailorsecrets.runtime.manager import SecretManager
from tailorsecrets.runtime.threads import LIMIT, DaemonThreads
from tailorsecrets.secret import Secret
from tailorsecrets.store.store import Store
from tailorsecrets.testing import Memory
from tests.support.cached import read_threads
from tests.support.gate import Gate
from tests.support.waiting import wait_for

MANY = [f"name-{number}" for number in range(100)]
BACKENDS = ["asyncio", "trio"]


class Shop:
    """A manager of ``abc/one`` and a hundred others, on a memory store behind a gate."""

    def __init__(self) -> None:
        self.now = 0.0
        self.memory = Memory()
        self.gate = Gate(self.memory)
        store = Store(self.memory)
        store.create_vault("abc")
        store.create_secret("abc", "one", Secret("value"))
        self.memory.forget_calls()
        declared = Declarations({}, {"abc": frozenset(["one", *MANY])})
        self.secrets = SecretManager(declared, clock=lambda: self.now)
        self.secrets.connect(store=lambda: Store(self.gate))


@pytest.fixture
def shop() -> Iterator[Shop]:
    """Give a shop, and open its gate at the end."""
    shop = Shop()
    yield shop
    shop.gate.is_open.set()
    wait_for(lambda: read_threads() == 0)


def in_thread(work: Callable[[], object]) -> threading.Thread:
    """Do *work* in a thread."""
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_1000_mixed_cold_readers_are_one_call(shop: Shop) -> None:
    """A thousand threads, asyncio tasks and trio tasks that read one cold name make one call and are all answered."""
    shop.gate.shut()
    answers, started = list[str | None](), list[int]()

    def read() -> None:
        started.append(1)
        answers.append(shop.secrets.get("abc", "one"))

    async def aread() -> None:
        started.append(1)
        answers.append(await shop.secrets.aget("abc", "one"))

    async def loop_of(tasks: int) -> None:
        async with anyio.create_task_group() as group:
            for _ in range(tasks):
                group.start_soon(aread)

    threads = [in_thread(read) for _ in range(300)]
    threads += [in_thread(lambda: anyio.run(loop_of, 350, backend="asyncio"))]
    threads += [in_thread(lambda: anyio.run(loop_of, 350, backend="trio"))]
    wait_for(lambda: len(started) == 1000)
    assert read_threads() == 1
    shop.gate.is_open.set()
    for thread in threads:
        thread.join()
    assert answers == ["value"] * 1000
    assert shop.memory.calls == {"get": 1}


@pytest.mark.parametrize("backend", BACKENDS)
def test_cold_reads_of_many_names_use_few_threads(shop: Shop, backend: str) -> None:
    """A hundred names read at once are a hundred calls on at most 8 threads, and the waiting tasks hold none."""
    shop.gate.shut()
    before = threading.active_count()

    async def read_all() -> None:
        async with anyio.create_task_group() as group:
            for name in MANY:
                group.start_soon(shop.secrets.aget, "abc", name)
            await anyio.wait_all_tasks_blocked()
            wait_for(lambda: shop.gate.inside == LIMIT)
            assert shop.secrets.cache_info().flights == len(MANY)
            assert (read_threads(), threading.active_count()) == (LIMIT, before + LIMIT)
            shop.gate.is_open.set()

    anyio.run(read_all, backend=backend)
    assert shop.memory.calls == {"get": 100}
    assert shop.gate.most == LIMIT


def test_nobody_waits_for_a_refresh(shop: Shop) -> None:
    """Eight readers during a refresh that takes long are all answered before it ends."""
    shop.secrets.get("abc", "one")
    shop.now += 400
    shop.gate.shut()
    answers = list[str | None]()
    threads = [in_thread(lambda: answers.append(shop.secrets.get("abc", "one"))) for _ in range(8)]
    for thread in threads:
        thread.join(5)
    assert answers == ["value"] * 8
    assert shop.gate.reached.wait(5)
    assert (shop.gate.inside, shop.gate.is_open.is_set()) == (1, False)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_hit_does_not_leave_the_event_loop(shop: Shop, backend: str) -> None:
    """A fresh value is returned without giving another task a turn, and without a thread."""
    shop.secrets.get("abc", "one")
    turns = list[str]()

    async def other() -> None:
        turns.append("other")

    async def main() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(other)
            assert await shop.secrets.aget("abc", "one") == "value"
            assert (await shop.secrets.aread("abc", "one")).value == "value"
            assert await shop.secrets.aget_all("abc", ["one", "one"]) == ["value", "value"]
            turns.append("reader")

    anyio.run(main, backend=backend)
    assert turns == ["reader", "other"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_any_version_of_trio_will_do(shop: Shop, monkeypatch: pytest.MonkeyPatch, backend: str) -> None:
    """A cold read works on asyncio and on trio where the imported trio lacks ``in_trio_run`` and ``in_trio_task``."""
    for name in ("in_trio_run", "in_trio_task"):
        monkeypatch.delattr(trio.lowlevel, name)
    assert anyio.run(shop.secrets.aget, "abc", "one", backend=backend) == "value"


def test_a_cancelled_leader_leaves_its_flight_on_asyncio(shop: Shop) -> None:
    """When the task that began a flight is cancelled, the others get its value, from the same call."""
    shop.gate.shut()

    async def main() -> str | None:
        leader = asyncio.create_task(shop.secrets.aget("abc", "one"))
        await asyncio.sleep(0)
        assert shop.secrets.cache_info().flights == 1
        follower = asyncio.create_task(shop.secrets.aget("abc", "one"))
        await asyncio.sleep(0)
        leader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leader
        shop.gate.is_open.set()
        return await follower

    assert asyncio.run(main()) == "value"
    assert shop.memory.calls == {"get": 1}


def test_a_cancelled_leader_leaves_its_flight_on_trio(shop: Shop) -> None:
    """The same on trio, also when nobody else waits: the call brings the value for later readers."""
    shop.gate.shut()

    async def main() -> None:
        with trio.move_on_after(0.01):
            await shop.secrets.aget("abc", "one")
        shop.gate.is_open.set()

    trio.run(main)
    wait_for(lambda: shop.secrets.cache_info().names == 1)
    assert shop.secrets.get("abc", "one") == "value"
    assert shop.memory.calls == {"get": 1}


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_flight_outlives_the_loop_that_began_it(shop: Shop, backend: str) -> None:
    """A call whose event loop has ended still brings its value."""
    shop.gate.shut()

    async def main() -> None:
        with anyio.move_on_after(0.01):
            await shop.secrets.aget("abc", "one")

    anyio.run(main, backend=backend)
    reader = in_thread(lambda: shop.secrets.get("abc", "one"))
    shop.gate.is_open.set()
    reader.join(5)
    assert shop.secrets.cache_info().names == 1
    assert shop.memory.calls == {"get": 1}


def answer_of(secrets: SecretManager, how: str) -> Any:
    """Return what ``abc/one`` reads as by a thread or on an event loop."""
    return secrets.get("abc", "one") if how == "thread" else anyio.run(secrets.aget, "abc", "one", backend=how)


@pytest.mark.parametrize("how", ["thread", *BACKENDS])
def test_a_reader_waits_no_longer_than_timeout(shop: Shop, how: str) -> None:
    """After ``timeout`` a reader gets Unavailable, or the last value; the flight goes on and lands."""
    shop.secrets.configure(timeout=0.02)
    shop.gate.shut()
    with pytest.raises(Unavailable, match=r"abc/one: no answer within 0\.02 seconds"):
        answer_of(shop.secrets, how)
    shop.gate.is_open.set()
    wait_for(lambda: shop.secrets.cache_info().flights == 0)
    assert answer_of(shop.secrets, how) == "value"
    shop.gate.shut()
    shop.now += 1000
    assert answer_of(shop.secrets, how) == "value"
    assert shop.memory.calls == {"get": 1}


@pytest.mark.parametrize("how", ["thread", *BACKENDS])
def test_every_waiter_gets_an_error_of_its_own(shop: Shop, how: str) -> None:
    """Denied reaches all who wait for a flight, each as an exception object that no other one raises."""
    shop.memory.backdoor.deny("default/abc/one")
    shop.gate.shut()
    errors = list[Denied]()

    def read() -> None:
        with pytest.raises(Denied) as caught:
            answer_of(shop.secrets, how)
        errors.append(caught.value)

    threads = [in_thread(read) for _ in range(8)]
    assert shop.gate.reached.wait(5)
    shop.gate.is_open.set()
    for thread in threads:
        thread.join()
    assert len({id(error) for error in errors}) == 8
    assert {(error.vault, error.secret, error.code) for error in errors} == {("abc", "one", "PERMISSION_DENIED")}


@pytest.mark.parametrize("backend", BACKENDS)
def test_async_twins(shop: Shop, backend: str) -> None:
    """Each read on an event loop gives what its twin gives in a thread."""
    secrets = shop.secrets

    async def twins() -> list[object]:
        with pytest.raises(Exception, match="name-99 is missing"):
            await secrets.apreload()
        await secrets.arefresh("abc", "one")
        reading = await secrets.aread("abc", "one")
        return [
            await secrets.aget("abc", "one", max_age=0),
            await secrets.aget_all("abc", ["name-1", "one"], max_age=5),
            (reading.value, reading.stale),
            await secrets.arecent("abc", "one"),
        ]

    assert anyio.run(twins, backend=backend) == [
        "value",
        [None, "value"],
        ("value", False),
        ["value"],
    ]


def test_daemon_threads_works_where_no_thread_can_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the interpreter ends and starts no thread any more, the reader's thread does the work."""
    threads, done = DaemonThreads(), list[str]()

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    threads.run(lambda: done.append(threading.current_thread().name))
    assert (done, threads.threads) == ([threading.current_thread().name], 0)


def test_daemon_threads_keeps_no_thread() -> None:
    """All work is done on at most 8 threads, and no thread is left when the work is done."""
    threads, done = DaemonThreads(), list[int]()
    for number in range(100):
        threads.run(lambda number=number: done.append(number))  # type: ignore[misc]
        assert threads.threads <= LIMIT
    wait_for(lambda: threads.threads == 0)
    assert sorted(done) == list(range(100))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_daemon_threads_outlives_work_that_ends_its_thread() -> None:
    """Work that ends its thread, as a hook's sys.exit does, leaves room for the next."""
    threads, done = DaemonThreads(), list[int]()
    for number in range(2 * LIMIT):
        threads.run(sys.exit)
        threads.run(lambda number=number: done.append(number))  # type: ignore[misc]
        wait_for(lambda: threads.threads == 0)
    threads.run(lambda: done.append(-1))
    wait_for(lambda: len(done) == 2 * LIMIT + 1)
    wait_for(lambda: all(thread.name != "tailorsecrets" for thread in threading.enumerate()))
