"""A Key Vault for a test, and the target that leads to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tailorsecrets.driver import Target
from tests.support.azure.server import Server

TIMEOUT = 1.5  # seconds of a read


def target(server: Server, prefix: str = "", timeout: float = TIMEOUT, **options: str) -> Target:
    """Return the target of the Key Vault at *server*, which a managed identity signs in to."""
    path = f"/{prefix}" if prefix else ""
    return Target(
        url=f"azure://{server.host}{path}",
        scheme="azure",
        host=server.host,
        path=prefix,
        options={"credential": "managed", "ca_bundle": server.authority, **options},
        timeout=timeout,
    )


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Give a Key Vault of the test's own, on a machine with a managed identity."""
    server = Server(tmp_path)
    for name, value in server.environ.items():
        monkeypatch.setenv(name, value)
    yield server
    server.close()
