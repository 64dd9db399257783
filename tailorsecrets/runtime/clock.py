"""The clock of the cache, which goes on while the machine sleeps."""

import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Final

Clock = Callable[[], float]


def _counting_sleep() -> Clock:
    """Return a clock that counts sleep where there is one: a laptop's value of last night is not fresh.

    Linux has CLOCK_BOOTTIME for that; on macOS CLOCK_MONOTONIC itself counts sleep, unlike Python's ``monotonic``.
    """
    if hasattr(time, "CLOCK_BOOTTIME"):
        return partial(time.clock_gettime, time.CLOCK_BOOTTIME)
    if sys.platform == "darwin":
        return partial(time.clock_gettime, time.CLOCK_MONOTONIC)
    return time.monotonic


seconds: Final[Clock] = _counting_sleep()  # since some moment in the past; never goes back
