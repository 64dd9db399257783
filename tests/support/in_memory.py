"""The conformance suite on the memory driver, with a place for layers around it."""

from collections.abc import Callable

import pytest

from tailorsecrets.driver import Driver
from tailorsecrets.testing.backdoor import Backdoor
from tailorsecrets.testing.conformance import Conformance, Connect
from tailorsecrets.testing.memory import Memory
from tailorsecrets.testing.server import MemoryBackdoor, Server


class InMemory(Conformance):
    """The memory driver, with the capabilities and the layers that the subclass declares."""

    module = "tailorsecrets.testing.memory"
    many, in_memory, timeout = 30, True, 0.1
    sdk = ("pytest", "hypothesis", "asyncio", "pluggy")

    @pytest.fixture
    def server(self) -> Server:
        """Return a store of this test's own."""
        return Server()

    @pytest.fixture
    def layer(self) -> Callable[[Driver], Driver]:
        """Return what puts the layers around a driver."""
        return lambda driver: driver

    @pytest.fixture
    def connect(self, server: Server, layer: Callable[[Driver], Driver]) -> Connect:
        """Return what opens a driver of the server."""
        return lambda: layer(Memory(caps=self.caps, server=server))

    @pytest.fixture
    def backdoor(self, server: Server) -> Backdoor:
        """Return the other tool at the server."""
        return MemoryBackdoor(server)
