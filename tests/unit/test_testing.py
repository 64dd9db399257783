"""The memory driver's and the fault layer's own promises to tests."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from tailorsecrets.errors import (
    Denied,
    NameInvalid,
    NotFound,
    SecretsError,
    Throttled,
    TooLarge,
    Unavailable,
    Unsupported,
    ValueInvalid,
)
from tailorsecrets.secret import Secret
from tailorsecrets.store.layers import Call
from tailorsecrets.testing import Memory
from tailorsecrets.testing.clock import FakeClock
from tailorsecrets.testing.faults import Crash, Fault, Faults
from tailorsecrets.testing.memory import FULL, WITH_CONTAINERS


def test_import_needs_no_extra() -> None:
    """The memory driver and the faults come without pytest and hypothesis."""
    code = "import tailorsecrets.testing, tailorsecrets.testing.faults, sys; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"pytest", "hypothesis", "asyncio"} & set(run.stdout.split())


def test_memory_counts_calls() -> None:
    """Each method is counted, and value reads and writes in sum, by any thread."""
    memory = Memory()
    with ThreadPoolExecutor(8) as threads:
        for number in range(100):
            threads.submit(memory.put, f"w/v/key-{number}", Secret("value"))
    memory.get("w/v/key-1")
    memory.get_many(["w/v/key-1", "w/v/key-2"])
    memory.stat("w/v/key-1")
    assert dict(memory.calls) == {"put": 100, "get": 1, "get_many": 1, "stat": 1}
    assert (memory.value_reads, memory.writes) == (2, 100)
    memory.forget_calls()
    assert not memory.calls


def test_memory_refuses_what_it_does_not_announce() -> None:
    """A keyword whose capability is off is the caller's mistake, and is found out."""
    memory = Memory(caps=replace(FULL, stamps=False, tags=False))
    with pytest.raises(Unsupported):
        memory.put("w/v/key", Secret("value"), stamp="s")
    with pytest.raises(Unsupported):
        memory.put("w/v/key", Secret("value"), tags={"team": "payments"})


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("w/v/" + "n" * 60, "value", NameInvalid),
        ("w/v/key", "x" * 11, TooLarge),
        ("w/v/key", "", ValueInvalid),
        ("w/none/key", "value", NotFound),
    ],
)
def test_memory_keeps_its_limits(name: str, text: str, kind: type[SecretsError]) -> None:
    """A name or value over the declared limits, and a container that nobody made, are refused as a store would."""
    memory = Memory(caps=replace(WITH_CONTAINERS, max_name=20, max_bytes=10, empty=False))
    memory.make("w/v", "")
    with pytest.raises(kind):
        memory.put(name, Secret(text))
    with pytest.raises(NotFound):
        memory.drop("w/none")


def test_memory_without_transactions_writes_at_once() -> None:
    """Where transactions are not announced, a transaction changes nothing about its writes."""
    memory = Memory(caps=replace(FULL, transactions=False))
    other = Memory(server=memory.server)
    with memory.transaction():
        memory.put("w/v/key", Secret("value"))
        assert other.get("w/v/key").value == Secret("value")


def test_transaction_deletes_at_its_end() -> None:
    """A purge inside a transaction takes the name away for all once the transaction ends."""
    memory = Memory()
    memory.put("w/v/key", Secret("value"))
    with memory.transaction():
        memory.delete("w/v/key", purge=True)
    with pytest.raises(NotFound):
        memory.stat("w/v/key")


def test_memories_share_a_server() -> None:
    """Two drivers on one server see each other's writes."""
    one = Memory()
    other = Memory(server=one.server)
    one.put("w/v/key", Secret("value"))
    assert other.get("w/v/key").value == Secret("value")


def test_backdoor_removes_and_recovers() -> None:
    """The other tool can take a name away, and end an outage."""
    memory = Memory()
    memory.put("w/v/key", Secret("value"))
    memory.backdoor.unreachable()
    with pytest.raises(Unavailable):
        memory.get("w/v/key")
    memory.backdoor.recover()
    memory.backdoor.remove("w/v/key")
    with pytest.raises(NotFound):
        memory.get("w/v/key")


def test_lagging_list_shows_what_was_settled() -> None:
    """With a declared lag, a list trails until the test lets it catch up; stat does not."""
    memory = Memory(caps=replace(FULL, list_lag=300.0))
    memory.put("w/v/key", Secret("value"))
    assert not list(memory.list(""))
    assert memory.stat("w/v/key").state == "live"
    memory.settle()
    memory.delete("w/v/key")
    assert [entry.name for entry in memory.list("")] == ["w/v/key"]


def test_inner_transaction_belongs_to_the_outer() -> None:
    """The writes of an inner transaction are undone when the outer one fails."""
    memory = Memory()

    def fail_late() -> None:
        with memory.transaction():
            with memory.transaction():
                memory.put("w/v/key", Secret("value"))
            memory.get("w/v/key")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_late()
    with pytest.raises(NotFound):
        memory.get("w/v/key")


@pytest.fixture
def faults() -> Faults:
    """Return a faulty layer around two secrets."""
    memory = Memory()
    for name in ("w/v/one", "w/v/two"):
        memory.put(name, Secret("value"))
    return Faults(memory, sleep=FakeClock().sleep)


def test_fault_strikes_by_name_and_number(faults: Faults) -> None:
    """A fault affects the named secret the given number of times, and explains as its problem."""
    faults.fail("get", Throttled, name="w/v/one", times=1, hint="slowly", retry_after=2.0)
    faults.get("w/v/two")
    with pytest.raises(Fault) as caught:
        faults.get("w/v/one")
    problem = faults.explain(caught.value, "get")
    assert (problem.kind, problem.hint, problem.retry_after) == (Throttled, "slowly", 2.0)
    faults.get("w/v/one")
    assert faults.calls == [Call("get", "w/v/two"), Call("get", "w/v/one"), Call("get", "w/v/one")]


def test_fault_of_one_name_spoils_its_answer_in_a_batch(faults: Faults) -> None:
    """A get that is denied by name is denied in a batch too, in its own place."""
    faults.fail("get", Denied, name="w/v/one")
    answers = faults.get_many(["w/v/one", "w/v/two"])
    assert isinstance(answers["w/v/one"], Fault)
    assert not isinstance(answers["w/v/two"], Exception)


def test_lost_answer_comes_after_the_write(faults: Faults) -> None:
    """The write is done, and the caller hears that the store is unavailable."""
    faults.lose_answer("put")
    with pytest.raises(Fault) as caught:
        faults.put("w/v/one", Secret("new"))
    assert faults.explain(caught.value, "put").kind is Unavailable
    assert faults.get("w/v/one").value == Secret("new")


def test_slow_call_takes_its_time() -> None:
    """A slow call sleeps and then answers."""
    clock = FakeClock()
    faults = Faults(Memory(), sleep=clock.sleep)
    faults.slow("put", 30.0, times=1)
    for _ in range(2):
        faults.put("w/v/key", Secret("value"))
    assert clock.slept == [30.0]


def test_crash_comes_after_so_many_calls(faults: Faults) -> None:
    """The process dies before the call that follows, and before each one after that, until it is healed."""
    faults.crash(after=1)
    faults.put("w/v/one", Secret("new"))
    for _ in range(2):
        with pytest.raises(Crash):
            faults.put("w/v/two", Secret("new"))
    faults.heal()
    assert [faults.get(name).value.reveal() for name in ("w/v/one", "w/v/two")] == ["new", "value"]
