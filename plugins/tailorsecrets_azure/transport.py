"""The SDK's connections, closed for certain."""

from azure.core.pipeline.transport import RequestsTransport


class Transport(RequestsTransport):  # type: ignore[misc]  # azure.core imports it in a way that mypy cannot follow
    """Closes all that is open.

    The SDK's own lets go of its connections, and each closes once nothing refers to it. But an exception of the SDK for
    a missing secret refers to itself, and to the connection that it came by, until Python's collector finds it.
    """

    def close(self) -> None:
        """Close the connections, those in use as soon as they have their answer."""
        for adapter in self.session.adapters.values() if self.session else ():
            for manager in (adapter.poolmanager, *adapter.proxy_manager.values()):
                for key in manager.pools.keys():  # noqa: SIM118 - no dict, and it cannot be iterated
                    manager.pools[key].close()
        super().close()  # pyright: ignore[reportUnknownMemberType]
