"""Retry and Quota, on a clock that the tests move."""

import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Literal, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tailorsecrets.driver import Budget, Caps, Driver, Entry, throttled
from tailorsecrets.errors import Denied, NotFound, SecretsError, Throttled, Unavailable
from tailorsecrets.secret import Secret
from tailorsecrets.store.layers import Call, Layer, Quota, Retry, stack
from tailorsecrets.store.layers.quota import RECOVERY, Bucket
from tailorsecrets.testing.clock import FakeClock
from tailorsecrets.testing.faults import Fault, Faults
from tailorsecrets.testing.memory import FULL, WITH_CONTAINERS, Memory

T = TypeVar("T")

OPERATIONS: dict[str, Callable[[Driver], object]] = {
    "get": lambda driver: driver.get("w/v/key"),
    "get_many": lambda driver: driver.get_many(["w/v/key"]),
    "stat": lambda driver: driver.stat("w/v/key"),
    "list": lambda driver: list(driver.list("w/v/")),
    "versions": lambda driver: list(driver.versions("w/v/key")),
    "containers": lambda driver: list(driver.containers("w/")),
    "put": lambda driver: driver.put("w/v/key", Secret("new")),
    "make": lambda driver: driver.make("w/other", ""),
    "drop": lambda driver: driver.drop("w/empty"),
    "restore": lambda driver: driver.restore("w/v/deleted"),
    "delete": lambda driver: driver.delete("w/v/key"),
}
READS = ("get", "get_many", "stat", "list", "versions", "containers")
WRITES = tuple(op for op in OPERATIONS if op not in READS)


@pytest.fixture
def clock() -> FakeClock:
    """Return a stopped clock."""
    return FakeClock()


@pytest.fixture
def faults(clock: FakeClock) -> Faults:
    """Return a store with two containers, a secret and a deleted one, that fails on demand."""
    memory = Memory(caps=WITH_CONTAINERS)
    for container in ("w/v", "w/empty"):
        memory.make(container, "")
    for name in ("w/v/deleted", "w/v/key"):
        memory.put(name, Secret("value"))
    memory.delete("w/v/deleted")
    memory.forget_calls()
    return Faults(memory, sleep=clock.sleep)


def retry(inner: Driver, clock: FakeClock, timeout: float = 15.0) -> Retry:
    """Return a Retry whose jitter is the longest."""
    return Retry(inner, timeout=timeout, clock=clock, sleep=clock.sleep, jitter=lambda: 1.0)


def test_layer_passes_the_rest_on() -> None:
    """Setting up, a transaction and closing reach the driver inside."""

    class Noted(Memory):
        closed = False

        def setup(self) -> str:
            return "made it"

        def close(self) -> None:
            self.closed = True

    noted = Noted()
    layer = Layer(noted)
    assert layer.setup() == "made it"
    with layer.transaction():
        layer.put("w/v/key", Secret("value"))
        assert not noted.server._secrets
    layer.close()
    assert noted.closed


@pytest.mark.parametrize("op", OPERATIONS)
def test_throttled_is_repeated(op: str, faults: Faults, clock: FakeClock) -> None:
    """Whatever the store refused as too many calls is asked again, writes too, with pauses that double."""
    faults.fail(op, Throttled, times=3)
    OPERATIONS[op](retry(faults, clock))
    assert len(faults.calls) == 4
    assert clock.slept == [Budget.FIRST_PAUSE, 2 * Budget.FIRST_PAUSE, 4 * Budget.FIRST_PAUSE]


@pytest.mark.parametrize("op", READS)
def test_unanswered_read_is_repeated(op: str, faults: Faults, clock: FakeClock) -> None:
    """A read without an answer is asked again."""
    faults.fail(op, Unavailable, times=1)
    OPERATIONS[op](retry(faults, clock))
    assert len(faults.calls) == 2


@pytest.mark.parametrize("op", WRITES)
def test_unanswered_write_is_sent_once(op: str, faults: Faults, clock: FakeClock) -> None:
    """A write whose answer is lost is never sent again; the store's own exception comes out."""
    faults.lose_answer(op)
    with pytest.raises(Fault):
        OPERATIONS[op](retry(faults, clock))
    assert len(faults.calls) == 1
    assert clock.slept == []


