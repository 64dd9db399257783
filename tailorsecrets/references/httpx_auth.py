"""Secret headers as an ``httpx.Auth``. Needs httpx, so only ``auth.auth`` imports it."""

from collections.abc import AsyncGenerator, Generator, Mapping

import httpx

from tailorsecrets.references.resolving import ParsedHeaders, Reader, aresolve, references, resolve
from tailorsecrets.references.transport import check_proxy, check_transport
from tailorsecrets.secret import Secret


class SecretAuth(httpx.Auth):
    """Puts headers on a request as it is sent, and removes them afterwards."""

    def __init__(self, secrets: Reader, headers: ParsedHeaders, *, allow_http: bool) -> None:
        self._secrets, self._headers, self._allow_http = secrets, headers, allow_http

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send *request* with the headers."""
        self._check(request)
        plain = request.headers
        request.headers = SecretHeaders(plain, resolve(self._secrets, self._headers))
        try:
            yield request
        finally:
            request.headers = plain

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Send *request* with the headers, on asyncio or trio."""
        self._check(request)
        plain = request.headers
        request.headers = SecretHeaders(plain, await aresolve(self._secrets, self._headers))
        try:
            yield request
        finally:
            request.headers = plain

    def _check(self, request: httpx.Request) -> None:
        if references(self._headers):
            check_transport(request.url.scheme, request.url.host, allow_http=self._allow_http)
            check_proxy(request.url.scheme, request.url.host, allow_http=self._allow_http)


class SecretHeaders(httpx.Headers):
    """Headers with secret ones, which are sent and found by name, but not listed, shown or copied.

    After a redirect httpx copies the headers of the first request and strips only ``Authorization``. A header that is
    not copied goes to no other host.
    """

    def __init__(self, plain: httpx.Headers, secret: Mapping[str, Secret]) -> None:
        self._secret: dict[str, tuple[str, Secret]] = {}
        super().__init__(plain)
        for name in secret:
            self.pop(name, None)
        self._secret = {name.lower(): (name, value) for name, value in secret.items()}

    @property
    def raw(self) -> list[tuple[bytes, bytes]]:
        """All headers, as they are sent."""
        secret = [(name.encode(), value.reveal().encode()) for name, value in self._secret.values()]
        return [*super().raw, *secret]

    def __getitem__(self, key: str) -> str:
        secret = self._secret.get(key.lower())
        return secret[1].reveal() if secret else super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        return str(key).lower() in self._secret or super().__contains__(key)
