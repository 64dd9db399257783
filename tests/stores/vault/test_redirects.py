"""Redirects, which a standby or a load balancer may answer: followed within one server, and no write becomes a read."""

from collections.abc import Callable, Iterator

import pytest

from tailorsecrets import Secret, Store
from tailorsecrets.errors import ConfigError
from tailorsecrets.testing.proxy import Proxy, Rule
from tests.support.servers import Server
from tests.support.vault.stores import store_at


@pytest.fixture
def store(openbao: Server, bao_proxy: Proxy, workspace: str) -> Iterator[Store]:
    """Give a store behind the proxy with the secret ``api-keys/old``."""
    with store_at(bao_proxy.url, "secret", openbao, workspace) as store:
        store.create_vault("api-keys")
        store.create_secret("api-keys", "old", Secret("value"))
        bao_proxy.seen.clear()
        yield store


def redirect(status: int, location: str, *methods: str, times: float = 1) -> Rule:
    """Return a rule that redirects *methods* to *location*."""
    return Rule(methods=methods, times=times, status=status, headers={"Location": location})


def data_path(workspace: str, name: str) -> str:
    """Return the path of a value."""
    return f"/v1/secret/data/{workspace}/api-keys/{name}"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_read_is_redirected_within_the_server(store: Store, bao_proxy: Proxy, workspace: str, status: int) -> None:
    """A read follows every kind of redirect within one server, and a list stays a list."""
    bao_proxy.rules = [redirect(status, data_path(workspace, "old"), "GET")]
    assert store.get("api-keys", "old") == "value"
    path = f"/v1/secret/detailed-metadata/{workspace}/api-keys/?limit=1000&after="
    bao_proxy.rules = [redirect(status, f"{bao_proxy.url}{path}", "LIST")]
    assert [entry.name for entry in store.list_secrets("api-keys")] == ["old"]


@pytest.mark.parametrize("status", [307, 308])
def test_a_write_is_redirected_with_its_body(store: Store, bao_proxy: Proxy, workspace: str, status: int) -> None:
    """A write follows the redirects that keep method and body."""
    bao_proxy.rules = [redirect(status, data_path(workspace, "new"), "POST")]
    store.create_secret("api-keys", "new", Secret("value"))
    bao_proxy.rules = [redirect(status, data_path(workspace, "old"), "DELETE")]
    store.delete_secret("api-keys", "old")
    bao_proxy.rules = []
    assert store.get_all("api-keys", ["new", "old"]) == ["value", None]


@pytest.mark.parametrize("status", [301, 302, 303])
def test_no_write_becomes_a_read(store: Store, bao_proxy: Proxy, workspace: str, status: int) -> None:
    """A redirect that would turn a write into a read is an error: a delete never succeeds while the secret stays."""
    calls: dict[str, Callable[[], object]] = {
        "DELETE": lambda: store.delete_secret("api-keys", "old"),
        "POST": lambda: store.create_secret("api-keys", "new", Secret("value")),
    }
    for method, call in calls.items():
        bao_proxy.rules = [redirect(status, data_path(workspace, "old"), method)]
        with pytest.raises(ConfigError) as caught:
            call()
        assert f"redirects a write with HTTP {status}" in caught.value.hint
    assert store.get_all("api-keys", ["new", "old"]) == [None, "value"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_another_server_gets_no_token(
    openbao: Server, store: Store, bao_proxy: Proxy, workspace: str, status: int, scheme: str
) -> None:
    """A redirect to another host, or another port of the host, is an error that names it; nothing is sent there."""
    with Proxy(openbao.url).running() as other:
        for host in ("127.0.0.1", "localhost") if scheme == "http" else ("localhost",):
            bao_proxy.rules = [redirect(status, f"{scheme}://{host}:{other.port}{data_path(workspace, 'old')}")]
            with pytest.raises(ConfigError) as caught:
                store.get("api-keys", "old")
            assert f"redirects to {scheme}://{host}" in caught.value.hint
        assert not other.seen


@pytest.mark.parametrize(
    "location", ["http://[", "//example.com/v1/x", "http://127.0.0.1:8200@example.com/", "file:///x"]
)
def test_a_strange_location(store: Store, bao_proxy: Proxy, location: str) -> None:
    """A redirect to no server, or to one that looks like this one, is an error."""
    bao_proxy.rules = [redirect(307, location)]
    with pytest.raises(ConfigError) as caught:
        store.get("api-keys", "old")
    assert "the server redirects to" in caught.value.hint


def test_a_circle(store: Store, bao_proxy: Proxy, workspace: str) -> None:
    """A redirect to itself ends."""
    bao_proxy.rules = [redirect(307, data_path(workspace, "old"), "GET", times=float("inf"))]
    with pytest.raises(ConfigError) as caught:
        store.get("api-keys", "old")
    assert "circle" in caught.value.hint
    assert len(bao_proxy.seen) < 10