@pytest.mark.parametrize("kind", [Denied, NotFound, SecretsError])
def test_other_answers_are_final(kind: type[SecretsError], faults: Faults, clock: FakeClock) -> None:
    """What another try would not change is not tried again."""
    faults.fail("get", kind)
    with pytest.raises(Fault):
        OPERATIONS["get"](retry(faults, clock))
    assert len(faults.calls) == 1


@pytest.mark.parametrize(("op", "budget"), [("get", 15.0), ("put", 60.0), ("list", 15.0)])
def test_repeats_end_within_the_budget(op: str, budget: float, faults: Faults, clock: FakeClock) -> None:
    """Repeats stop before the time for a read, or four times that for a write; the error is not retryable any more."""
    faults.fail(op, Throttled, hint="ask for more quota")
    with pytest.raises(Throttled) as caught:
        OPERATIONS[op](retry(faults, clock))
    assert budget - Budget.LONGEST_PAUSE <= sum(clock.slept) < budget
    assert max(clock.slept) == Budget.LONGEST_PAUSE
    assert (caught.value.retryable, caught.value.op, caught.value.hint) == (False, op, "ask for more quota")
    assert caught.value.__context__ is None


def test_slow_calls_use_up_the_budget(faults: Faults, clock: FakeClock) -> None:
    """The time that calls take counts, not only the pauses."""
    faults.fail("get", Unavailable)
    slow = Faults(faults, sleep=clock.sleep)
    slow.slow("get", 10.0)
    with pytest.raises(Unavailable):
        OPERATIONS["get"](retry(slow, clock))
    assert len(slow.calls) == 2


def test_outer_retry_leaves_spent_alone(faults: Faults, clock: FakeClock) -> None:
    """A retry around a retry does not multiply the repeats."""
    faults.fail("get", Throttled)
    inner = retry(faults, clock, timeout=1.0)
    with pytest.raises(Throttled):
        OPERATIONS["get"](retry(inner, clock))
    assert sum(clock.slept) < 1.0


def test_pause_is_no_shorter_than_the_store_asks(faults: Faults, clock: FakeClock) -> None:
    """The store's own Retry-After is waited for."""
    faults.fail("get", Throttled, times=1, retry_after=7.0)
    OPERATIONS["get"](retry(faults, clock))
    assert clock.slept == [7.0 + Budget.FIRST_PAUSE]


def test_retry_after_beyond_the_budget_is_not_waited_for(faults: Faults, clock: FakeClock) -> None:
    """A store that asks for more time than there is gets no second call."""
    faults.fail("get", Throttled, retry_after=30.0)
    with pytest.raises(Throttled):
        OPERATIONS["get"](retry(faults, clock))
    assert clock.slept == []


def test_jitter_halves_a_pause_at_most(faults: Faults, clock: FakeClock) -> None:
    """The pause is between half and all of its length."""
    faults.fail("get", Throttled, times=1)
    OPERATIONS["get"](Retry(faults, clock=clock, sleep=clock.sleep, jitter=lambda: 0.0))
    assert clock.slept == [Budget.FIRST_PAUSE / 2]


def test_sdk_that_retries_is_left_alone(clock: FakeClock) -> None:
    """Where the SDK repeats by itself, nothing is repeated on top of it."""
    faults = Faults(Memory(caps=replace(FULL, retries=True)))
    faults.fail("", Throttled)
    layer = retry(faults, clock)
    for op in ("get", "list", "put"):
        with pytest.raises(Fault):
            OPERATIONS[op](layer)
    assert clock.slept == []


@given(breaks=st.lists(st.integers(0, 12), max_size=6))
def test_broken_listing_goes_on(breaks: list[int]) -> None:
    """A listing that breaks off anywhere, any number of times, gives each name once."""
    clock, memory = FakeClock(), Memory()
    wanted = [f"w/v/key-{number:02}" for number in range(10)]
    for name in wanted:
        memory.put(name, Secret("value"))
    faults = Faults(memory)
    for entries in breaks:
        faults.fail("list", Unavailable, times=1, entries=entries)
    assert [entry.name for entry in retry(faults, clock).list("w/v/")] == wanted


def test_broken_history_goes_on(faults: Faults, clock: FakeClock) -> None:
    """Versions, which share one name, are distinguished by their tokens."""
    for text in ("two", "three"):
        faults.put("w/v/key", Secret(text))
    faults.fail("versions", Throttled, times=2, entries=2)
    tokens = [entry.version for entry in retry(faults, clock).versions("w/v/key")]
    assert tokens == [entry.version for entry in faults.versions("w/v/key")]


