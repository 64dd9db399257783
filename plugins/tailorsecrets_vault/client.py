"""A signed-in connection for many threads: the token is renewed before it expires, and replaced once if refused."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, TypeVar

from hvac import Client
from hvac.exceptions import Forbidden, VaultError
from requests import RequestException

from tailorsecrets.driver import PerProcess, ServerClock
from tailorsecrets.errors import SecretsError
from tailorsecrets.kit import again_after_login
from tailorsecrets_vault.login import Login, Token, token_of
from tailorsecrets_vault.messages import is_token_refused
from tailorsecrets_vault.options import Options
from tailorsecrets_vault.session import new_session
from tailorsecrets_vault.transport import Adapter

T = TypeVar("T")

_RETRY_RENEWAL: Final = 30.0  # seconds until a renewal that failed is tried again


class Connection:
    """Calls of hvac against one server. Nothing is sent before the first call."""

    def __init__(self, options: Options, login: Login) -> None:
        self._login = login
        self._token: Token | None = None  # a forked child uses its parent's
        self.clock = ServerClock()
        self._sessions = PerProcess(lambda: _Session(options, self.clock))

    def call(self, do: Callable[[Client], T]) -> T:
        """Return what *do* returns for a signed-in client; repeat it once with a new token if the old is refused."""
        return again_after_login(self._client, do, _is_refused, lambda client: self._is_replaced(client.token))

    def close(self) -> None:
        """Close what is open."""
        session = self._sessions.drop()
        if session:
            session.close()

    def _client(self) -> Client:
        session, token = self._sessions.get(), self._token
        if token is None or token.due < time.monotonic():
            with session.lock:
                token = self._token = self._fresh_token(session)
        return session.client(token.text)

    def _is_replaced(self, refused: str) -> bool:
        """Sign in again unless another thread did; tell whether the token differs from *refused*."""
        session = self._sessions.get()
        with session.lock:
            if self._token is None or self._token.text == refused:
                self._token = self._login.sign_in(session.new_client(""))
            return self._token.text != refused

    def _fresh_token(self, session: "_Session") -> Token:
        """Return the token, renewed or replaced if that is due; the old one where the server has trouble."""
        token = self._token
        if token is None:
            return self._login.sign_in(session.new_client(""))
        if token.due >= time.monotonic():
            return token  # another thread renewed it
        try:
            renewed = _renewed(session.client(token.text), token)
            is_longest = renewed is not None and renewed.seconds >= token.seconds
            return renewed if renewed and is_longest else self._login.sign_in(session.new_client(""))
        except (VaultError, RequestException, SecretsError):
            later = time.monotonic() + _RETRY_RENEWAL if token.seconds else float("inf")
            return replace(token, due=later)  # it may still be good; the next call shows it


class _Session:
    """The sockets of one process, and the lock of those who sign in."""

    def __init__(self, options: Options, clock: ServerClock) -> None:
        self._options, self._http, self.lock = options, new_session(options, clock), threading.Lock()
        self._last = self.new_client("")

    def client(self, token: str) -> Client:
        """Return a client with *token*; the last one is kept, since hvac takes long to make one."""
        client = self._last
        if client.token != token:
            client = self._last = self.new_client(token)
        return client

    def close(self) -> None:
        self._http.close()

    def new_client(self, token: str) -> Client:
        """Return another client with *token*."""
        return Client(
            url=self._options.address,
            token=token,
            timeout=self._options.timeout,
            namespace=self._options.namespace or None,
            session=self._http,
            verify=self._http.verify,
            adapter=Adapter,
        )


def _is_refused(exc: Exception) -> bool:
    return isinstance(exc, Forbidden) and is_token_refused(exc)


def _renewed(client: Client, token: Token) -> Token | None:
    """Return *token* with a longer life, None where the server does not renew it; look up a given one first."""
    if token.seconds and not token.renewable:
        return None
    if not token.seconds:
        data: Mapping[str, Any] = client.auth.token.lookup_self()["data"]
        if not data["ttl"] or not data["renewable"]:
            return replace(token, due=float("inf"))
    return token_of(client.auth.token.renew_self()["auth"])
