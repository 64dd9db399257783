"""The time of one operation, over all its calls and their repeats, and which calls may be repeated.

The SDK's own ``timeout=`` is for one attempt, and its own retry goes on for a minute whatever the timeout is. So each
attempt gets the time that is left, and repeats end with the budget.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from google.api_core import exceptions
from google.protobuf.message import Message

from tailorsecrets.driver import Budget, throttled

ATTEMPTS: Final = 3  # at least so many attempts fit: one that hangs takes no more than this part of the time

_BROKEN: Final = (
    exceptions.DeadlineExceeded,
    exceptions.InternalServerError,  # a reset connection shows as this
    exceptions.ServiceUnavailable,
)


class Retry:
    """Sends the calls of one operation, in *seconds* in all."""

    def __init__(self, seconds: float) -> None:
        self.budget, self._longest = Budget(seconds), seconds / ATTEMPTS

    def call(self, method: Callable[..., object], request: Mapping[str, Any], *, idempotent: bool) -> object:
        """Return the answer of *method* to *request*; an *idempotent* one is repeated even if it may be done."""
        repeatable = is_temporary if idempotent else is_refused
        while True:
            try:
                return method(request=dict(request), retry=None, timeout=min(self.budget.left, self._longest))
            except exceptions.GoogleAPICallError as exc:
                if not (repeatable(exc) and self._wait(exc)):
                    raise

    def _wait(self, exc: Exception) -> bool:
        if is_refused(exc):
            throttled()
        return self.budget.wait(retry_after(exc))


def is_temporary(exc: Exception) -> bool:
    """Return whether a repeat may help, for a call that may be done twice."""
    return is_refused(exc) or (isinstance(exc, _BROKEN) and not is_login(exc))


def is_refused(exc: Exception) -> bool:
    """Return whether the call was one too many: it was not done, so even a new version may be sent again."""
    return isinstance(exc, exceptions.TooManyRequests)


def is_login(exc: Exception) -> bool:
    """Return whether gRPC got no token, which it reports as if the service were unavailable."""
    return isinstance(exc, exceptions.ServiceUnavailable) and "metadata from plugin failed" in str(exc)


def retry_after(exc: Exception) -> float | None:
    """Return the seconds that the service asks to wait, None where it does not say."""
    details: list[Message] = getattr(exc, "details", None) or []
    for detail in details:
        delay = getattr(detail, "retry_delay", None)
        if delay is not None:
            return float(delay.seconds + delay.nanos / 1e9)
    return None