def test_each_entry_renews_the_budget(faults: Faults, clock: FakeClock) -> None:
    """A long listing may take longer than one call, as long as it goes on."""
    for number in range(20):
        faults.put(f"w/v/key-{number:02}", Secret("value"))
    for entries in range(20):
        faults.fail("list", Throttled, times=1, entries=entries, retry_after=10.0)
    assert len(list(retry(faults, clock).list("w/v/"))) == 21
    assert sum(clock.slept) > 190.0


@given(
    rate=st.floats(0.5, 50.0),
    gaps=st.lists(st.floats(0.0, 3.0), min_size=1, max_size=80),
    throttled=st.sets(st.integers(0, 79)),
)
@settings(deadline=None)
def test_quota_never_exceeds_the_rate(rate: float, gaps: list[float], throttled: set[int]) -> None:
    """Whenever calls come and whatever is throttled, any w seconds see at most rate * w calls and one burst."""
    clock = FakeClock()
    bucket, sent = Bucket(rate, clock), list[float]()
    for number, gap in enumerate(gaps):
        clock.sleep(gap)
        pause = bucket.take(float("inf"))
        assert pause is not None
        clock.sleep(pause)
        sent.append(clock())
        if number in throttled:
            bucket.halve()
    for first, start in enumerate(sent):
        for last in range(first, len(sent)):
            assert last - first + 1 <= rate * (sent[last] - start) + max(1.0, rate) + 1e-6


def test_quota_paces_threads(clock: FakeClock) -> None:
    """Threads share the bucket: each waits for all that came before it."""
    bucket = Bucket(10.0, clock)
    with ThreadPoolExecutor(8) as threads:
        pauses = list(threads.map(bucket.take, [100.0] * 60))
    assert sorted(pause or 0.0 for pause in pauses) == pytest.approx([0.0] * 10 + [n / 10 for n in range(1, 51)])


@pytest.mark.parametrize(("op", "kind"), [("get", "get"), ("get_many", "get"), ("versions", "list"), ("put", "write")])
def test_each_kind_of_call_has_its_own_rate(op: str, kind: Literal["get", "list", "write"], clock: FakeClock) -> None:
    """A method waits for the rate of its kind, and for no other."""
    memory = Memory(caps=replace(FULL, per_s={kind: 1.0}))
    memory.put("w/v/key", Secret("value"))
    layer = Quota(memory, clock=clock, sleep=clock.sleep)
    for name in ("stat", op, op, op):
        OPERATIONS[name](layer)
    assert sum(clock.slept) == pytest.approx(2.0)


