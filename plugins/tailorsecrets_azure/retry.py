"""How long a call may take, when it is sent again, and what counts as an answer.

The SDK's own retries send a PUT again that got no answer, which may make a second version, and wait as long as the
service asks, whatever the time left. This policy takes their place in the SDK's pipeline: reads are sent again until
their time is spent. When to repeat a write is not known here, but for one thing: a login that had run out.
"""

import random
import time
from collections.abc import Callable
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import Final

from azure.core.exceptions import (
    AzureError,
    DecodeError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import HTTPPolicy
from azure.core.rest import HttpRequest, HttpResponse

from tailorsecrets.driver import throttled
from tailorsecrets.errors import Unavailable
from tailorsecrets_azure.errors import is_certificate, retry_after

Request = PipelineRequest[HttpRequest]
Response = PipelineResponse[HttpRequest, HttpResponse]

WRITE_BUDGET: Final = 4  # a write may take this many times as long as a read

_CONNECT: Final = 3.0  # seconds
_READS: Final = 3  # reads that hang and fit into the time of one
_SHORTEST: Final = 0.05  # seconds that an attempt gets at least
_FIRST_PAUSE: Final = 0.1  # seconds before the first repeat; doubled for each further one
_LONGEST_PAUSE: Final = 2.0  # seconds
_HALF: Final = 0.5  # second: the middle of the one that is told
_AGREES: Final = 1.0  # seconds
_TOO_MANY: Final = 429
_MAY_WORK_LATER: Final = {408, _TOO_MANY, 500, 502, 503, 504}
_BROKEN: Final = (ServiceRequestError, ServiceResponseError, DecodeError, IncompleteReadError, Unavailable)


class Budget:
    """The time of one operation, from now on: *seconds* in all. *sleep* and *jitter* are arguments for tests."""

    def __init__(
        self,
        seconds: float,
        *,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._end, self._pause = time.monotonic() + seconds, _FIRST_PAUSE
        self._sleep, self._jitter = sleep, jitter

    @property
    def left(self) -> float:
        """The seconds that are left."""
        return max(self._end - time.monotonic(), _SHORTEST)

    def pause(self, asked: float = 0.0) -> bool:
        """Wait for the next attempt, *asked* seconds at least, and tell whether there is time for one."""
        seconds = asked + self._pause * (1 + self._jitter()) / 2
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        if time.monotonic() + seconds >= self._end:
            return False
        self._sleep(seconds)
        return True


class Clock:
    """The time by Azure's clock, to about a second, where its answers tell that this machine's is off."""

    def __init__(self) -> None:
        self._ahead = 0.0
        self._told: str = ""

    def now(self) -> float:
        """Return the seconds since 1970."""
        return time.time() + self._ahead

    def hear(self, response: HttpResponse) -> None:
        """Note the second that *response* tells, unless it is the one that was to be expected."""
        date = response.headers.get("Date", "")
        if date == self._told:
            return
        self._told = date
        with suppress(ValueError, TypeError):
            told = parsedate_to_datetime(date).timestamp() + _HALF
            if abs(told - self.now()) > _AGREES:
                self._ahead = told - time.time()


class Patience(HTTPPolicy[HttpRequest, HttpResponse]):
    """Stands where the SDK has its retries.

    Each SDK call has an option *seconds*: what it may take, repeats included. *timeout* is the seconds of a read;
    *forget_login* has the next attempt sign in anew.
    """

    def __init__(self, timeout: float, clock: Clock, forget_login: Callable[[], None]) -> None:
        super().__init__()
        self._timeout, self._clock, self._forget_login = timeout, clock, forget_login

    def send(self, request: Request) -> Response:
        """Send *request*, and once more after a new login where the old one is not accepted any more."""
        budget = Budget(request.context.options.pop("seconds"))
        send = self._until_answered if _is_read(request) else self._attempt
        response = send(request, budget)
        if response.http_response.status_code == 401:  # noqa: PLR2004
            self._forget_login()
            response = send(request, budget)
        return response

    def _until_answered(self, request: Request, budget: Budget) -> Response:
        """Send *request* until there is an answer, or its time is spent: then the last answer or failure stands."""
        while True:
            try:
                response = self._attempt(request, budget)
            except (AzureError, Unavailable) as exc:
                if not (_is_broken(exc) and budget.pause()):
                    raise
            else:
                answer = response.http_response
                if answer.status_code not in _MAY_WORK_LATER or not budget.pause(retry_after(answer) or 0.0):
                    return response

    def _attempt(self, request: Request, budget: Budget) -> Response:
        longest = self._timeout / _READS if _is_read(request) else self._timeout
        request.context.options.update(
            connection_timeout=min(_CONNECT, budget.left), read_timeout=min(longest, budget.left)
        )
        response: Response = self.next.send(request)
        self._clock.hear(response.http_response)
        if response.http_response.status_code == _TOO_MANY:
            throttled()
        _check_answer(response.http_response)
        return response


def _check_answer(response: HttpResponse) -> None:
    """Raise Unavailable for an answer that says yes and is none of Key Vault's, such as a proxy's page."""
    if response.status_code != 200:  # noqa: PLR2004
        return
    answer: object = None
    with suppress(ValueError, DecodeError):  # whose text may hold a value
        answer = response.json()
    if not isinstance(answer, dict) or not answer.keys() & {"id", "value"}:
        raise Unavailable("the answer is empty, damaged or no Key Vault's")


def _is_read(request: Request) -> bool:
    return request.http_request.method == "GET"


def _is_broken(exc: Exception) -> bool:
    return isinstance(exc, _BROKEN) and not is_certificate(exc)
