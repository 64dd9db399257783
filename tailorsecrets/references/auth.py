"""Secret headers on each request of an httpx client; loads httpx at first use."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tailorsecrets.references.resolving import HeaderValue, Reader, cover, parse_headers
from tailorsecrets.references.transport import check_httpx

if TYPE_CHECKING:
    import httpx


def auth(secrets: Reader, given: Mapping[str, HeaderValue], *, allow_http: bool = False) -> "httpx.Auth":
    """Return an ``httpx.Auth`` that puts *given* on each request of a sync or async client, resolved as it is sent.

    Unless *allow_http*, a request over plain http to another machine, or to this one through a proxy of the
    environment, raises ConfigError. A redirect that the client follows is sent without these headers. Raise
    ConfigError where httpx is not installed.
    """
    given = cover(given)
    check_httpx()
    from tailorsecrets.references.httpx_auth import SecretAuth

    return SecretAuth(secrets, parse_headers(given), allow_http=allow_http)
