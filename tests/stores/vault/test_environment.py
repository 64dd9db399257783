"""The variables that requests reads: proxies and CA bundles keep their meaning, and are read once."""

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tailorsecrets import Secret, Store
from tailorsecrets.testing.proxy import Proxy
from tests.support.servers import Server
from tests.support.vault.stores import store_at


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the proxy variables of the test run."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def forward_proxy(openbao: Server) -> Iterator[Proxy]:
    """Give an HTTP proxy that reaches the server."""
    with Proxy(openbao.url).running() as proxy:
        yield proxy


@pytest.fixture
def store(openbao: Server, workspace: str) -> Iterator[Store]:
    """Give a store that has sent nothing yet; its vault is there."""
    with store_at(openbao.url, "secret", openbao, workspace) as made:
        made.create_vault("api-keys")
        made.create_secret("api-keys", "key", Secret("value"))
    with store_at(openbao.url, "secret", openbao, workspace) as store:
        yield store


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_a_proxy_of_the_environment(
    store: Store, forward_proxy: Proxy, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Requests go through the proxy that the environment names."""
    monkeypatch.setenv(name, forward_proxy.url)
    assert store.get("api-keys", "key") == "value"
    assert len(forward_proxy.seen) == 1


@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
@pytest.mark.parametrize("hosts", ["127.0.0.1", "example.com, 127.0.0.1", "127.0.0.0/8", "*"])
def test_no_proxy(store: Store, forward_proxy: Proxy, monkeypatch: pytest.MonkeyPatch, name: str, hosts: str) -> None:
    """NO_PROXY takes the server out of it, by address, by network, or with all others."""
    monkeypatch.setenv("HTTP_PROXY", forward_proxy.url)
    monkeypatch.setenv(name, hosts)
    assert store.get("api-keys", "key") == "value"
    assert not forward_proxy.seen


def test_no_proxy_for_others(store: Store, forward_proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_PROXY for another host, and a proxy for TLS, do not concern this server."""
    monkeypatch.setenv("HTTP_PROXY", forward_proxy.url)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "example.com")
    assert store.get("api-keys", "key") == "value"
    assert len(forward_proxy.seen) == 1


def test_the_environment_is_read_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the first request none reads all variables, of which there may be thousands."""
    assert store.get("api-keys", "key") == "value"
    scans: list[object] = []
    environ: Any = type(os.environ)
    iterate = environ.__iter__

    def noted(variables: object) -> Iterator[str]:
        scans.append(variables)
        names: Iterator[str] = iterate(variables)
        return names

    monkeypatch.setattr(environ, "__iter__", noted)
    for _ in range(3):
        assert store.get("api-keys", "key") == "value"
    store.update_secret("api-keys", "key", Secret("new"))
    assert not scans
