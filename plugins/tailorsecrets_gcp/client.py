"""One channel for each process, and its login."""

from typing import Any, Final, cast

import grpc
from google.cloud.secretmanager_v1 import SecretManagerServiceClient
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceGrpcTransport

from tailorsecrets.driver import PerProcess
from tailorsecrets_gcp.login import Login
from tailorsecrets_gcp.options import Options

_CHANNEL: Final = (
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),  # by default two minutes, in which every call fails unsent
    ("grpc.use_local_subchannel_pool", 1),  # a broken connection of another channel to the same host is not ours
)


class Session:
    """The channel of one process, the SDK's ``client`` on it, and its ``login``, None where none is needed."""

    def __init__(self, options: Options) -> None:
        self.login = None if options.plain else Login(options)
        self._channel = _channel(options, self.login)
        transport = SecretManagerServiceGrpcTransport(channel=self._channel)
        self.client: Any = SecretManagerServiceClient(transport=transport)  # Any: the SDK's types are incomplete

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()


class Connection:
    """Opens a session at the first call, and another in a forked child, where a channel does not work."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self._sessions = PerProcess(lambda: Session(options))

    def session(self) -> Session:
        """Return the session of this process."""
        return self._sessions.get()

    def close(self) -> None:
        """Close the session of this process."""
        if session := self._sessions.drop():
            session.close()


def _channel(options: Options, login: Login | None) -> grpc.Channel:
    if login is None:
        return grpc.insecure_channel(options.host, _CHANNEL)
    create = cast("Any", SecretManagerServiceGrpcTransport).create_channel
    channel: grpc.Channel = create(options.host, credentials=login.credentials, options=_CHANNEL)
    return channel
