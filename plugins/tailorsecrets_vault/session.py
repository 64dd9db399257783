"""The HTTP session: TLS, proxies, and redirects, which are followed only within one server."""

from functools import partial
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import requests
from hvac.exceptions import VaultError
from requests.adapters import HTTPAdapter

from tailorsecrets.driver import ServerClock
from tailorsecrets_vault.options import Options
from tailorsecrets_vault.transport import READS

_CONNECTIONS: Final = 16  # kept open
_KEEPS_METHOD: Final = (307, 308)
_MAX_REDIRECTS: Final = 5


class RefusedRedirect(VaultError):
    """A redirect to another server, or one that would turn a write into a read; the message is for the user."""


def new_session(options: Options, clock: ServerClock) -> requests.Session:
    """Return a session that checks the server's certificate as *options* say, and repeats nothing by itself.

    Proxies and CA bundles of the environment are read here, once: requests would read all variables at each request,
    and ~/.netrc. *clock* gets each answer.
    """
    session = _Session()
    environment = session.merge_environment_settings(options.address, {}, None, options.verify, None)
    session.proxies, session.verify, session.cert = environment["proxies"], environment["verify"], options.certificate
    session.trust_env, session.max_redirects = False, _MAX_REDIRECTS
    session.hooks["response"].append(partial(_hear, clock))
    session.mount("https://", _NamedServer(options.server_name))
    session.mount("http://", HTTPAdapter(pool_maxsize=_CONNECTIONS))
    return session


def _hear(clock: ServerClock, answer: requests.Response, **_: object) -> None:
    """Take an answer, also one that redirects, as a hook of requests."""
    clock.hear(answer.headers.get("Date", ""))


class _Session(requests.Session):
    """Follows redirects within one server: 307 and 308 for every request, others for reads only."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Return the address that *resp* redirects to, None for no redirect; raise RefusedRedirect."""
        target = super().get_redirect_target(resp)
        if target is not None:
            _check_redirect(resp, target)
        return target

    def rebuild_method(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        """Keep the method, which requests would turn into GET."""


def _check_redirect(response: requests.Response, target: str) -> None:
    try:
        old, new = urlsplit(response.url), urlsplit(urljoin(response.url, target))
    except ValueError:
        raise RefusedRedirect("the server redirects to an invalid address") from None
    upgraded = (old.scheme, new.scheme) == ("http", "https") and old.hostname == new.hostname
    if not upgraded and (old.scheme, old.netloc.lower()) != (new.scheme, new.netloc.lower()):
        raise RefusedRedirect(f"the server redirects to {new.scheme}://{new.hostname}: is the address right?")
    if response.status_code not in _KEEPS_METHOD and str(response.request.method).lower() not in READS:
        raise RefusedRedirect(f"the server redirects a write with HTTP {response.status_code}: is the address right?")


class _NamedServer(HTTPAdapter):
    """Connections to a server whose certificate is for *name*."""

    def __init__(self, name: str) -> None:
        self._name = name
        super().__init__(pool_maxsize=_CONNECTIONS)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        if self._name:
            options |= {"server_hostname": self._name, "assert_hostname": self._name}
        super().init_poolmanager(*args, **options)
