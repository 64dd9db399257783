"""Strain: many threads, a fork, a crash, throttling, and connections that must close."""

import gc
import os
import select
import signal
import sys
import time
import warnings
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from tailorsecrets.driver import ABSENT, Driver, Entry
from tailorsecrets.errors import AlreadyExists, Conflict, NotFound
from tailorsecrets.secret import Secret
from tailorsecrets.store.layers import Layer, Quota, Retry
from tailorsecrets.store.versions import is_version
from tailorsecrets.testing.backdoor import Backdoor
from tailorsecrets.testing.clock import FakeClock
from tailorsecrets.testing.conformance.suite import (
    STAMP,
    Connect,
    Suite,
    check,
    equal,
    group,
    names,
    problem,
    unless,
    uses,
    where,
)
from tailorsecrets.testing.faults import Crash

THREADS = 16
CONNECTIONS = 4
ROUNDS = 2  # of each thread, at least
LEAST = 0.2  # seconds that the threads go on for, at least
SHORTEST_TURN = 1e-6  # seconds
WRITES = 12  # of each process, and as many of a secret that both write
HEAD_START = 0.05  # seconds in which both processes are there
CREATING = 0.2  # seconds in which both processes create the same names
TURN = 0.003  # seconds between two of them
MOST_CALLS = 60  # that the writes of one crash test may take
LONGEST_CHILD = 20.0  # seconds until a forked child that does not answer is killed
LONGEST_CLOSE = 3.0  # seconds in which a connection that a thread closes must be closed
DESCRIPTORS = Path("/dev/fd")  # has an entry for each one that this process has open


