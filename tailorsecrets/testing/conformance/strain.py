"""Strain: many threads, a fork, a crash, throttling, and connections that must close."""

import gc
import os
import select
import signal
import time
import warnings
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from tailorsecrets.driver import Driver
from tailorsecrets.secret import Secret
from tailorsecrets.store.layers import Layer, Quota, Retry
from tailorsecrets.testing.backdoor import Backdoor
from tailorsecrets.testing.clock import FakeClock
from tailorsecrets.testing.conformance.suite import STAMP, Connect, Suite, names, uses, where
from tailorsecrets.testing.faults import Crash

THREADS = 16
CONNECTIONS = 4
MOST_CALLS = 60  # that the writes of one crash test may take
LONGEST_CHILD = 20.0  # seconds until a forked child that does not answer is killed
LONGEST_CLOSE = 3.0  # seconds in which a connection that a thread closes must be closed
DESCRIPTORS = Path("/dev/fd")  # has an entry for each one that this process has open


class Strain(Suite):
    """The tests of a driver under strain: threads, forks, repeated closing, crashes and throttling."""

    def test_threads_16(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """Sixteen threads on one connection each read and write their own secret, and all read a shared one."""
        backdoor.write(vault + "shared", "shared")

        def work(number: int) -> tuple[str, str]:
            name = f"{vault}key-{number}"
            if self.caps.writes:
                driver.put(name, Secret(f"of {number}"))
            else:
                backdoor.write(name, f"of {number}")
            return driver.get(name).value.reveal(), driver.get(vault + "shared").value.reveal()

        with ThreadPoolExecutor(THREADS) as threads:
            answers = list(threads.map(work, range(THREADS)))
        assert answers == [(f"of {number}", "shared") for number in range(THREADS)]

    @where(lambda _: hasattr(os, "fork"))
    @pytest.mark.forks
    def test_fork_then_read(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """A used connection reads in a forked child, and in the parent afterwards."""
        backdoor.write(vault + "key", "value")
        driver.get(vault + "key")
        assert _in_a_child(driver, vault + "key") == "value"
        assert driver.get(vault + "key").value.reveal() == "value"

    def test_close_twice(self, driver: Driver, connect: Connect, backdoor: Backdoor, vault: str) -> None:
        """A connection, used or not, may be closed twice, and that disturbs no other connection."""
        backdoor.write(vault + "key", "value")
        for used in (False, True):
            other = connect()
            if used:
                other.get(vault + "key")
            other.close()
            other.close()
        assert driver.get(vault + "key").value.reveal() == "value"

    @where(lambda _: DESCRIPTORS.is_dir())
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
            assert _descriptors() <= before, f"{len(closed)} connections were closed and left some open"

    @where(lambda caps: caps.writes)
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
        assert retrying.get(vault + "key").value.reveal() == "value"
        if self.caps.writes:
            backdoor.throttle(2)
            retrying.put(vault + "key", Secret("new"))
        backdoor.recover()

    @uses("throttle")
    def test_throttled_is_reported(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """After a throttled call, calls of its kind are sent more slowly, also where the SDK retries."""
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
        assert not clock.slept
        backdoor.throttle(1)
        call(retrying)
        call(retrying)
        assert clock.slept
        assert max(clock.slept) > 1 / 10

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
        assert (stored.value, stored.entry.stamp) == (Secret("last"), STAMP if self.caps.stamps else "")
        if self.caps.lists:
            backdoor.settle()
            assert names(driver.list(name)).count(name) == 1


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


def _in_a_child(driver: Driver, name: str) -> str:
    """Return the value that *driver* reads under *name* in a forked child."""
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # about a fork with threads, which is tested here
        child = os.fork()
    if not child:
        _read_and_exit(driver, name, writer)
    os.close(writer)
    waiting = select.poll()  # select() takes no descriptor over 1,023
    waiting.register(reader, select.POLLIN)
    ready = waiting.poll(LONGEST_CHILD * 1000)
    if not ready:
        os.kill(child, signal.SIGKILL)
    with os.fdopen(reader, "rb") as pipe:
        text = pipe.read().decode()
    os.waitpid(child, 0)
    return text


def _read_and_exit(driver: Driver, name: str, writer: int) -> None:
    """Write the value or the exception, and end the child without the parent's exit functions."""
    try:
        text = driver.get(name).value.reveal()
    except BaseException as exc:  # noqa: BLE001 - a child that goes on would run the rest of the tests
        text = repr(exc)
    os.write(writer, text.encode())
    os._exit(0)
