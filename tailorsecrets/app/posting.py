"""One HTTP POST, which returns a status or a problem. It raises nothing: exceptions of httpx hold secret headers."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tailorsecrets.references.resolving import revealed
from tailorsecrets.references.transport import is_loopback
from tailorsecrets.secret import Secret

if TYPE_CHECKING:
    import httpx


@dataclass(frozen=True, slots=True)
class PostRequest:
    """The request to send, with its secrets covered."""

    url: str
    headers: Mapping[str, Secret]
    content: bytes = field(repr=False)
    timeout: float
    verify: ssl.SSLContext


@dataclass(frozen=True, slots=True)
class PostResult:
    """The status of the response, or 0 and the problem, and whether a retry may help."""

    status: int = 0
    problem: str = ""  # the name of the exception
    retryable: bool = False


def post(request: PostRequest) -> PostResult:
    """Send *request* on a new connection; do not read the body of the response."""
    import httpx

    try:
        with (
            httpx.Client(**_options(request)) as client,
            client.stream("POST", request.url, headers=revealed(request.headers), content=request.content) as response,
        ):
            return _result(response)
    except (httpx.HTTPError, httpx.InvalidURL) as exc:
        return _problem(exc)


async def apost(request: PostRequest) -> PostResult:
    """Do the same as post, on asyncio or trio."""
    import httpx

    try:
        async with (
            httpx.AsyncClient(**_options(request)) as client,
            client.stream("POST", request.url, headers=revealed(request.headers), content=request.content) as response,
        ):
            return _result(response)
    except (httpx.HTTPError, httpx.InvalidURL) as exc:
        return _problem(exc)


def _options(request: PostRequest) -> dict[str, Any]:
    import httpx

    proxied = not is_loopback(httpx.URL(request.url).host)  # a request to this machine does not go through a proxy
    return {"timeout": request.timeout, "verify": request.verify, "follow_redirects": False, "trust_env": proxied}


def _result(response: "httpx.Response") -> PostResult:
    return PostResult(response.status_code, retryable=response.is_server_error)


def _problem(exc: Exception) -> PostResult:
    import httpx

    permanent = (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError)
    return PostResult(problem=type(exc).__name__, retryable=not isinstance(exc, permanent))
