"""Stores on OpenBao for tests: behind a proxy that counts, in a workspace of each test's own."""

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import hvac
import pytest

from tailorsecrets import Store, open_store
from tailorsecrets.store.record import Owner
from tailorsecrets.testing.proxy import Proxy, Rule
from tests.support.servers import Server

OWNER = Owner("my-app", "6f1c4f0e-5d0b-4f7c-9d57-0d5f0f0a3c11")
# what HashiCorp Vault answers to a list with details
NO_DETAILS = Rule(
    methods=("LIST",),
    path="/detailed-metadata/",
    status=404,
    headers={"Content-Type": "application/json"},
    body=b'{"data":null,"warnings":["Invalid path for a versioned K/V secrets engine"]}',
)
FORMS = pytest.mark.parametrize("path", ["", "secret", "secret/team"])


@pytest.fixture
def bao_proxy(openbao: Server) -> Iterator[Proxy]:
    """Give a proxy in front of the server, which counts."""
    with Proxy(openbao.url).running() as proxy:
        yield proxy


@pytest.fixture
def workspace() -> str:
    """Return a workspace of this test's own."""
    return f"w{uuid.uuid4().hex[:8]}"


@pytest.fixture
def bao_store(openbao: Server, bao_proxy: Proxy, workspace: str, path: str) -> Iterator[Store]:
    """Give a store behind the proxy, at the *path* of the test's parameters."""
    with store_at(bao_proxy.url, path, openbao, workspace) as store:
        yield store


@pytest.fixture
def bao_root(openbao: Server) -> Any:
    """Return a raw client that may do everything."""
    return hvac.Client(url=openbao.url, token=openbao.variables["VAULT_TOKEN"])


def store_at(url: str, path: str, server: Server, workspace: str) -> Store:
    """Open the store at *path*, with a query perhaps, behind the address *url* of *server*, with all rights."""
    return open_store(f"{url.replace('http', 'vault+http', 1)}/{path}", workspace, environ=server.variables)


def write(root: Any, name: str, fields: Mapping[str, Any]) -> None:
    """Write the entry *name* as another tool does."""
    mount, path = spot(name)
    root.secrets.kv.v2.create_or_update_secret(path, dict(fields), mount_point=mount)


def spot(name: str) -> tuple[str, str]:
    """Return the mount and the path of a native name, which is in ``secret``, or begins with a vault's own mount."""
    first, second, rest = name.removeprefix("/").split("/", 2)
    return ("secret", f"{second}/{rest}") if first == "secret" else (f"{first}/{second}", rest)