@group("strain")
class Strain(Suite):
    """The tests of a driver under strain: threads, forks, repeated closing, crashes and throttling."""

    def test_threads_16(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """Sixteen threads on one connection each read and write their own secret, and all read a shared one."""
        backdoor.write(vault + "shared", "shared")
        self.check_threads([driver] * THREADS, backdoor, vault)

    def test_threads_on_connections(self, driver: Driver, connect: Connect, backdoor: Backdoor, vault: str) -> None:
        """Threads on several connections of one process each read and write their own secret, and none is lost."""
        backdoor.write(vault + "shared", "shared")
        others = [connect() for _ in range(CONNECTIONS)]
        self.check_threads([others[number % CONNECTIONS] for number in range(THREADS)], backdoor, vault)
        for other in others:
            other.close()
        found = [driver.get(f"{vault}key-{number}").value.reveal()[:3] for number in range(THREADS)]
        equal(found, ["of "] * THREADS, "the beginnings of the values that sixteen threads wrote")

    @where(lambda caps: caps.writes and hasattr(os, "fork"), "the driver declares no writes")
    @unless("in_memory", "the store is in the memory of this process (`in_memory`)")
    @pytest.mark.forks
    def test_two_processes_write(self, driver: Driver, connect: Connect, vault: str) -> None:
        """Of two processes that write at once, no write is lost, and no name is created twice with ABSENT."""
        driver.put(vault + "shared", Secret("first"))
        drivers = [connect() for _ in range(2)]  # here, since the author's fixtures need not bear a fork
        begin = time.monotonic() + HEAD_START
        children = [
            _forked(partial(self.write_many, each, vault, number, begin)) for number, each in enumerate(drivers)
        ]
        made: list[str] = []
        for number, child in enumerate(children):
            done, _, rest = _said(child).partition(": ")
            check(done == "done", f"process {number + 1} of two that write at once got: {done}: {rest}")
            made += rest.split()
        twice = len(made) - len(set(made))
        check(not twice, f"each of two processes created the same {twice} of {len(set(made))} names with ABSENT")
        for each in drivers:
            each.close()
        other = connect()
        wanted = {f"{vault}key-{number}-{each}": f"of {number}" for number in range(2) for each in range(WRITES)}
        lost = [name for name, text in wanted.items() if _text_or_none(other, name) != text]
        message = f"{len(lost)} of {len(wanted)} secrets are lost or changed after two processes wrote at once"
        check(not lost, f"{message} (declare `in_memory` if the store is in the memory of the tests' process)")
        check(_text_or_none(other, vault + "shared") in {"of 0", "of 1"}, "the secret that both wrote is neither's")
        if self.caps.lists and not self.caps.list_lag:
            listed = {name for name in names(other.list(vault)) if not name.startswith(vault + "once-")}
            check(set(wanted) <= listed, f"list yields {len(listed)} names after two processes wrote {len(wanted) + 1}")
        other.close()

    def write_many(self, driver: Driver, vault: str, number: int, begin: float) -> str:
        """Write the secrets of process *number*, one of which the other process writes too; say how it went.

        Both processes also create the same names, each at the same moment, from *begin* on, if that is announced.
        """
        made, end = list[str](), begin + CREATING
        for each, moment in enumerate(_moments(begin, end) if self.caps.cas != "none" else ()):
            while time.monotonic() < moment:
                pass  # a sleep ends too late to meet the other process
            made += [f"{each}"] if self.creates(driver, f"{vault}once-{each}") else []
            if time.monotonic() > end:
                break
        for each in range(WRITES):
            driver.put(f"{vault}key-{number}-{each}", Secret(f"of {number}"))
            driver.put(vault + "shared", Secret(f"of {number}"))
        return f"done: {' '.join(made)}"

    def creates(self, driver: Driver, name: str) -> bool:
        """Create *name*; return False where another has done it before."""
        try:
            driver.put(name, Secret("once"), expect=ABSENT)
        except Exception as exc:
            if issubclass(problem(driver, exc, "put").kind, (AlreadyExists, Conflict)):
                return False
            raise
        return True

    def check_threads(self, drivers: Sequence[Driver], backdoor: Backdoor, vault: str) -> None:
        """Let a thread on each of *drivers* read and write, and check that each gets its own answers."""
        end = time.monotonic() + LEAST

        def work(number: int) -> list[str]:
            name, driver, wrong, rounds = f"{vault}key-{number}", drivers[number], list[str](), 0
            while rounds < ROUNDS or time.monotonic() < end:
                rounds += 1
                wrong += self.strained(driver, backdoor, name, f"of {number}, {rounds}", vault + "shared")
            return wrong

        with _switching(), ThreadPoolExecutor(len(drivers)) as threads:
            wrong = [each for answers in threads.map(work, range(len(drivers))) for each in answers]
        check(not wrong, f"among sixteen threads {wrong[0] if wrong else ''}")

    def strained(self, driver: Driver, backdoor: Backdoor, name: str, text: str, shared: str) -> list[str]:
        """Write and read *name* once, and return what is wrong with the answers."""
        written = driver.put(name, Secret(text)) if self.caps.writes else None
        if written is None:
            backdoor.write(name, text)
        found, other = driver.get(name), driver.get(shared)
        entries = [(op, entry) for op, entry in (("put", written), ("get", found.entry)) if entry]
        if self.caps.stats:
            entries.append(("stat", driver.stat(name)))
        if self.caps.lists and not self.caps.list_lag:
            listed = names(driver.list(name))
            entries += [] if name in listed else [("list", Entry(name=f"{len(listed)} others"))]
        wrong = [f"{op} returned {entry.name}, expected {name}" for op, entry in entries if entry.name != name]
        if written and self.caps.versions and not is_version(found.entry, written.version):
            wrong.append("get after put returned another version than put")
        values = (found.value.reveal(), other.value.reveal())
        return wrong if values == (text, "shared") else [*wrong, f"get returned {values}, expected {(text, 'shared')}"]

    @where(lambda _: hasattr(os, "fork"), "this system has no fork")
    @pytest.mark.forks
    def test_fork_then_read(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """A used connection reads in a forked child, and in the parent afterwards."""
        backdoor.write(vault + "key", "value")
        driver.get(vault + "key")
        equal(_said(_forked(partial(_read, driver, vault + "key"))), "value", "what a forked child read")
        equal(driver.get(vault + "key").value.reveal(), "value", "what the parent read afterwards")

    def test_close_twice(self, driver: Driver, connect: Connect, backdoor: Backdoor, vault: str) -> None:
        """A connection, used or not, may be closed twice, and that disturbs no other connection."""
        backdoor.write(vault + "key", "value")
        for used in (False, True):
            other = connect()
            if used:
                other.get(vault + "key")
            other.close()
            try:
                other.close()
            except Exception as exc:  # noqa: BLE001 - whatever it is
                raise AssertionError(f"the second close raised {type(exc).__name__}") from None
        equal(driver.get(vault + "key").value.reveal(), "value", "what another connection read afterwards")

    @where(lambda _: DESCRIPTORS.is_dir(), "this system cannot list open descriptors")
    def test_close_leaves_nothing_open(self, connect: Connect, backdoor: Backdoor, vault: str) -> None:
        """Used and closed connections leave no descriptor open, even before garbage collection."""
        backdoor.write(vault + "key", "value")
        closed = [_used_and_closed(connect(), vault + "key")]  # this one may open shared descriptors
        before = _descriptors()
        with _uncollected():
            closed += [_used_and_closed(connect(), vault + "key") for _ in range(CONNECTIONS)]
            end = time.monotonic() + LONGEST_CLOSE
            while _descriptors() > before and time.monotonic() < end:
                time.sleep(0.01)
            left = _descriptors() - before
            check(left <= 0, f"{len(closed)} connections were closed and left {left} descriptors open")

    @where(lambda caps: caps.writes, "the driver declares no writes")
    @uses("crash")
    def test_crash_between_every_two_calls(
        self, driver: Driver, connect: Connect, backdoor: Backdoor, vault: str
    ) -> None:
        """Wherever the process dies in a series of writes, repeating the series gives the same result."""
        for survived in range(MOST_CALLS):
            name, mortal = f"{vault}key-{survived}", connect()
            crashed = self.crashed(mortal, backdoor, name, survived)
            self.write_series(driver, name)
            self.check_series(driver, backdoor, name)
            mortal.close()
            if not crashed:
                return
        raise AssertionError(f"three writes took more than {MOST_CALLS} calls")

    @uses("throttle")
    def test_throttled_then_served(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """After the store has throttled a read or a write twice, a retry succeeds."""
        backdoor.write(vault + "key", "value")
        retrying = Retry(driver, sleep=lambda _: None)
        backdoor.throttle(2)
        equal(retrying.get(vault + "key").value.reveal(), "value", "what a retry read")
        if self.caps.writes:
            backdoor.throttle(2)
            retrying.put(vault + "key", Secret("new"))
        backdoor.recover()

    @uses("throttle")
    def test_throttled_is_reported(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """After a throttled call, calls of its kind are sent more slowly, also if the SDK retries."""
        backdoor.write(vault + "key", "value")
        self.check_it_slows_down(driver, backdoor, lambda paced: paced.get(vault + "key"))
        if self.caps.writes:
            self.check_it_slows_down(driver, backdoor, lambda paced: paced.put(vault + "key", Secret("new")))
        backdoor.recover()

    def check_it_slows_down(self, driver: Driver, backdoor: Backdoor, call: Callable[[Driver], object]) -> None:
        """Check that the next *call* after a throttled one waits, although few were sent."""
        clock, limited = FakeClock(), Layer(driver)
        limited.caps = replace(limited.caps, per_s={"get": 10.0, "write": 10.0})
        retrying = Retry(Quota(limited, clock=clock, sleep=clock.sleep), sleep=lambda _: None)
        call(retrying)
        check(not clock.slept, "a call waited before any was throttled")
        backdoor.throttle(1)
        call(retrying)
        call(retrying)
        check(
            clock.slept and max(clock.slept) > 1 / 10,
            "a throttled call was not reported: call tailorsecrets.driver.throttled(), or raise it",
        )

    def crashed(self, driver: Driver, backdoor: Backdoor, name: str, survived: int) -> bool:
        """Write the series until the process dies after *survived* calls; return whether it died."""
        backdoor.crash(after=survived)
        try:
            self.write_series(driver, name)
        except Crash:
            return True
        finally:
            backdoor.recover()
        return False

    def write_series(self, driver: Driver, name: str) -> None:
        """Write, delete and write again."""
        stamp = STAMP if self.caps.stamps else ""
        driver.put(name, Secret("first"), stamp=stamp)
        driver.delete(name)
        driver.put(name, Secret("last"), stamp=stamp)

    def check_series(self, driver: Driver, backdoor: Backdoor, name: str) -> None:
        """Check that *name* is as the series leaves it."""
        stored = driver.get(name)
        equal(stored.value.reveal(), "last", "the value after a crash and a rerun")
        equal(stored.entry.stamp, STAMP if self.caps.stamps else "", "the stamp after a crash and a rerun")
        if self.caps.lists:
            backdoor.settle()
            equal(names(driver.list(name)).count(name), 1, "the times that a list shows the name")


def _used_and_closed(driver: Driver, name: str) -> Driver:
    """Read *name*, and a missing name, and close."""
    driver.get(name)
    with suppress(Exception):  # not ``refused``: since Python 3.12 a generator keeps the exception until a collection
        driver.get(name + "-missing")
    driver.close()
    return driver


@contextmanager
def _uncollected() -> Generator[None]:
    """Collect no garbage until the end of the block."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _descriptors() -> int:
    return len(list(DESCRIPTORS.iterdir()))


def _read(driver: Driver, name: str) -> str:
    return driver.get(name).value.reveal()


class _Child(NamedTuple):
    pid: int
    pipe: int


def _moments(begin: float, end: float) -> list[float]:
    return [begin + TURN * each for each in range(round((end - begin) / TURN))]


def _forked(do: Callable[[], str]) -> _Child:
    """Call *do* in a forked child."""
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # about a fork with threads, which is tested here
        pid = os.fork()
    if not pid:
        _say_and_exit(do, writer)
    os.close(writer)
    return _Child(pid, reader)


def _said(child: _Child) -> str:
    """Return what *child* returned, or its exception, when it has ended."""
    waiting = select.poll()  # select() takes no descriptor over 1,023
    waiting.register(child.pipe, select.POLLIN)
    ready = waiting.poll(LONGEST_CHILD * 1000)
    if not ready:
        os.kill(child.pid, signal.SIGKILL)
    with os.fdopen(child.pipe, "rb") as pipe:
        text = pipe.read().decode()
    os.waitpid(child.pid, 0)
    return text if ready else f"nothing in {LONGEST_CHILD:g} seconds"


def _say_and_exit(do: Callable[[], str], writer: int) -> None:
    """Write the result or the exception, and end the child without the parent's exit functions."""
    try:
        text = do()
    except BaseException as exc:  # noqa: BLE001 - a child that goes on would run the rest of the tests
        text = repr(exc)
    os.write(writer, text.encode())
    os._exit(0)


def _text_or_none(driver: Driver, name: str) -> str | None:
    try:
        return driver.get(name).value.reveal()
    except Exception as exc:
        if issubclass(problem(driver, exc, "get").kind, NotFound):
            return None
        raise


@contextmanager
def _switching() -> Generator[None]:
    """Let threads take turns as often as possible, which reveals state that one thread changes for another."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(SHORTEST_TURN)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
