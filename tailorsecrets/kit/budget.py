"""The time of one operation, and the pauses between its attempts."""

import time
from collections.abc import Callable
from typing import Final

CONNECT_SECONDS: Final = 3.0  # that opening a connection may take
REFUSED_SECONDS: Final = 2.0  # of repeats while nothing listens, which is an answer; the server may be starting


class Budget:
    """The time of one operation, from now on: *seconds* in all, retries and pauses included.

    *clock*, *sleep* and *jitter* (numbers from 0 to 1; default random) are arguments for tests.
    """

    FIRST_PAUSE: Final = 0.1  # seconds before the first repeat; doubled for each further one
    LONGEST_PAUSE: Final = 5.0  # seconds
    SHORTEST: Final = 0.05  # seconds that an attempt gets at least

    def __init__(
        self,
        seconds: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] | None = None,
    ) -> None:
        self._clock, self._sleep, self._jitter = clock, sleep, jitter
        self._end, self._repeats = clock() + seconds, 0
        self._refused: Budget | None = None  # while nothing listens, from the first refused connection on

    @property
    def left(self) -> float:
        """The seconds that are left for an attempt."""
        return max(self._end - self._clock(), self.SHORTEST)

    def pause(self, asked: float | None = 0.0, *, attempt: float = 0.0, refused: bool = False) -> float | None:
        """Return the seconds to wait before the next attempt, None where no time is left for one.

        The pause is half to all of the doubling one, on top of *asked*, the seconds that the service asks for. An
        attempt needs at least *attempt* seconds. *refused*: nothing listens there; that is retried for two seconds.
        """
        self._refused = (self._refused or self._while_refused()) if refused else None
        if self._refused:
            return self._refused.pause(attempt=attempt)
        seconds = backoff(self._repeats, self._jitter) + (asked or 0.0)
        if self._clock() + seconds + attempt >= self._end:
            return None
        self._repeats += 1
        return seconds

    def wait(self, asked: float | None = 0.0, *, attempt: float = 0.0, refused: bool = False) -> bool:
        """Sleep for the next pause and return True; return False at once where no time is left for an attempt."""
        seconds = self.pause(asked, attempt=attempt, refused=refused)
        if seconds is None:
            return False
        self._sleep(seconds)
        return True

    def _while_refused(self) -> "Budget":
        return Budget(min(REFUSED_SECONDS, self.left), clock=self._clock, jitter=self._jitter)


def backoff(repeats: int, jitter: Callable[[], float] | None = None) -> float:
    """Return the seconds to wait before the next attempt after *repeats* repeats: 0.1 s doubled up to 5 s, jittered."""
    longest = min(Budget.FIRST_PAUSE * 2.0 ** min(repeats, 30), Budget.LONGEST_PAUSE)
    return longest * (1 + (jitter or _random)()) / 2


def _random() -> float:
    import random  # costs a command more than the rest of this module

    return random.random()  # noqa: S311  # not a secret: it spreads callers out
