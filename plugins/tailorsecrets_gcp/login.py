"""Signing in: Application Default Credentials, and with them as another service account where the URL says so."""

import threading
from collections.abc import Mapping
from typing import Any, Final, cast

import google.auth
from google.auth import impersonated_credentials
from google.auth.credentials import Credentials
from google.auth.exceptions import GoogleAuthError, TransportError
from google.auth.transport.requests import Request

from tailorsecrets.driver import Budget, PerProcess, ServerClock
from tailorsecrets.errors import Unavailable, is_outage
from tailorsecrets_gcp.options import Options

_SCOPES: Final = ("https://www.googleapis.com/auth/cloud-platform",)
_SEARCH: Final = 60.0  # seconds to search for a login; google.auth gives up earlier
_DOWN: Final = "the token service does not answer"


class Login:
    """Credentials of one process. They are not searched for before the first call.

    gRPC would fetch tokens by itself, but reports a failed login as a dead service, and waits two minutes for each. So
    the token is made ready before the call: the exceptions of google.auth come through as they are, and in time.
    """

    def __init__(self, options: Options, clock: ServerClock) -> None:
        """Find nothing yet; *clock* gets the answers of the token services."""
        self._clock, self._lock = clock, threading.Lock()
        self._found = PerProcess(lambda: _find(options, clock))

    @property
    def credentials(self) -> Credentials:
        """The credentials that sign the calls; searched for once."""
        return self._found.get()

    def make_ready(self, budget: Budget) -> None:
        """Get a token where there is none that lasts, within *budget*."""
        credentials = self.credentials
        if credentials.valid:
            return
        with self._lock:
            if not credentials.valid:
                own = Budget(budget.left)  # refusals of the token service and of the store are counted apart
                _refresh(credentials, _Sender(own, self._clock, repeats=True))

    def forget_token(self) -> None:
        """Let the next call get another token, since the service refuses this one."""
        with self._lock:
            self.credentials.token = None


def _find(options: Options, clock: ServerClock) -> Credentials:
    """Return the credentials; Unavailable where the service that has them answers that it is down."""
    send = _Sender(Budget(_SEARCH), clock)
    default, impersonated = cast("Any", google.auth).default, cast("Any", impersonated_credentials).Credentials
    try:
        found: Credentials = default(scopes=_SCOPES, request=send, quota_project_id=options.quota_project or None)[0]
    except GoogleAuthError:
        if send.status and is_outage(send.status):
            raise Unavailable(_DOWN) from None
        raise
    quota = found.quota_project_id  # of the option, or of GOOGLE_CLOUD_QUOTA_PROJECT
    if options.impersonate:
        found = impersonated(found, options.impersonate, list(_SCOPES), quota_project_id=quota)
    return found


def _refresh(credentials: Credentials, send: "_Sender") -> None:
    """Get a token; TransportError where the token service is down, as opposed to a wrong login."""
    try:
        cast("Any", credentials).refresh(send)
    except GoogleAuthError as exc:  # google.auth turns a failed connection into one, too
        if send.status and not is_outage(send.status):
            raise
        raise cast("Any", TransportError)(*exc.args) from exc


class _Sender:
    """Sends requests for tokens within *budget*; ``status`` is that of the last answer, 0 without an answer.

    *clock* gets the answers. With *repeats*, it repeats a request while nothing listens.
    """

    def __init__(self, budget: Budget, clock: ServerClock, *, repeats: bool = False) -> None:
        self._clock = clock
        self._budget, self._repeats, self._request = budget, repeats, cast("Any", Request())
        self.status = 200

    def __call__(self, *args: Any, timeout: float | None = None, **options: Any) -> Any:
        """Send one."""
        left = self._budget.left
        while left > Budget.SHORTEST:
            self.status = 0
            try:
                answer = self._request(*args, timeout=min(timeout or left, left), **options)
            except TransportError as exc:
                if not self._repeats or "Connection refused" not in str(exc):
                    raise
            else:
                self.status = answer.status
                self._clock.hear(_header(answer.headers, "date"))
                return answer
            left = self._budget.left if self._budget.wait(refused=True) else 0
        raise Unavailable(_DOWN, retryable=False)  # google.auth would repeat, and does not know of the budget


def _header(headers: Mapping[str, str], name: str) -> str:
    return next((text for each, text in headers.items() if each.lower() == name), "")
