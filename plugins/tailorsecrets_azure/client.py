"""The SDK's client and its login, made at the first call."""

from dataclasses import dataclass
from typing import Any

import requests
from azure.core.pipeline.transport import RequestsTransport
from azure.keyvault.secrets import SecretClient

from tailorsecrets.driver import ServerClock, Target
from tailorsecrets_azure.login import Login
from tailorsecrets_azure.options import Options
from tailorsecrets_azure.retry import RetryPolicy


@dataclass(frozen=True, slots=True)
class Connection:
    """The client of one process, for all its threads."""

    client: SecretClient
    login: Login

    def close(self) -> None:
        """Close all connections."""
        self.client.close()
        self.login.forget()


def connect(options: Options, target: Target, clock: ServerClock) -> Connection:
    """Return a connection to the Key Vault; call nothing yet."""
    login = Login(options, target)
    version: dict[str, Any] = {"api_version": options.api_version} if options.api_version else {}
    web = _web_settings(options)
    client = SecretClient(
        options.url,
        login,
        verify_challenge_resource=options.is_azure,  # for other hosts, Login checks that the token is for Key Vault
        transport=_Transport(connection_verify=web["verify"], use_env_settings=False),
        proxies=web["proxies"],
        retry_policy=RetryPolicy(target.seconds(), clock, login.forget),
        **version,
    )
    return Connection(client, login)


def _web_settings(options: Options) -> dict[str, Any]:
    """Return the proxies and the authorities to trust, from the environment where *options* name none.

    Otherwise requests would read the whole environment for every request.
    """
    with requests.Session() as session:
        return dict(session.merge_environment_settings(options.url, {}, None, options.ca_bundle or True, None))


class _Transport(RequestsTransport):  # type: ignore[misc]  # azure.core imports it in a way that mypy cannot follow
    """Closes all its connections.

    The SDK's own transport drops its connections, and each closes once nothing refers to it. But an SDK exception for a
    missing secret refers to itself and to its connection until Python's collector finds it.
    """

    def close(self) -> None:
        """Close the connections; those in use close as soon as they have their answer."""
        for adapter in self.session.adapters.values() if self.session else ():
            for manager in (adapter.poolmanager, *adapter.proxy_manager.values()):
                for key in manager.pools.keys():  # noqa: SIM118  # not a dict, and it cannot be iterated
                    manager.pools[key].close()
        super().close()  # pyright: ignore[reportUnknownMemberType]
