"""Retries and time-outs of single requests.

The SDK's own retry policy repeats a PUT that got no answer, which may write a second version, and waits as long as the
service asks, whatever the time left. This policy replaces it: it repeats reads until their time is spent, and a write
only after a new login.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Final

from azure.core.exceptions import (
    AzureError,
    DecodeError,
    HttpResponseError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import HTTPPolicy
from azure.core.rest import HttpRequest, HttpResponse

from tailorsecrets.driver import CONNECT_SECONDS, Budget, ServerClock, throttled
from tailorsecrets.errors import Unavailable
from tailorsecrets_azure.errors import is_certificate, is_refused, retry_after

Request = PipelineRequest[HttpRequest]
Response = PipelineResponse[HttpRequest, HttpResponse]

_READS: Final = 3  # attempts that fit into the time of a read, even if the service never answers
_TOO_MANY: Final = 429
_OUTAGE: Final = {408, 500, 502, 503, 504}
_BROKEN: Final = (ServiceRequestError, ServiceResponseError, DecodeError, IncompleteReadError)


class RetryPolicy(HTTPPolicy[HttpRequest, HttpResponse]):
    """Replaces the SDK's retry policy in its pipeline.

    Each SDK call has an option *seconds*: the time that it may take, retries included. *timeout* is the seconds of a
    read; *forget_login* makes the next attempt sign in again.
    """

    def __init__(self, timeout: float, clock: ServerClock, forget_login: Callable[[], None]) -> None:
        super().__init__()
        self._timeout, self._clock, self._forget_login = timeout, clock, forget_login

    def send(self, request: Request) -> Response:
        """Send *request*, and once more after a new login where the old one is no longer accepted."""
        budget = Budget(request.context.options.pop("seconds"))
        send = self._repeat if _is_read(request) else self._attempt
        response = send(request, budget)
        if response.http_response.status_code == 401:  # noqa: PLR2004
            self._forget_login()
            response = send(request, budget)
        return response

    def _repeat(self, request: Request, budget: Budget) -> Response:
        """Send *request* until it has an answer or no time is left; then return or raise the last result."""
        while True:
            try:
                response = self._attempt(request, budget)
            except (AzureError, Unavailable) as exc:
                if not (is_broken(exc) and budget.wait(refused=is_refused(exc))):
                    raise
            else:
                answer = response.http_response
                if answer.status_code not in {_TOO_MANY, *_OUTAGE} or not budget.wait(retry_after(answer)):
                    return response

    def _attempt(self, request: Request, budget: Budget) -> Response:
        longest = self._timeout / _READS if _is_read(request) else self._timeout
        request.context.options.update(
            connection_timeout=min(CONNECT_SECONDS, budget.left), read_timeout=min(longest, budget.left)
        )
        response: Response = self.next.send(request)
        self._clock.hear(str(response.http_response.headers.get("Date", "")))
        if response.http_response.status_code == _TOO_MANY:
            throttled()
        _check_answer(response.http_response)
        return response


def _check_answer(response: HttpResponse) -> None:
    """Raise Unavailable for a success that is not Key Vault's, such as a proxy's page."""
    if response.status_code != 200:  # noqa: PLR2004
        return
    answer: object = None
    with suppress(ValueError, DecodeError):  # their text may hold a value
        answer = response.json()
    if not isinstance(answer, dict) or not answer.keys() & {"id", "value"}:
        raise Unavailable("the answer is empty, damaged or not from a Key Vault")


def _is_read(request: Request) -> bool:
    return request.http_request.method == "GET"


def is_broken(exc: Exception) -> bool:
    """Return whether *exc* means that the request may have been done: no answer, a damaged one, or an outage."""
    if isinstance(exc, Unavailable):
        return exc.retryable
    outage = isinstance(exc, HttpResponseError) and exc.status_code in _OUTAGE
    return outage or (isinstance(exc, _BROKEN) and not is_certificate(exc))
