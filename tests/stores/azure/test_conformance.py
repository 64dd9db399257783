"""The conformance suite on a server that speaks the wire protocol of Azure Key Vault, alone and inside the layers."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import azure.core.exceptions as core
import azure.identity
import pytest

from tailorsecrets.driver import Driver
from tailorsecrets.store.layers import stack
from tailorsecrets.testing.backdoor import LATER
from tailorsecrets.testing.conformance import Conformance, Connect
from tailorsecrets_azure.driver import CAPS, AzureDriver
from tests.support.azure.backdoor import AzureBackdoor
from tests.support.azure.fixtures import TIMEOUT, server, target
from tests.support.azure.server import Server

__all__ = ["server"]

ANSWER = SimpleNamespace(request="GET", status_code=404, reason="text", headers={}, text=lambda _="": "{}")


def one_of_each(base: type[Exception]) -> list[Exception]:
    """Return an exception of *base* and of each class below it."""
    return [_made(base), *(exc for kind in base.__subclasses__() for exc in one_of_each(kind))]


def _made(kind: Any) -> Exception:
    """Return an exception of *kind*, which takes a text or an answer."""
    try:
        return cast("Exception", kind("text"))
    except (AttributeError, TypeError):
        return cast("Exception", kind(ANSWER))


class InAzure(Conformance):
    """The driver at the server, with the layers that the subclass declares."""

    caps = CAPS
    cannot = frozenset({"bare", "write_bytes"}) | LATER - {
        "forbid",
        "cut_answers",
    }  # no secret without a value, no bytes
    examples, many = 20, 30
    foreign_name = "Of-Another-Tool"
    module = "tailorsecrets_azure"
    sdk = ("azure", "msal", "requests", "pluggy")
    sdk_exceptions = (
        *one_of_each(core.AzureError),
        core.SerializationError("text"),
        core.DeserializationError("text"),
        azure.identity.CredentialUnavailableError("text"),
        azure.identity.AuthenticationRequiredError(["scope"]),
    )
    cost = {"get": 1, "stat": 1, "list": 1, "versions": 1, "delete": 2, "restore": 2, "put": 1}  # noqa: RUF012

    @pytest.fixture
    def backdoor(self, server: Server) -> Iterator[AzureBackdoor]:
        """Give the other tool, and end what it began."""
        backdoor = AzureBackdoor(server)
        yield backdoor
        backdoor.recover()
        backdoor.close()

    @pytest.fixture
    def layer(self) -> Callable[[Driver], Driver]:
        """Return what puts the layers around a driver."""
        return lambda driver: driver

    @pytest.fixture
    def connect(self, server: Server, layer: Callable[[Driver], Driver]) -> Connect:
        """Return what opens one more connection."""
        return lambda: layer(AzureDriver(target(server)))


class TestAzure(InAzure):
    """The driver alone."""

    urls = ("azure://my-vault", "azure://my-vault/team-a", "azure://my-vault.vault.azure.cn", "azure://localhost:8443")
    switched_off = {"test_policy_is_text": "no role is for a prefix: the one to read names no vault"}  # noqa: RUF012


class TestSlowDeletes(InAzure):
    """The driver where deletes, recoveries and purges take a while, as they do at Microsoft's."""

    cost = {}  # noqa: RUF012 - it asks until they are through

    @pytest.fixture
    def server(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
        """Give a slow Key Vault."""
        server = Server(tmp_path)
        server.vault.delay = 0.15
        for name, value in server.environ.items():
            monkeypatch.setenv(name, value)
        yield server
        server.close()


class TestStack(InAzure):
    """Inside of the layers that its capabilities call for."""

    @pytest.fixture
    def layer(self) -> Callable[[Driver], Driver]:
        """Return the stack."""
        return lambda driver: stack(driver, timeout=TIMEOUT)
