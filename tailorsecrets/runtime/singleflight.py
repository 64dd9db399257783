"""Single flight: one call for many readers, which threads, asyncio tasks and trio tasks wait for alike."""

import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING

from tailorsecrets.runtime.freshness import CacheEntry

if TYPE_CHECKING:
    import anyio


class Flight:
    """One call for one key, which all readers of that key wait for.

    It belongs to no reader: it continues when a reader times out or is cancelled.
    """

    def __init__(self) -> None:
        self.started = inf  # of the call that answered, by the clock of the cache; inf until then
        self.answer: CacheEntry | BaseException | None = None  # None until the call has ended
        self.overdue = False  # a reader has waited as long as it may
        self.void = False  # the secret was written or forgotten since: the answer is not kept
        self._finished = threading.Event()
        self._lock = threading.Lock()
        self._wakers: list[Callable[[], None]] = []

    def finish(self, answer: CacheEntry | BaseException) -> None:
        """Give *answer* to all who wait."""
        with self._lock:
            self.answer = answer
            self._finished.set()
        for wake in self._wakers:  # no waiter adds itself any more
            wake()

    def wait(self, seconds: float | None) -> None:
        """Block this thread until the call has ended, at most *seconds*."""
        self._finished.wait(seconds)

    async def await_result(self, seconds: float | None) -> None:
        """Wait on asyncio or trio until the call has ended, at most *seconds*; holds no thread."""
        import anyio

        done = anyio.Event()
        if self._add_waker(_waker(done)):
            with anyio.move_on_after(seconds):
                await done.wait()

    def _add_waker(self, wake: Callable[[], None]) -> bool:
        """Have *wake* called when the call ends; return False where it has ended already."""
        with self._lock:
            if self.answer is None:
                self._wakers.append(wake)
            return self.answer is None


def _in_trio_task() -> bool:
    """Tell whether a trio task runs this; ``trio.lowlevel.in_trio_task`` is missing in older versions of trio."""
    trio = sys.modules.get("trio")
    if trio is None:
        return False
    try:
        trio.lowlevel.current_task()
    except RuntimeError:
        return False
    return True


def _waker(done: "anyio.Event") -> Callable[[], None]:
    """Return a function that sets *done*, an event of the running loop, from any thread, even after the loop ended."""
    if _in_trio_task():
        from trio.lowlevel import current_trio_token

        call: Callable[[Callable[[], None]], object] = current_trio_token().run_sync_soon
    else:
        import asyncio

        call = asyncio.get_running_loop().call_soon_threadsafe

    def wake() -> None:
        with suppress(RuntimeError):  # the loop has ended; trio's RunFinishedError is a RuntimeError too
            call(done.set)

    return wake
