"""One HTTP POST, told as a status or a problem, never as an exception: those of httpx hold the secret headers."""

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
class Post:
    """What to send, with its secrets covered."""

    url: str
    headers: Mapping[str, Secret]
    content: bytes = field(repr=False)
    timeout: float
    verify: ssl.SSLContext


@dataclass(frozen=True, slots=True)
class Answer:
    """The status, or with 0 what went wrong, and whether sending again may help."""

    status: int = 0
    problem: str = ""
    again: bool = False


def post(request: Post) -> Answer:
    """Send *request* on a connection of its own; the body of the answer is not read."""
    import httpx

    try:
        with (
            httpx.Client(**_options(request)) as client,
            client.stream("POST", request.url, headers=revealed(request.headers), content=request.content) as response,
        ):
            return _answer(response)
    except (httpx.HTTPError, httpx.InvalidURL) as exc:
        return _problem(exc)


async def apost(request: Post) -> Answer:
    """Do as post, on asyncio or trio."""
    import httpx

    try:
        async with (
            httpx.AsyncClient(**_options(request)) as client,
            client.stream("POST", request.url, headers=revealed(request.headers), content=request.content) as response,
        ):
            return _answer(response)
    except (httpx.HTTPError, httpx.InvalidURL) as exc:
        return _problem(exc)


def _options(request: Post) -> dict[str, Any]:
    import httpx

    proxied = not is_loopback(httpx.URL(request.url).host)  # what stays on this machine does not go to a proxy
    return {"timeout": request.timeout, "verify": request.verify, "follow_redirects": False, "trust_env": proxied}


def _answer(response: "httpx.Response") -> Answer:
    return Answer(response.status_code, again=response.is_server_error)


def _problem(exc: Exception) -> Answer:
    import httpx

    lasting = (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError)
    return Answer(problem=type(exc).__name__, again=not isinstance(exc, lasting))
