"""The time limit of an operation, and when a call is sent again.

botocore's own retries count attempts and have no time limit, so they are off, and this module replaces them: a call is
sent again while its budget lasts. That is safe for writes too, because each carries the version id that it makes.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError, ProxyConnectionError
from botocore.parsers import ResponseParserError

from tailorsecrets.driver import CONNECT_SECONDS, Budget, throttled
from tailorsecrets.errors import Throttled, Unauthenticated, Unavailable
from tailorsecrets_aws.errors import WRITES, explain

if TYPE_CHECKING:
    from botocore.awsrequest import AWSResponse
    from botocore.model import OperationModel

    from tailorsecrets_aws.login import Login

_POOL: Final = 32  # connections kept open; more threads open more
_MAYBE_DONE: Final = "a write got no answer, and AWS limits the rate of further attempts"
_EMPTY: Final = "the answer is empty or damaged"
_NO_CONNECTION: Final = (EndpointConnectionError, ProxyConnectionError)
_NOT_SENT: Final = (*_NO_CONNECTION, ConnectTimeoutError)


class Operation:
    """One operation of the driver, which has *seconds* for all its calls."""

    def __init__(self, seconds: float) -> None:
        self.budget = Budget(seconds)
        self.unanswered = False  # a write was sent and its answer is lost
        self.signed_with: Credentials | None = None
        self.renewed = False


_operation: ContextVar[Operation | None] = ContextVar("tailorsecrets_aws_operation", default=None)


@contextmanager
def operation(seconds: float) -> Generator[Operation]:
    """Run the block as one operation of *seconds*, or as part of the operation around it."""
    running = _operation.get() or Operation(seconds)
    token = _operation.set(running)
    try:
        yield running
    finally:
        _operation.reset(token)


def current_operation() -> Operation | None:
    """Return the operation that this thread is in."""
    return _operation.get()


def timeouts(seconds: float) -> tuple[float, float]:
    """Return the seconds for connecting and for one answer where a read has *seconds*, retries included."""
    return min(CONNECT_SECONDS, seconds / 3), seconds / 3


def client_config(seconds: float, *, attempts: int) -> Config:
    """Return the settings of a client for a store whose reads have *seconds*."""
    connect, read = timeouts(seconds)
    return Config(
        connect_timeout=connect,
        read_timeout=read,
        retries={"total_max_attempts": attempts, "mode": "standard"},
        max_pool_connections=_POOL,
        user_agent_extra="tailorsecrets",
    )


class Retry:
    """Answers botocore's event ``needs-retry``; *seconds* is the budget of a read, from which the time-outs follow."""

    def __init__(self, seconds: float, login: "Login") -> None:
        self._longest, self._login = sum(timeouts(seconds)), login

    def __call__(
        self,
        *,
        response: "tuple[AWSResponse, dict[str, Any]] | None",
        caught_exception: Exception | None,
        operation: "OperationModel",
        **_: object,
    ) -> float | None:
        """Return the seconds to wait before the call is sent again, None to keep the answer that came."""
        failure = caught_exception or (_failure(*response, operation.name) if response else None)
        running = _operation.get()
        return self._pause(failure, running, operation.name) if failure and running else None

    def _pause(self, failure: Exception, running: Operation, name: str) -> float | None:
        problem = explain(failure, name)
        if problem.kind is Unauthenticated:
            return self._renew(running)
        if problem.kind is Throttled:
            throttled()
        elif problem.kind is not Unavailable:
            return None
        elif isinstance(failure, _NO_CONNECTION):
            return running.budget.pause(refused=True)
        elif name in WRITES and not isinstance(failure, _NOT_SENT):
            running.unanswered = True
        pause = running.budget.pause(problem.retry_after, attempt=self._longest)
        if pause is None and problem.kind is Throttled and running.unanswered:
            raise Unavailable(_MAYBE_DONE, retryable=False)  # the core reads whether the write was done
        return pause

    def _renew(self, running: Operation) -> float | None:
        if running.renewed or running.signed_with is None:
            return None
        running.renewed = True
        return 0.0 if self._login.renew(running.signed_with) else None


def refuse_empty(*, parsed: Mapping[str, Any], **_: object) -> None:
    """Answer botocore's event ``after-call``: raise an error for an empty answer, as botocore itself should.

    It makes ``{}`` of a body that was cut off, and of a proxy's page; no call of ours has such an answer.
    """
    if _is_empty(parsed):
        raise ResponseParserError(_EMPTY)


def _failure(http: "AWSResponse", parsed: dict[str, Any], name: str) -> Exception | None:
    if http.status_code >= 300:  # noqa: PLR2004  # where botocore raises
        return ClientError(parsed, name)  # type: ignore[arg-type]
    return ResponseParserError(_EMPTY) if _is_empty(parsed) else None


def _is_empty(parsed: Mapping[str, Any]) -> bool:
    return not parsed.keys() - {"ResponseMetadata"}
