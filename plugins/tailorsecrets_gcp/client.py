"""One channel for each process, and its login."""

from collections.abc import Callable, Mapping
from typing import Any, Final, cast

import grpc
from google.api_core import grpc_helpers
from google.api_core.gapic_v1 import routing_header
from google.cloud.secretmanager_v1 import SecretManagerServiceClient
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceGrpcTransport
from google.cloud.secretmanager_v1.services.secret_manager_service.transports.base import DEFAULT_CLIENT_INFO
from google.cloud.secretmanager_v1.types import (
    AccessSecretVersionRequest,
    AccessSecretVersionResponse,
    AddSecretVersionRequest,
    SecretVersion,
)

from tailorsecrets.driver import PerProcess, ServerClock
from tailorsecrets_gcp.login import Login
from tailorsecrets_gcp.options import Options

_SERVICE: Final = "/google.cloud.secretmanager.v1.SecretManagerService"
_USER_AGENT: Final = cast("Any", DEFAULT_CLIENT_INFO).to_grpc_metadata()
_CHANNEL: Final = (
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),  # by default two minutes, in which every call fails without being sent
    ("grpc.use_local_subchannel_pool", 1),  # a broken connection of another channel to the same host is not ours
)


class Session:
    """The channel of one process, and its ``login``, None where none is needed."""

    def __init__(self, options: Options, clock: ServerClock) -> None:
        self.login = None if options.plain else Login(options, clock)
        self._channel = _channel(options, self.login)
        client: Any = SecretManagerServiceClient(transport=SecretManagerServiceGrpcTransport(channel=self._channel))
        self._client = client  # Any: the SDK's types are incomplete
        self._with_values = {
            "access_secret_version": _bare(self._channel, AccessSecretVersionRequest, AccessSecretVersionResponse),
            "add_secret_version": _bare(self._channel, AddSecretVersionRequest, SecretVersion),
        }

    def method(self, name: str) -> Callable[..., Any]:
        """Return the method of the service that the SDK's client calls *name*."""
        return self._with_values.get(name) or getattr(self._client, name)

    def forget_token(self) -> bool:
        """Let the next call get another token; return False where no login can get one."""
        if self.login is not None:
            self.login.forget_token()
        return self.login is not None

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()


class Connection:
    """Opens a session at the first call, and another in a forked child, where a channel does not work."""

    def __init__(self, options: Options) -> None:
        self.options, self.clock = (
            options,
            ServerClock(),
        )  # gRPC sends no time, so this is the clock of the sign-in services
        self._sessions = PerProcess(lambda: Session(options, self.clock))

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


def _bare(channel: grpc.Channel, request_type: Any, answer_type: Any) -> Callable[..., Any]:
    """Return a method whose messages hold a value, on the SDK's bare messages.

    The SDK's client around it can log them, and takes a fifth of the time of a read.
    """
    name, make = request_type.__name__.removesuffix("Request"), request_type.pb()
    serialize, read = make.SerializeToString, answer_type.pb().FromString
    stub = channel.unary_unary(f"{_SERVICE}/{name}", request_serializer=serialize, response_deserializer=read)
    send = cast("Any", grpc_helpers).wrap_errors(stub)

    def call(request: Mapping[str, Any], timeout: float, retry: None) -> Any:
        del retry  # as the client's methods take it
        field = "name" if "name" in request else "parent"
        routing = cast("Any", routing_header).to_grpc_metadata(((field, request[field]),))
        return send(make(**request), timeout=timeout, metadata=(routing, _USER_AGENT))

    return call
