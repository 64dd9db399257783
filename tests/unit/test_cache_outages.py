"""A store that fails: no reader with a value waits for it, and many names do not wait for it one after the other."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import anyio
import pytest

from tailorsecrets.declared.declarations import Declarations
from tailorsecrets.driver import Driver
from tailorsecrets.errors import Denied, SecretsError, Unavailable
from tailorsecrets.runtime.manager import SecretManager
from tailorsecrets.secret import Secret
from tailorsecrets.store.layers import Call, Layer, stack
from tailorsecrets.store.names import Place
from tailorsecrets.store.parallel import AT_ONCE
from tailorsecrets.store.store import Store, workspace_of
from tailorsecrets.testing import Memory
from tailorsecrets.testing.faults import Faults
from tailorsecrets.testing.memory import FULL
from tests.support.web import BACKENDS

T = TypeVar("T")
RUNNING = 0.005  # seconds
SPEED = 50  # times as fast as real time runs the clock of the cache
NAMES = [f"name-{number}" for number in range(100)]


class Outage(Layer):
    """A driver that, in an outage, gives no answer for ``seconds`` and then fails."""

    seconds = 0.0

    def around(self, call: Call, do: Callable[[], T]) -> T:
        """Hang and fail, or pass on."""
        if self.seconds:
            time.sleep(self.seconds)
            raise Unavailable(retryable=False)
        return do()


def manager(*names: str, speed: float = 1) -> tuple[SecretManager, Outage]:
    """Return a manager of *names* in the vault ``abc``, whose clock runs at *speed*, and the driver behind it."""
    memory = Memory()
    store = Store(memory)
    store.create_vault("abc")
    for name in names:
        store.create_secret("abc", name, Secret("value"))
    driver = Outage(memory)
    secrets = SecretManager(Declarations({}, {"abc": frozenset(names)}), clock=lambda: time.monotonic() * speed)
    return secrets.connect(store=lambda: Store(driver)), driver


def polled(read: Callable[[], object], seconds: float) -> float:
    """Call *read* every 10 ms for *seconds*, and return the share of that time that the reader was blocked.

    A read of under 5 ms was not blocked: it took that time to run.
    """
    blocked, end = 0.0, time.monotonic() + seconds
    while time.monotonic() < end:
        begin = time.monotonic()
        read()
        took = time.monotonic() - begin
        blocked += took if took > RUNNING else 0.0
        time.sleep(0.01)
    return blocked / seconds


@pytest.mark.parametrize("timeout", [15, 0.05])
def test_a_polling_reader_is_not_blocked_in_an_outage(timeout: float) -> None:
    """In an outage of 75 s a reader is blocked under 2 % of the time after its first read, whatever the timeout."""
    secrets, driver = manager("one", speed=SPEED)
    secrets.configure(ttl=0.1, grace=0.1, timeout=timeout, max_stale=36_000)
    secrets.get("abc", "one")
    driver.seconds = 14 / SPEED  # a call that gets no answer
    time.sleep(1 / SPEED)
    assert secrets.get("abc", "one") == "value"
    shares = (polled(lambda: secrets.get("abc", "one"), 75 / SPEED) for _ in range(5))
    assert any(share < 0.02 for share in shares)  # a busy machine may stop the reader for longer once
    assert secrets.read("abc", "one").stale


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_polling_task_is_not_blocked_in_an_outage(backend: str) -> None:
    """The same on asyncio and trio."""
    secrets, driver = manager("one")
    secrets.configure(ttl=0.001, grace=0.001)

    async def main() -> None:
        await secrets.aget("abc", "one")
        driver.seconds = 0.3
        await anyio.sleep(0.01)
        await secrets.aget("abc", "one")
        await anyio.sleep(1.1)
        with anyio.fail_after(0.25):
            assert await secrets.aget("abc", "one") == "value"

    anyio.run(main, backend=backend)


def test_the_next_attempt_in_the_background_ends_an_outage() -> None:
    """When the store is back, a read starts the attempt that brings the new value."""
    secrets, driver = manager("one")
    secrets.configure(ttl=0.001, grace=0.001)
    secrets.get("abc", "one")
    driver.seconds = 0.01
    time.sleep(0.01)
    assert secrets.get("abc", "one") == "value"
    driver.seconds = 0.0
    driver.inner.backdoor.write("default/abc/one", "new")  # type: ignore[attr-defined]
    end = time.monotonic() + 10
    while secrets.get("abc", "one") != "new":
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_read_with_max_age_still_waits_in_an_outage() -> None:
    """A value that is too old for the reader is not an answer, so the reader waits for the store."""
    secrets, driver = manager("one")
    secrets.configure(ttl=0.001, grace=0.001)
    secrets.get("abc", "one")
    driver.seconds = 0.05
    with pytest.raises(Unavailable):
        secrets.get("abc", "one", max_age=0)


class Log(Faults):
    """A driver that logs the names that are read, from any thread."""

    def __init__(self, inner: Driver) -> None:
        super().__init__(inner)
        self.names: set[str] = set()
        self._names_lock = threading.Lock()

    def around(self, call: Call, do: Callable[[], T]) -> T:
        """Log and pass on."""
        with self._names_lock:
            self.names.add(call.name)
        return super().around(call, do)


def dead_store(kind: type[SecretsError]) -> tuple[Store, Log]:
    """Return a store that answers one name a call, all of them with *kind*, and the driver behind it."""
    driver = Log(Memory(caps=replace(FULL, batch=1)))
    driver.fail("", kind, hint="start it")
    return Store(stack(driver, timeout=0.3)), driver


@pytest.mark.parametrize("kind", [Unavailable, Denied])
def test_many_reads_of_a_dead_store_stop_after_the_first_failure(kind: type[SecretsError]) -> None:
    """After a spent Unavailable the other names get that error without a call; a denial is about one name alone."""
    store, driver = dead_store(kind)
    places = [Place("abc", name) for name in NAMES]
    results = workspace_of(store).read_many(places)
    errors = [result for result in results.values() if isinstance(result, kind)]
    assert [(error.vault, error.secret, error.hint) for error in errors] == [(*place, "start it") for place in places]
    assert not any(error.retryable for error in errors)
    assert len(driver.names) == 100 if kind is Denied else len(driver.names) <= AT_ONCE
    if kind is Unavailable:
        assert "name-99: not read, because the read of abc/name-" in str(errors[-1])
        assert str(errors[-1]).endswith(" failed: UNAVAILABLE")


def test_a_preload_of_a_dead_store_is_one_time_out() -> None:
    """``preload`` of 100 secrets takes as long as the read of one."""
    store, driver = dead_store(Unavailable)
    secrets = SecretManager(Declarations({}, {"abc": frozenset(NAMES)})).connect(store=lambda: store)
    with pytest.raises(Unavailable):
        secrets.preload()
    assert len(driver.names) <= AT_ONCE
