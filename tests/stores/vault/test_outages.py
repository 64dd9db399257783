"""A server that is sealed, that limits the rate, or that refuses connections: the real thing, without a proxy."""

import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import hvac
import pytest

from tailorsecrets import Secret, Store
from tailorsecrets.errors import Unavailable
from tests.support.servers import Server, start, stop
from tests.support.vault.stores import store_at


@pytest.fixture
def spare(run_folder: Path) -> Iterator[Server]:
    """Give an OpenBao of this test's own."""
    folder = run_folder.with_name(f"{run_folder.name}-spare")
    yield start("openbao-raft", folder)
    stop(folder)


def test_a_sealed_server(spare: Server, workspace: str) -> None:
    """A server that is really sealed is Unavailable and says so; unsealed, it serves the same connection."""
    client = hvac.Client(url=spare.url, token=spare.variables["VAULT_TOKEN"])
    with store_at(spare.url, "secret?timeout=1", spare, workspace) as store:
        store.create_vault("api-keys")
        store.create_secret("api-keys", "key", Secret("value"))
        client.sys.seal()
        with pytest.raises(Unavailable) as caught:
            store.get("api-keys", "key")
        assert "sealed" in caught.value.hint
        unseal(client, spare)
        assert store.get("api-keys", "key") == "value"


def unseal(client: Any, server: Server) -> None:
    """Unseal *server* and wait until it is active."""
    client.sys.submit_unseal_key(server.variables["UNSEAL_KEY"])
    while not isinstance(client.sys.read_health_status(method="GET"), dict):
        pass  # a standby for a moment, which hvac gives as it came


def test_a_real_rate_limit(openbao: Server, bao_root: Any, workspace: str) -> None:
    """Under a quota of the server itself, many reads take longer and all answer."""
    with store_at(openbao.url, "", openbao, workspace) as store:
        store.create_vault("api-keys")
        names: Sequence[str] = [f"key-{number}" for number in range(12)]
        for name in names:
            store.create_secret("api-keys", name, Secret("value"))
        quota = f"quota-{workspace}"
        body = {"rate": 5, "interval": "1s", "path": f"{workspace}/api-keys"}
        bao_root.write_data(f"sys/quotas/rate-limit/{quota}", data=body)
        assert store.get_all("api-keys", names) == ["value"] * len(names)
        bao_root.delete(f"sys/quotas/rate-limit/{quota}")


@pytest.fixture
def unheard() -> Iterator[socket.socket]:
    """Give a socket that has a port and does not listen, so that connections are refused."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound


def url_of(bound: socket.socket) -> str:
    """Return the address of *bound*."""
    return f"http://127.0.0.1:{bound.getsockname()[1]}"


CALLS: dict[str, Callable[[Store], object]] = {
    "read": lambda store: store.get("api-keys", "key"),
    "list": lambda store: store.list_secrets("api-keys"),
    "write": lambda store: store.create_secret("api-keys", "key", Secret("value")),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_refused_connection_is_an_answer(openbao: Server, workspace: str, unheard: socket.socket, call: str) -> None:
    """Where no server listens, a call fails after two seconds, not fifteen; a write may check whether it is done."""
    began = time.monotonic()
    with store_at(url_of(unheard), "secret", openbao, workspace) as store, pytest.raises(Unavailable) as caught:
        CALLS[call](store)
    assert time.monotonic() - began < 6
    assert f"connection refused: is the server at {url_of(unheard)} running?" in caught.value.hint
    assert not caught.value.retryable


def test_a_server_that_starts_is_waited_for(openbao: Server, workspace: str, unheard: socket.socket) -> None:
    """A call to a server that is just starting succeeds when the server listens."""
    with store_at(openbao.url, "secret", openbao, workspace) as store:
        store.create_vault("api-keys")
        store.create_secret("api-keys", "key", Secret("value"))
    relay = threading.Thread(target=relay_later, args=(unheard, openbao), daemon=True)
    relay.start()
    with store_at(url_of(unheard), "secret", openbao, workspace) as store:
        assert store.get("api-keys", "key") == "value"
    relay.join()


def relay_later(bound: socket.socket, server: Server) -> None:
    """Listen after half a second, and relay one request and its answer."""
    time.sleep(0.5)
    bound.listen()
    port = int(server.url.rpartition(":")[2])
    with bound.accept()[0] as client, socket.create_connection(("127.0.0.1", port)) as upstream:
        upstream.sendall(client.recv(65_536))
        client.sendall(upstream.recv(65_536))
