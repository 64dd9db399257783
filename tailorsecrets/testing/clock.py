"""A clock that tests move, so that no test waits."""

import threading


class FakeClock:
    """Replaces ``time.monotonic`` (call it) and ``time.sleep`` (its ``sleep``); it starts at *now* seconds.

    ``sleep`` moves the clock and returns at once; ``slept`` lists the seconds of each sleep.
    """

    def __init__(self, now: float = 1_000.0) -> None:
        self.now = now
        self.slept: list[float] = []
        self._lock = threading.Lock()

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Move the clock by *seconds*."""
        with self._lock:
            self.now += seconds
            self.slept.append(seconds)
