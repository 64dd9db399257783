"""A server that is sealed, and one that limits the rate: the real thing, without a proxy."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import hvac
import pytest

from tailorsecrets import Secret
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
    """Unseal *server* and wait until it leads."""
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
