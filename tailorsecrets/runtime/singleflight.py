"""One call for many readers: flights, which threads, asyncio tasks and trio tasks wait for alike."""

import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING, Final

from tailorsecrets.runtime.forks import on_fork
from tailorsecrets.runtime.freshness import Held

if TYPE_CHECKING:
    import anyio

LIMIT: Final = 8  # threads


class Flight:
    """A call under way that brings the value of one name to all who wait for it.

    It belongs to none of them: a reader that gives up or is cancelled leaves it in the air.
    """

    def __init__(self) -> None:
        self.started = inf  # by the clock of the cache; inf while it waits for a thread
        self.answer: Held | BaseException | None = None  # None until it has done
        self._finished = threading.Event()
        self._lock = threading.Lock()
        self._wakers: list[Callable[[], None]] = []

    def finish(self, answer: Held | BaseException) -> None:
        """Give *answer* to all who wait."""
        with self._lock:
            self.answer = answer
            self._finished.set()
        for wake in self._wakers:  # no waiter adds itself any more
            wake()

    def wait(self, seconds: float | None) -> None:
        """Block this thread until the flight has done, at most *seconds*."""
        self._finished.wait(seconds)

    async def await_result(self, seconds: float | None) -> None:
        """Wait on asyncio or trio until the flight has done, at most *seconds*; holds no thread."""
        import anyio

        done = anyio.Event()
        if self._wakes(_waker(done)):
            with anyio.move_on_after(seconds):
                await done.wait()

    def _wakes(self, wake: Callable[[], None]) -> bool:
        """Have *wake* called at the landing; return False where that has been."""
        with self._lock:
            if self.answer is None:
                self._wakers.append(wake)
            return self.answer is None


class Bridge:
    """The threads on which flights take place: at most *limit*, each there only while there is work.

    They are daemons: a store that does not answer does not hold up the end of the process.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self.forked()

    def forked(self) -> None:
        """Begin anew in a forked child, which has none of the parent's threads."""
        self._lock = threading.Lock()
        self._work: deque[Callable[[], None]] = deque()
        self.threads = 0

    def run(self, work: Callable[[], None]) -> None:
        """Do *work* on a thread of the bridge, as soon as one is free."""
        with self._lock:
            self._work.append(work)
            if self.threads >= self._limit:
                return
            self.threads += 1
        try:
            threading.Thread(target=self._drain, name="tailorsecrets", daemon=True).start()
        except RuntimeError:  # the interpreter ends, or the system has no thread left: the reader does it itself
            self._drain()

    def _drain(self) -> None:
        try:
            while (work := self._next()) is not None:
                work()
        except BaseException:  # such as a hook's sys.exit; the work that waits is done by the next thread
            with self._lock:
                self.threads -= 1
            raise

    def _next(self) -> Callable[[], None] | None:
        with self._lock:
            if self._work:
                return self._work.popleft()
            self.threads -= 1
            return None


def _waker(done: "anyio.Event") -> Callable[[], None]:
    """Return what sets *done*, an event of the running loop, from any thread, also when the loop is no more."""
    trio = sys.modules.get("trio")
    if trio is not None and trio.lowlevel.in_trio_run():
        call = trio.lowlevel.current_trio_token().run_sync_soon
    else:
        import asyncio

        call = asyncio.get_running_loop().call_soon_threadsafe

    def wake() -> None:
        with suppress(RuntimeError):  # the loop has ended; trio's RunFinishedError is a RuntimeError as well
            call(done.set)

    return wake


BRIDGE: Final = Bridge()
HOOKS: Final = Bridge(limit=1)  # hooks are called there, one event after the other: a slow one holds up no flight
on_fork(BRIDGE)
on_fork(HOOKS)
