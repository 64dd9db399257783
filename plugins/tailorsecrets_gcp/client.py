"""One channel for each process, and who it signs in as."""

import os
import threading
from typing import Any, Final, cast

import grpc
from google.cloud.secretmanager_v1 import SecretManagerServiceClient
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceGrpcTransport

from tailorsecrets_gcp.login import Login
from tailorsecrets_gcp.options import Settings

_CHANNEL: Final = (
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),  # by default two minutes, in which every call fails unsent
    ("grpc.use_local_subchannel_pool", 1),  # the trouble of another connection to the same host is not ours
)


class Session:
    """The channel of one process, ``client`` to call the service by, and ``login``, None where none is asked for."""

    def __init__(self, settings: Settings) -> None:
        self.login = None if settings.plain else Login(settings)
        self._channel = _channel(settings, self.login)
        transport = SecretManagerServiceGrpcTransport(channel=self._channel)
        self.client: Any = SecretManagerServiceClient(transport=transport)  # Any: the SDK's own types are half there

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()


class Connection:
    """Opens a session at the first call, and another one in a forked child, where a channel does not work."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._sessions: dict[int, Session] = {}  # by process; a parent's is kept, since dropping it would close it
        self._lock, self._process = threading.Lock(), os.getpid()

    def session(self) -> Session:
        """Return the session of this process."""
        found = self._sessions.get(os.getpid())
        return found or self._opened()

    def close(self) -> None:
        """Close this process's session."""
        session = self._sessions.pop(os.getpid(), None)
        if session is not None:
            session.close()

    def _opened(self) -> Session:
        with self._own_lock():
            if os.getpid() not in self._sessions:
                self._sessions[os.getpid()] = Session(self.settings)
            return self._sessions[os.getpid()]

    def _own_lock(self) -> threading.Lock:
        if self._process != os.getpid():  # a fork copies a lock without the thread that would let go of it
            self._lock, self._process = threading.Lock(), os.getpid()
        return self._lock


def _channel(settings: Settings, login: Login | None) -> grpc.Channel:
    if login is None:
        return grpc.insecure_channel(settings.host, _CHANNEL)
    create = cast("Any", SecretManagerServiceGrpcTransport).create_channel
    channel: grpc.Channel = create(settings.host, credentials=login.credentials, options=_CHANNEL)
    return channel
