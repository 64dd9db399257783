"""The clock of the cache, which counts the time that the machine sleeps."""

import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Final

Clock = Callable[[], float]


def _clock_with_sleep() -> Clock:
    """Return a clock that counts sleep, if the system has one: after a night of sleep, a value is not fresh.

    Linux has CLOCK_BOOTTIME. On macOS CLOCK_MONOTONIC counts sleep, but Python's ``monotonic`` does not.
    """
    if hasattr(time, "CLOCK_BOOTTIME"):
        return partial(time.clock_gettime, time.CLOCK_BOOTTIME)
    if sys.platform == "darwin":
        return partial(time.clock_gettime, time.CLOCK_MONOTONIC)
    return time.monotonic


seconds: Final[Clock] = _clock_with_sleep()  # since some moment in the past; never goes back
