"""The time limit of one operation, for all its calls and retries, and which calls may be retried.

The SDK's own ``timeout=`` is for one attempt, and its own retry goes on for a minute whatever the timeout is. So each
attempt gets the time that is left, and retries end with the budget.
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
        """Return the answer of *method* to *request*; an *idempotent* one is repeated even if it may have been done."""
        while True:
            try:
                return method(request=dict(request), retry=None, timeout=min(self.budget.left, self._longest))
            except exceptions.GoogleAPICallError as exc:
                repeatable = is_undone(exc) or (idempotent and is_lost(exc))
                if not (repeatable and self._wait(exc)):
                    raise

    def _wait(self, exc: Exception) -> bool:
        if is_throttled(exc):
            throttled()
        return self.budget.wait(retry_after(exc), refused=is_connection_refused(exc))


def is_undone(exc: Exception) -> bool:
    """Return whether the call was certainly not done, so that a repeat is safe and may help."""
    return is_throttled(exc) or is_connection_refused(exc)


def is_lost(exc: Exception) -> bool:
    """Return whether the answer was lost: the call may have been done, and a retry may help."""
    return isinstance(exc, _BROKEN) and not is_login(exc) and not is_connection_refused(exc)


def is_throttled(exc: Exception) -> bool:
    """Return whether the service throttled the call."""
    return isinstance(exc, exceptions.TooManyRequests)


def is_connection_refused(exc: Exception) -> bool:
    """Return whether nothing listens where the call was to go."""
    return isinstance(exc, exceptions.ServiceUnavailable) and "Connection refused" in str(exc) and not is_login(exc)


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
