"""How long a call may take, and when it is sent again.

boto3's own retries count attempts and know no end in time, so they are off, and this takes their place: a call is
sent again while its budget lasts. That is safe for writes too, because each carries the version id that it makes.
"""

import random
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from tailorsecrets.driver import throttled
from tailorsecrets.errors import Throttled, Unavailable
from tailorsecrets_aws.errors import explain

if TYPE_CHECKING:
    from botocore.awsrequest import AWSResponse
    from botocore.model import OperationModel

CONNECT: Final = 3.0  # seconds
WRITE_BUDGET: Final = 4  # a write may take this many times as long as a read
_POOL: Final = 32  # connections kept open; more threads open more
_FIRST_PAUSE: Final = 0.1  # seconds; doubled for each further one
_LONGEST_PAUSE: Final = 5.0
_EMPTY: Final = "the answer is empty or damaged"

_deadline: ContextVar[float | None] = ContextVar("tailorsecrets_aws_deadline", default=None)


def timeouts(seconds: float) -> tuple[float, float]:
    """Return how long connecting and one answer may take where *seconds* are there for a read, repeats included."""
    return min(CONNECT, seconds / 3), seconds / 3


def wire(seconds: float, *, attempts: int) -> Config:
    """Return the settings of a client for a store whose reads have *seconds*."""
    connect, read = timeouts(seconds)
    return Config(
        connect_timeout=connect,
        read_timeout=read,
        retries={"total_max_attempts": attempts, "mode": "standard"},
        max_pool_connections=_POOL,
        user_agent_extra="tailorsecrets",
    )


@contextmanager
def budget(seconds: float) -> Generator[None]:
    """Let all calls in the block share *seconds*, or what is left of an outer block's."""
    before = _deadline.get()
    token = _deadline.set(time.monotonic() + seconds if before is None else before)
    try:
        yield
    finally:
        _deadline.reset(token)


def in_operation() -> bool:
    """Tell whether this thread is inside of a ``budget``."""
    return _deadline.get() is not None


class Patience:
    """Answers botocore's event ``needs-retry``; *seconds* is the budget of a read, which gives one attempt's longest.

    *jitter* gives numbers from 0 to 1.
    """

    def __init__(self, seconds: float, *, jitter: Callable[[], float] = random.random) -> None:
        self._longest, self._jitter = sum(timeouts(seconds)), jitter

    def __call__(
        self,
        *,
        attempts: int,
        response: "tuple[AWSResponse, dict[str, Any]] | None",
        caught_exception: Exception | None,
        operation: "OperationModel",
        **_: object,
    ) -> float | None:
        """Return the seconds to wait before the call is sent again, None to leave it at the answer that came."""
        failure = caught_exception or (_failure(*response, operation.name) if response else None)
        problem = explain(failure, operation.name) if failure else None
        if problem is None or not issubclass(problem.kind, (Throttled, Unavailable)):
            return None
        if issubclass(problem.kind, Throttled):
            throttled()
        pause = min(_FIRST_PAUSE * 2 ** (attempts - 1), _LONGEST_PAUSE) * (1 + self._jitter()) / 2
        pause += problem.retry_after or 0.0
        end = _deadline.get() or 0.0
        return pause if time.monotonic() + pause + self._longest <= end else None


def refuse_nothing(*, parsed: Mapping[str, Any], **_: object) -> None:
    """Answer botocore's event ``after-call``: raise what botocore itself should for an answer that says nothing.

    It makes ``{}`` of a body that was cut off, and of a proxy's page; none of our calls is answered with that.
    """
    if _is_empty(parsed):
        raise ResponseParserError(_EMPTY)


def _failure(http: "AWSResponse", parsed: dict[str, Any], operation: str) -> Exception | None:
    if http.status_code >= 300:  # noqa: PLR2004  # as botocore itself tells errors
        return ClientError(parsed, operation)  # type: ignore[arg-type]
    return ResponseParserError(_EMPTY) if _is_empty(parsed) else None


def _is_empty(parsed: Mapping[str, Any]) -> bool:
    return not parsed.keys() - {"ResponseMetadata"}
