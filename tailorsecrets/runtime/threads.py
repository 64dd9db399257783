"""Daemon threads that exist only while there is work, for reads of a store and for event hooks."""

import threading
from collections import deque
from collections.abc import Callable
from typing import Final

from tailorsecrets.runtime.forks import on_fork

LIMIT: Final = 8  # threads


class DaemonThreads:
    """At most *limit* threads, each of which ends when no work is left.

    They are daemons: a store that does not answer does not delay the end of the process.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self.forked()

    def forked(self) -> None:
        """Start over in a forked child, which has none of the parent's threads."""
        self._lock = threading.Lock()
        self._work: deque[Callable[[], None]] = deque()
        self.threads = 0

    def run(self, work: Callable[[], None]) -> None:
        """Do *work* on one of the threads as soon as one is free."""
        with self._lock:
            self._work.append(work)
            if self.threads >= self._limit:
                return
            self.threads += 1
        try:
            threading.Thread(target=self._drain, name="tailorsecrets", daemon=True).start()
        except RuntimeError:  # the interpreter ends, or the system has no thread left: the caller's thread does it
            self._drain()

    def _drain(self) -> None:
        try:
            while (work := self._next()) is not None:
                work()
        except BaseException:  # such as a hook's sys.exit; the next thread does the remaining work
            with self._lock:
                self.threads -= 1
            raise

    def _next(self) -> Callable[[], None] | None:
        with self._lock:
            if self._work:
                return self._work.popleft()
            self.threads -= 1
            return None


HOOK_THREADS: Final = DaemonThreads(limit=1)  # one event after the other; a slow hook delays no read
on_fork(HOOK_THREADS)
