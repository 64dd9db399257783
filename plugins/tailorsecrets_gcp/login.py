"""Signing in: Application Default Credentials, and with them as another service account where the URL says so."""

import threading
from collections.abc import Callable
from typing import Any, Final, cast

import google.auth
from google.auth import impersonated_credentials
from google.auth.credentials import Credentials
from google.auth.transport.requests import Request

from tailorsecrets_gcp.settings import Settings

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
                cast("Any", credentials).refresh(_bounded(left))

    def forget_token(self) -> None:
        """Let the next call get another token, as the service does not take this one."""
        with self._lock:
            if self._found is not None:
                self._found.token = None


def _found(settings: Settings) -> Credentials:
    quota = settings.quota_project or None
    default, impersonated = cast("Any", google.auth).default, cast("Any", impersonated_credentials).Credentials
    credentials: Credentials = default(scopes=_SCOPES, quota_project_id=quota)[0]
    if settings.impersonate:
        credentials = impersonated(credentials, settings.impersonate, list(_SCOPES), quota_project_id=quota)
    return credentials


def _bounded(left: Callable[[], float]) -> Callable[..., Any]:
    request = cast("Any", Request())

    def send(*args: Any, timeout: float | None = None, **options: Any) -> Any:
        longest = left()
        return request(*args, timeout=min(timeout or longest, longest), **options)

    return send