@pytest.mark.forks
def test_fork_does_not_copy_a_held_lock(clock: FakeClock) -> None:
    """A child that is forked while a thread of the parent is in the bucket can still take tokens."""
    bucket = Bucket(1.0, clock)
    with bucket._locks.get(), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside threads, which is what is tested
        child = os.fork()
        if not child:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(5)  # ends a child that waits for the lock
            os._exit(0 if bucket.take(1.0) == 0.0 else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_throttled_halves_the_rate_which_recovers(clock: FakeClock) -> None:
    """After a refusal calls go out at half the rate, and a minute later at the whole one again."""
    bucket = Bucket(10.0, clock)
    bucket.halve()
    assert bucket.take(1.0) == pytest.approx(1 / 5)
    clock.sleep(RECOVERY)
    while not bucket.take(1.0):
        pass
    assert bucket.take(1.0) == pytest.approx(2 / 10)


def test_many_refusals_at_once_count_as_one(clock: FakeClock) -> None:
    """Refusals of calls that were under way together halve the rate once; later ones down to a sixteenth."""
    bucket = Bucket(16.0, clock)
    for _ in range(8):
        bucket.halve()
    assert bucket.take(10.0) == pytest.approx(1 / 8)
    for _ in range(20):
        clock.sleep(1.0)
        bucket.halve()
    assert bucket.take(10.0) == pytest.approx(1.0, rel=0.3)


@pytest.mark.parametrize(("kind", "slept"), [(Throttled, [pytest.approx(1 / 5)]), (Unavailable, [])])
@pytest.mark.parametrize("op", ["get", "list"])
def test_quota_hears_the_store(
    op: str, kind: type[SecretsError], slept: list[float], faults: Faults, clock: FakeClock
) -> None:
    """A throttled call, also in the midst of a listing, slows the next one down; another failure does not."""
    faults.caps = replace(faults.caps, per_s={"get": 10.0, "list": 10.0})
    layer = Quota(faults, clock=clock, sleep=clock.sleep)
    faults.fail(op, kind, times=1, entries=1)
    with pytest.raises(Fault):
        OPERATIONS[op](layer)
    OPERATIONS[op](layer)
    assert clock.slept == slept


class Insisting(Layer):
    """A driver whose SDK is refused once in each call, and gets its answer when it tries again."""

    def around(self, call: Call, do: Callable[[], T]) -> T:
        """Say so, and answer."""
        throttled()
        return super().around(call, do)

    def around_each(self, call: Call, do: Callable[[], Iterator[Entry]]) -> Iterator[Entry]:
        """Say so in the midst, and answer."""
        for entry in super().around_each(call, do):
            throttled()
            yield entry


@pytest.mark.parametrize(("op", "other"), [("get", "list"), ("get_many", "put"), ("list", "get"), ("put", "versions")])
def test_quota_hears_the_sdk(op: str, other: str, faults: Faults, clock: FakeClock) -> None:
    """A refusal that the SDK got over slows the next call of its kind down, and none of another kind."""
    faults.caps = replace(faults.caps, per_s={"get": 10.0, "list": 10.0, "write": 10.0})
    layer = Quota(Insisting(faults), clock=clock, sleep=clock.sleep)
    OPERATIONS[op](layer)
    OPERATIONS[other](layer)
    assert clock.slept == []
    OPERATIONS[op](layer)
    assert clock.slept == [pytest.approx(1 / 5)]


def test_quota_hears_repeats_inside_of_it(faults: Faults, clock: FakeClock) -> None:
    """Repeats that are made inside of a quota, as those of an SDK, are heard as well."""
    faults.caps = replace(faults.caps, per_s={"get": 10.0})
    layer = Quota(Retry(faults, sleep=lambda _: None), clock=clock, sleep=clock.sleep)
    faults.fail("get", Throttled, times=1)
    OPERATIONS["get"](layer)
    OPERATIONS["get"](layer)
    assert clock.slept == [pytest.approx(1 / 5)]


def test_a_refusal_is_heard_in_its_call_alone(faults: Faults, clock: FakeClock) -> None:
    """What another thread is refused meanwhile, or this one after its call, is not put down to the call."""

    class Elsewhere(Layer):
        def around(self, call: Call, do: Callable[[], T]) -> T:
            thread.submit(throttled).result()
            return super().around(call, do)

    faults.caps = replace(faults.caps, per_s={"get": 10.0})
    with ThreadPoolExecutor(1) as thread:
        layer = Quota(Elsewhere(faults), clock=clock, sleep=clock.sleep)
        OPERATIONS["get"](layer)
        throttled()
        OPERATIONS["get"](layer)
    assert clock.slept == []


def test_wait_beyond_the_budget_is_throttled(clock: FakeClock) -> None:
    """A call that would wait longer than it may take is not sent, and takes no place in the row."""
    memory = Memory(caps=replace(FULL, per_s={"write": 0.01}))
    layer = Quota(memory, clock=clock, sleep=clock.sleep)
    OPERATIONS["put"](layer)
    for _ in range(2):
        with pytest.raises(Throttled):
            OPERATIONS["put"](layer)
    clock.sleep(45.0)
    OPERATIONS["put"](layer)
    assert memory.calls["put"] == 2


@pytest.mark.parametrize(
    ("caps", "layers"),
    [
        (FULL, [Retry]),
        (replace(FULL, per_s={"get": 1.0}), [Retry, Quota]),
        (replace(FULL, retries=True), []),
        (replace(FULL, retries=True, per_s={"get": 1.0}), [Quota]),
    ],
)
def test_stack_has_the_layers_that_the_caps_call_for(caps: Caps, layers: list[type[Layer]]) -> None:
    """Repeats where the SDK has none, outside of the quota, so that each repeat waits its turn."""
    found, driver = list[type[Driver]](), stack(Memory(caps=caps))
    while isinstance(driver, Layer):
        found.append(type(driver))
        driver = driver.inner
    assert found == layers


def test_import_is_light() -> None:
    """The layers bring no event loop and no test library along."""
    code = "import tailorsecrets.store.layers, sys; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"asyncio", "concurrent.futures", "pytest", "hypothesis"} & set(run.stdout.split())
