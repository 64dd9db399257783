"""How long one operation may take, over all its calls and their repeats, and which of them may be repeated.

The SDK's own ``timeout=`` is for one attempt, and its own retry runs on for a minute whatever the timeout says. So
each attempt gets what is left, and the repeats end with the budget.
"""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Final, ParamSpec, TypeVar, cast

from google.api_core import exceptions, retry
from google.protobuf.message import Message

from tailorsecrets.driver import throttled

P = ParamSpec("P")
R = TypeVar("R")
May = Callable[[Exception], bool]

FIRST_PAUSE: Final = 0.1  # seconds before the first repeat; doubled for each further one
LONGEST_PAUSE: Final = 5.0  # seconds
SHORTEST: Final = 0.05  # seconds an attempt gets at least, where the budget is spent
ATTEMPTS: Final = 3  # at least so many attempts fit: one that hangs takes no more than this part of the budget

_BROKEN: Final = (
    exceptions.DeadlineExceeded,
    exceptions.InternalServerError,  # a reset connection shows as this
    exceptions.ServiceUnavailable,
)


class Budget:
    """The time of one operation, from now on; *seconds* in all."""

    def __init__(self, seconds: float) -> None:
        self._end, self._longest = time.monotonic() + seconds, seconds / ATTEMPTS

    def left(self) -> float:
        """Return the seconds that are left."""
        return max(self._end - time.monotonic(), SHORTEST)

    def __call__(self, attempt: Callable[P, R]) -> Callable[P, R]:
        """Give each attempt its timeout; this is what the SDK takes as ``timeout=``."""

        def timed(*args: P.args, **options: P.kwargs) -> R:
            options["timeout"] = min(self.left(), self._longest)
            return attempt(*args, **options)

        return timed

    def spend(self, call: Callable[..., object], may_repeat: May, request: Mapping[str, Any]) -> object:
        """Return what *call* answers to *request*, asking again while *may_repeat* allows it and time is left."""
        pauses = Pauses()
        attempt = partial(call, request=dict(request), retry=None, timeout=self)
        repeated = cast("Any", retry).retry_target
        answer: object = repeated(attempt, may_repeat, pauses, timeout=self.left(), on_error=pauses.hear)
        return answer


class Pauses(Iterator[float]):
    """The seconds to wait before each repeat: doubling, jittered, and no shorter than the service asks for."""

    def __init__(self) -> None:
        self._pause, self._asked = FIRST_PAUSE, 0.0

    def hear(self, exc: Exception) -> None:
        """Note what *exc* asks for, and pass on that it was one call too many."""
        self._asked = retry_after(exc) or 0.0
        if refused(exc):
            throttled()

    def __next__(self) -> float:
        pause, self._pause = self._pause, min(2 * self._pause, LONGEST_PAUSE)
        return self._asked + pause * random.uniform(0.5, 1)  # noqa: S311  # no secret: it spreads callers out


def again(exc: Exception) -> bool:
    """Tell whether a call that may be done twice is worth a repeat."""
    return refused(exc) or (isinstance(exc, _BROKEN) and not is_login(exc))


def refused(exc: Exception) -> bool:
    """Tell whether nothing was done and a repeat may do it: all that allows to send a version twice."""
    return isinstance(exc, exceptions.TooManyRequests)


def is_login(exc: Exception) -> bool:
    """Tell whether gRPC could not get a token, which it reports as if the service were unavailable."""
    return isinstance(exc, exceptions.ServiceUnavailable) and "metadata from plugin failed" in str(exc)


def retry_after(exc: Exception) -> float | None:
    """Return the seconds that the service asks to wait, None where it does not say."""
    details: list[Message] = getattr(exc, "details", None) or []
    for detail in details:
        delay = getattr(detail, "retry_delay", None)
        if delay is not None:
            return float(delay.seconds + delay.nanos / 1e9)
    return None
