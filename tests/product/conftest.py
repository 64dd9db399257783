"""The stores that the whole product is tested on; one whose server cannot start fails its tests."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.product.backend import Backend
from tests.support.product.backends import BACKENDS, SERVERS, Start
from tests.support.servers import COMMAND, Server, own_folder, run_folder, start
from tests.support.shell import Shell

__all__ = ["run_folder"]


def pytest_collection_finish(session: pytest.Session) -> None:
    """Install the servers that the collected tests need, before the clock of the first test runs."""
    calls = [item.callspec for item in session.items if isinstance(item, pytest.Function) and hasattr(item, "callspec")]
    stores = {call.params.get("backend") for call in calls}
    names = sorted({server for store, server in SERVERS.items() if store in stores})
    if names:
        subprocess.run([sys.executable, COMMAND, "install", *names], stdout=subprocess.DEVNULL, check=False)


@pytest.fixture(scope="session")
def servers(run_folder: Path) -> Start:
    """Return what starts a server at its first use."""
    running: dict[str, Server] = {}

    def started(name: str) -> Server:
        if name not in running:
            running[name] = start(name, own_folder(name, run_folder))
        return running[name]

    return started


@pytest.fixture(params=sorted(BACKENDS))
def backend(request: pytest.FixtureRequest, tmp_path: Path, servers: Start) -> Iterator[Backend]:
    """Give a store, empty as far as its workspace goes."""
    with BACKENDS[request.param](tmp_path, servers) as opened:
        yield opened


@pytest.fixture
def shell(backend: Backend) -> Shell:
    """Return a command line that uses the store."""
    folder = backend.folder / "app"
    folder.mkdir()
    return Shell(folder).having(backend.variables)
