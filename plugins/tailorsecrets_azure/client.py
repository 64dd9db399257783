"""One SecretClient, made at the first call, for all threads of one process."""

import os
import threading
from dataclasses import dataclass
from typing import Any

from azure.keyvault.secrets import SecretClient

from tailorsecrets.driver import Target
from tailorsecrets_azure.login import Login
from tailorsecrets_azure.options import Settings
from tailorsecrets_azure.retry import Clock, Patience
from tailorsecrets_azure.transport import Transport


@dataclass(frozen=True, slots=True)
class _Opened:
    client: SecretClient
    login: Login
    process: int


class Connection:
    """Gives the client; a forked child gets its own, for two processes cannot share one TLS connection."""

    def __init__(self, settings: Settings, target: Target) -> None:
        self._settings, self._target = settings, target
        self.clock = Clock()
        self._opened: _Opened | None = None
        self._lock, self._process = threading.Lock(), os.getpid()

    @property
    def client(self) -> SecretClient:
        """The client of this process."""
        opened = self._opened
        if opened is None or opened.process != os.getpid():
            with self._own_lock():
                opened = self._opened
                if opened is None or opened.process != os.getpid():
                    self._opened = opened = self._open()
        return opened.client

    def close(self) -> None:
        """Let go of the client; the next operation would make another."""
        opened, self._opened = self._opened, None
        if opened and opened.process == os.getpid():
            opened.client.close()
            opened.login.forget()

    def _open(self) -> _Opened:
        settings, login = self._settings, Login(self._settings, self._target)
        version: dict[str, Any] = {"api_version": settings.api_version} if settings.api_version else {}
        client = SecretClient(
            settings.url,
            login,
            verify_challenge_resource=settings.is_azure,  # elsewhere Login sees to it that a token is for Key Vault
            transport=Transport(connection_verify=settings.ca_bundle or True),
            retry_policy=Patience(settings.timeout, self.clock, login.forget),
            **version,
        )
        return _Opened(client, login, os.getpid())

    def _own_lock(self) -> threading.Lock:
        if self._process != os.getpid():  # a fork copies a lock without the thread that would let go of it
            self._lock, self._process = threading.Lock(), os.getpid()
        return self._lock
