"""How readers wait: without a limit where that is promised, without spinning, each for itself; and hooks in order."""

import asyncio
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import anyio
import pytest

from tailorsecrets.declared.declarations import Declarations
from tailorsecrets.errors import SecretsError, Throttled, Unavailable
from tailorsecrets.runtime.cache import Cache
from tailorsecrets.runtime.events import CacheEvent
from tailorsecrets.runtime.manager import SecretManager
from tailorsecrets.secret import Secret
from tailorsecrets.store.store import Store
from tailorsecrets.testing import Memory
from tailorsecrets.testing.faults import Faults
from tests.support.gate import Gate
from tests.support.waiting import wait_for
from tests.support.web import BACKENDS

WAYS = ["thread", *BACKENDS]


class Shop:
    """A manager of ``abc/one``, on a memory store behind a gate."""

    def __init__(self) -> None:
        self.memory = Memory()
        self.gate = Gate(self.memory)
        self.store = Store(self.memory)
        self.store.create_vault("abc")
        self.store.create_secret("abc", "one", Secret("value"))
        self.secrets = SecretManager(Declarations({}, {"abc": frozenset(["one"])}))
        self.secrets.connect(store=lambda: Store(self.gate))


@pytest.fixture
def shop() -> Iterator[Shop]:
    """Give a shop, and open its gate at the end."""
    shop = Shop()
    yield shop
    shop.gate.is_open.set()


def done(secrets: SecretManager, method: str, way: str) -> object:
    """Call *method*, or its twin on an event loop, to its end."""
    return getattr(secrets, method)() if way == "thread" else anyio.run(getattr(secrets, f"a{method}"), backend=way)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("method", ["preload", "refresh"])
def test_preload_and_refresh_wait_longer_than_timeout(shop: Shop, method: str, way: str) -> None:
    """A store that needs longer than ``timeout`` is waited for, and no old value takes the place of its answer."""
    shop.secrets.get("abc", "one")
    shop.memory.backdoor.write("default/abc/one", "new")
    shop.secrets.configure(timeout=0.01)
    if method == "preload":
        shop.secrets.forget()
    shop.gate.shut()
    opening = threading.Timer(0.2, shop.gate.is_open.set)
    opening.start()
    done(shop.secrets, method, way)
    assert shop.secrets.get("abc", "one") == "new"
    opening.join()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("method", ["get", "refresh"])
def test_a_waiting_reader_sleeps(shop: Shop, monkeypatch: pytest.MonkeyPatch, method: str, way: str) -> None:
    """A reader that waits asks the cache once before the answer and at most once after it; it does not spin."""
    asked, join = list[float](), Cache.join

    def counted(cache: Cache, *arguments: Any, **options: Any) -> Any:
        asked.append(time.monotonic())
        return join(cache, *arguments, **options)

    if method == "refresh":
        shop.secrets.get("abc", "one")
    monkeypatch.setattr(Cache, "join", counted)
    shop.gate.shut()
    threading.Timer(0.2, shop.gate.is_open.set).start()
    if method == "refresh":
        done(shop.secrets, method, way)
    elif way == "thread":
        shop.secrets.get("abc", "one")
    else:
        anyio.run(shop.secrets.aget, "abc", "one", backend=way)
    assert 1 <= len(asked) <= 2


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_reader_of_an_ended_loop_takes_nothing_from_the_others(shop: Shop, backend: str) -> None:
    """When the loop of one waiter has ended, the waiter on another loop and the event hook get the answer."""
    events, answers = list[CacheEvent](), list[str | None]()
    shop.secrets.configure(on_event=events.append)
    shop.gate.shut()

    async def give_up() -> None:
        with anyio.move_on_after(0.02):
            await shop.secrets.aget("abc", "one")

    async def wait() -> None:
        with anyio.fail_after(10):
            answers.append(await shop.secrets.aget("abc", "one"))

    anyio.run(give_up, backend=backend)
    waiter = threading.Thread(target=lambda: anyio.run(wait, backend=backend))
    waiter.start()
    wait_for(lambda: sum(len(flight._wakers) for flight in shop.secrets._cache._flights.values()) == 2)
    shop.gate.is_open.set()
    waiter.join(10)
    assert answers == ["value"]
    wait_for(lambda: [event.kind for event in events] == ["read"])


def test_a_cancelled_aget_is_cancelled_at_once(shop: Shop) -> None:
    """A cancelled task does not wait for the store, and the call that it has begun brings the value for the next."""
    shop.gate.shut()

    async def main() -> float:
        reader = asyncio.create_task(shop.secrets.aget("abc", "one"))
        await asyncio.sleep(0.05)
        begin = time.monotonic()
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        return time.monotonic() - begin

    assert asyncio.run(main()) < 1
    assert shop.memory.calls["get"] == 0
    shop.gate.is_open.set()
    assert shop.secrets.get("abc", "one") == "value"
    assert shop.memory.calls["get"] == 1


def test_hooks_are_called_one_at_a_time_and_in_order(shop: Shop) -> None:
    """While the hook works no other call of it begins, and events come in the order in which they happened."""
    inside, most, versions = [0], [0], list[str]()

    def hook(event: CacheEvent) -> None:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        time.sleep(0.002)
        versions.append(event.version)
        inside[0] -= 1

    shop.secrets.configure(on_event=hook)
    expected = list[str]()
    for number in range(30):
        expected.append(shop.memory.put("default/abc/one", Secret(f"value {number}")).version)
        shop.secrets.get("abc", "one", max_age=0)
    wait_for(lambda: len(versions) == 30)
    assert (most[0], versions) == (1, expected)


@pytest.mark.parametrize("kind", [Unavailable, Throttled])
@pytest.mark.parametrize("retries", [False, True])
def test_an_error_tells_whether_a_retry_may_help(shop: Shop, kind: type[SecretsError], retries: bool) -> None:
    """An outage is retryable for the reader, unless the SDK has spent its retries."""
    faults = Faults(shop.memory)
    faults.caps = replace(faults.caps, retries=retries)
    faults.fail("get", kind)
    shop.secrets.connect(store=lambda: Store(faults))
    with pytest.raises(kind) as caught:
        shop.secrets.get("abc", "one")
    assert caught.value.retryable is not retries


def test_a_reader_that_times_out_may_try_again(shop: Shop) -> None:
    """A time-out of the reader is retryable: the call goes on, and its answer may be there the next time."""
    shop.secrets.configure(timeout=0.01)
    shop.gate.shut()
    with pytest.raises(Unavailable) as caught:
        shop.secrets.get("abc", "one")
    assert caught.value.retryable
    assert (caught.value.op, caught.value.vault, caught.value.secret) == ("get", "abc", "one")


class Text(str):
    """Text of a library, such as a YAML reader's."""

    __slots__ = ()


def test_a_value_may_be_of_a_class_of_text(shop: Shop) -> None:
    """A value of a subclass of str is written, and read as the text that it is."""
    shop.store.update_secret("abc", "one", Text("new"))
    assert shop.secrets.get("abc", "one") == "new"
