"""The conformance suite on OpenBao: mounts and folders, in memory, on raft, and without the lists that Vault lacks."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import requests.exceptions
from hvac.exceptions import VaultError

from tailorsecrets.driver import Driver, Target
from tailorsecrets.store.layers import stack
from tailorsecrets.testing.backdoor import Backdoor
from tailorsecrets.testing.conformance import Conformance, Connect
from tailorsecrets.testing.proxy import Proxy, Rule
from tailorsecrets_vault.driver import CAPS, MOUNT_CAPS, VaultDriver
from tests.support.servers import Server
from tests.support.vault.backdoor import VaultBackdoor
from tests.support.vault.stores import NO_DETAILS


def target(url: str, path: str, token: str, **options: str) -> Target:
    """Return the target of a store at the server *url* without TLS."""
    host = url.removeprefix("http://")
    environ = {"VAULT_TOKEN": token}
    return Target(
        url=f"vault+http://{host}/{path}",
        scheme="vault+http",
        host=host,
        path=path,
        options=options,
        timeout=5.0,
        environ=environ,
    )


def one_of_each(base: type[Exception], make: Callable[[Any], Exception]) -> list[Exception]:
    """Return an exception of *base* and of each class below it."""
    below = [exc for kind in base.__subclasses__() for exc in one_of_each(kind, make)]
    return [make(base), *below]


def requests_error(kind: Any) -> Exception:
    """Return an exception of *kind*."""
    return kind("text", "document", 0) if kind is requests.exceptions.JSONDecodeError else kind("text")


class InVault(Conformance):
    """The driver at a server behind a proxy, with the layers that the subclass declares."""

    cannot = frozenset({"disable", "expire_versions"})  # KV has deleted and destroyed versions, and no disabled ones
    examples, many, timeout = 20, 30, 0.5
    module = "tailorsecrets_vault"
    sdk = ("hvac", "requests", "urllib3", "pluggy")
    sdk_exceptions = (
        *one_of_each(VaultError, lambda kind: kind("text", errors=["text"], url="http://host/v1/x")),
        *one_of_each(requests.exceptions.RequestException, requests_error),
    )
    cost = {"get": 1, "stat": 1, "list": 1, "put": 2, "versions": 1, "delete": 1, "restore": 2}  # noqa: RUF012

    @pytest.fixture
    def server(self, openbao: Server) -> Server:
        """Return the server."""
        return openbao

    @pytest.fixture
    def proxy(self, server: Server) -> Iterator[Proxy]:
        """Give a proxy in front of the server."""
        with Proxy(server.url).running() as proxy:
            yield proxy

    @pytest.fixture
    def backdoor(self, server: Server, proxy: Proxy) -> Iterator[Backdoor]:
        """Give the other tool, and end its faults."""
        backdoor = VaultBackdoor(server, proxy, self.prefix.partition("/")[0])
        yield backdoor
        backdoor.recover()
        backdoor.close()

    @pytest.fixture
    def layer(self) -> Callable[[Driver], Driver]:
        """Return a function that puts the layers around a driver."""
        return lambda driver: driver

    @pytest.fixture
    def connect(
        self,
        request: pytest.FixtureRequest,
        proxy: Proxy,
        backdoor: VaultBackdoor,
        layer: Callable[[Driver], Driver],
    ) -> Connect:
        """Return a function that opens one more connection, each with its own token."""
        seconds = self.timeout if "waits_for_ever" in request.node.name else 5.0

        def connect() -> Driver:
            path = self.prefix.strip("/")
            return layer(VaultDriver(replace(target(proxy.url, path, backdoor.token()), timeout=seconds)))

        return connect


class TestMounts(InVault):
    """Each vault is a mount."""

    urls = ("vault://vault.example", "vault+http://127.0.0.1:9", "vault://vault.example/kv/team?mount=kv", "vault://")
    environ = {"VAULT_ADDR": "https://vault.example"}  # noqa: RUF012  # for the URL without a host

    caps = MOUNT_CAPS


class TestFolders(InVault):
    """Vaults are folders of one mount."""

    caps = CAPS
    prefix = "secret/"


class TestDeepFolders(InVault):
    """Vaults are folders below a folder; the server is asked once where the mount ends."""

    caps = CAPS
    prefix = "secret/team/base/"


class TestMountsOnRaft(TestMounts):
    """Mounts, on the storage of production, where a new mount is not ready at once."""

    @pytest.fixture
    def server(self, openbao_raft: Server) -> Server:
        """Return the server."""
        return openbao_raft


class TestFoldersOnRaft(TestFolders):
    """Folders, on the storage of production."""

    @pytest.fixture
    def server(self, openbao_raft: Server) -> Server:
        """Return the server."""
        return openbao_raft


class TestFoldersWithoutDetails(InVault):
    """Folders, where the proxy answers for ``detailed-metadata`` what HashiCorp Vault does."""

    caps = CAPS
    prefix = "secret/"
    cost = {**InVault.cost, "list": 3}  # noqa: RUF012 - the first list finds out

    @pytest.fixture
    def proxy(self, server: Server) -> Iterator[Proxy]:
        """Give a proxy without lists that have details."""
        with Proxy(server.url).running() as proxy:
            proxy.rules = Lasting(NO_DETAILS)
            yield proxy


class TestStacked(TestMounts):
    """Inside the layers that its capabilities need."""

    @pytest.fixture
    def layer(self) -> Callable[[Driver], Driver]:
        """Return the stack, with half a second for reads."""
        return lambda driver: stack(driver, timeout=0.5)


class Lasting(list[Rule]):
    """Rules; ``clear`` keeps *first*."""

    def __init__(self, first: Rule) -> None:
        super().__init__([first])
        self._first = first

    def clear(self) -> None:
        """Remove all but the first."""
        self[:] = [replace(self._first)]
