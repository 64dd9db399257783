"""A driver and another tool at a server of the Secret Manager protocol; the driver's connection can be cut."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tailorsecrets.driver import Target
from tailorsecrets.testing.fuse import Fuse
from tailorsecrets_gcp.driver import GcpDriver
from tests.support.gcp.backdoor import PROJECT, GcpBackdoor, MortalConnection
from tests.support.gcp.relay import Wire
from tests.support.gcp.server import Server

ABANDONED_AFTER = 0.6  # seconds; 3 outside of tests


@dataclass(frozen=True, slots=True)
class Bench:
    """The parts that a test of the driver works with."""

    server: Server
    wire: Wire
    backdoor: GcpBackdoor
    fuse: Fuse
    options: dict[str, str] = field(default_factory=dict[str, str])
    timeout: float = 2.0

    def target(self) -> Target:
        """Return the target of the server's URL."""
        options = {"endpoint": self.wire.address, **self.options}
        return Target(url=f"gcp://{PROJECT}", scheme="gcp", host=PROJECT, options=options, timeout=self.timeout)

    def connect(self) -> GcpDriver:
        """Open one more driver."""
        driver = GcpDriver(self.target())
        driver._connection = MortalConnection(driver._connection.options, self.fuse)
        driver.abandoned_after = ABANDONED_AFTER
        return driver

    def methods(self) -> list[str]:
        """Return the methods that drivers called since the last time that this was asked."""
        methods = self.server.methods()
        self.server.arrived.clear()
        return methods


@contextmanager
def bench(*, timeout: float = 2.0, **options: str) -> Iterator[Bench]:
    """Yield a bench, and close it."""
    server, fuse = Server(), Fuse()
    wire = Wire(("127.0.0.1", server.port))
    place = f"/locations/{options['location']}" if "location" in options else ""
    backdoor = GcpBackdoor(server, wire, fuse, f"projects/{PROJECT}{place}")
    try:
        yield Bench(server, wire, backdoor, fuse, options, timeout)
    finally:
        backdoor.close()
        server.close()
        wire.cut()
