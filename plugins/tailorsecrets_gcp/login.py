"""Signing in: Application Default Credentials, and with them as another service account where the URL says so."""

import threading
from collections.abc import Callable
from typing import Any, Final, cast

import google.auth
from google.auth import impersonated_credentials
from google.auth.credentials import Credentials
from google.auth.exceptions import RefreshError, TransportError
from google.auth.transport.requests import Request

from tailorsecrets.errors import is_outage
from tailorsecrets_gcp.options import Settings

_SCOPES: Final = ("https://www.googleapis.com/auth/cloud-platform",)


class Login:
    """Credentials of one process. Nothing is looked for before the first call.

    gRPC would fetch tokens by itself, but tells a failed login and a dead service alike, and waits two minutes for
    each. So the token is made ready before the call: what google.auth raises comes through as it is, and in time.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._found: Credentials | None = None
        self._lock = threading.Lock()

    @property
    def credentials(self) -> Credentials:
        """What signs the calls; searched for once."""
        with self._lock:
            if self._found is None:
                self._found = _found(self._settings)
            return self._found

    def make_ready(self, left: Callable[[], float]) -> None:
        """Get a token where there is none that lasts; each request for it takes at most the seconds of *left*."""
        credentials = self.credentials
        if credentials.valid:
            return
        with self._lock:
            if not credentials.valid:
                _refresh(credentials, _Sender(left))

    def forget_token(self) -> None:
        """Let the next call get another token, as the service does not take this one."""
        with self._lock:
            if self._found is not None:
                self._found.token = None


def _found(settings: Settings) -> Credentials:
    quota = settings.quota_project or None
    default, impersonated = cast("Any", google.auth).default, cast("Any", impersonated_credentials).Credentials
    credentials: Credentials = default(scopes=_SCOPES, quota_project_id=quota)[0]
    quota = credentials.quota_project_id  # of the option, or of GOOGLE_CLOUD_QUOTA_PROJECT
    if settings.impersonate:
        credentials = impersonated(credentials, settings.impersonate, list(_SCOPES), quota_project_id=quota)
    return credentials


def _refresh(credentials: Credentials, send: "_Sender") -> None:
    """Get a token; TransportError where the service that gives them is out of order, not the login."""
    try:
        cast("Any", credentials).refresh(send)
    except RefreshError:
        if not send.failed:
            raise
    else:
        return
    raise cast("Any", TransportError)("the service that gives tokens is out of order")


class _Sender:
    """Sends requests for tokens, each in the seconds that are *left*; *failed* tells how the last one was answered."""

    def __init__(self, left: Callable[[], float]) -> None:
        self._left, self._request = left, cast("Any", Request())
        self.failed = False

    def __call__(self, *args: Any, timeout: float | None = None, **options: Any) -> Any:
        """Send one."""
        longest = self._left()
        answer = self._request(*args, timeout=min(timeout or longest, longest), **options)
        self.failed = is_outage(answer.status)
        return answer
