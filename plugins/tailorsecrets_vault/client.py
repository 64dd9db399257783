"""A signed-in connection for many threads: the token is renewed before it expires, and replaced once if refused."""

import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, TypeVar

from requests import RequestException

from tailorsecrets.errors import SecretsError
from tailorsecrets_vault.hvac_types import Client, Forbidden, VaultError
from tailorsecrets_vault.login import Grant, Login, granted
from tailorsecrets_vault.options import Settings
from tailorsecrets_vault.refusals import is_about_the_token
from tailorsecrets_vault.transport import Wire, http_session

T = TypeVar("T")

_LATER: Final = 30.0  # seconds until a renewal that failed is tried again


class Connection:
    """Calls of hvac against one server. Nothing is sent before the first call."""

    def __init__(self, settings: Settings, login: Login) -> None:
        self._settings, self._login = settings, login
        self._process, self._session = os.getpid(), _Session(settings, login)

    def call(self, do: Callable[[Any], T]) -> T:
        """Return what *do* makes of a signed-in hvac client; once more with a new token where the old was refused."""
        session = self._own_session()
        client = session.client()
        try:
            return do(client)
        except Forbidden as exc:
            if not is_about_the_token(exc) or not session.replaced(client.token):
                raise
        return do(session.client())

    def close(self) -> None:
        """Close what is open."""
        self._session.close()

    def _own_session(self) -> "_Session":
        """Return the session of this process: a forked child must not talk over its parent's sockets."""
        if self._process != os.getpid():
            self._process, self._session = os.getpid(), _Session(self._settings, self._login, self._session.grant)
        return self._session


class _Session:
    """The sockets and the token of one process."""

    def __init__(self, settings: Settings, login: Login, grant: Grant | None = None) -> None:
        self._settings, self._login = settings, login
        self._http = http_session(settings)
        self._lock = threading.Lock()
        self.grant = grant
        self._client = self._client_with(grant)

    def client(self) -> Any:
        """Return a client with a token that has not run out."""
        grant = self.grant
        if grant is None or grant.due < time.monotonic():
            with self._lock:
                self._see_to_the_token()
        return self._client

    def replaced(self, refused: str) -> bool:
        """Sign in again unless another thread did since; tell whether there is another token than *refused*."""
        with self._lock:
            if self.grant is None or self.grant.token == refused:
                self._take(self._login.sign_in(self._client_with(None)))
            return self.grant is not None and self.grant.token != refused

    def close(self) -> None:
        self._http.close()

    def _see_to_the_token(self) -> None:
        grant = self.grant
        if grant is None:
            self._take(self._login.sign_in(self._client_with(None)))
        elif grant.due < time.monotonic():
            self._take(self._prolonged(grant))

    def _prolonged(self, grant: Grant) -> Grant:
        """Return *grant* renewed, or a new one where that gives less time; the same where the server has trouble."""
        try:
            renewed = _renewed(self._client, grant)
            if renewed is None or renewed.seconds < grant.seconds:
                return self._login.sign_in(self._client_with(None))
        except (VaultError, RequestException, SecretsError):
            later = time.monotonic() + _LATER if grant.seconds else float("inf")
            return replace(grant, due=later)  # it may still be good; if not, a call will tell
        return renewed

    def _take(self, grant: Grant) -> None:
        self.grant, self._client = grant, self._client_with(grant)

    def _client_with(self, grant: Grant | None) -> Any:
        return Client(
            url=self._settings.address,
            token=grant.token if grant else "",
            timeout=self._settings.timeout,
            namespace=self._settings.namespace or None,
            session=self._http,
            verify=self._settings.verify,
            adapter=Wire,
        )


def _renewed(client: Any, grant: Grant) -> Grant | None:
    """Return *grant* with a longer life, None where that cannot be had; a token that was given is first looked up."""
    if grant.seconds and not grant.renewable:
        return None
    if not grant.seconds:
        known: Mapping[str, Any] = client.auth.token.lookup_self()["data"]
        if not known["ttl"] or not known["renewable"]:
            return replace(grant, due=float("inf"))
    return granted(client.auth.token.renew_self()["auth"])
