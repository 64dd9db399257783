"""The Google driver keeps the contract, on a server that speaks Secret Manager's protocol."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from google.api_core import exceptions as api
from google.auth import exceptions as auth

from tailorsecrets.driver import Driver
from tailorsecrets.errors import Denied
from tailorsecrets.store.layers import stack
from tailorsecrets.testing.backdoor import LATER, Backdoor
from tailorsecrets.testing.conformance import Conformance, Connect
from tailorsecrets.testing.conformance.suite import names, refused
from tailorsecrets_gcp.driver import BY_ACCESS, CAPS
from tests.support.gcp.fixtures import Bench, bench
from tests.support.gcp.overrides import GoogleOverrides


def kinds(base: type[Exception]) -> Iterator[type[Exception]]:
    """Yield *base* and all classes below it."""
    yield base
    for kind in base.__subclasses__():
        yield from kinds(kind)


def one_of(kind: Any) -> Exception:
    """Return an exception of *kind*."""
    made: Exception = kind("text", one_of(api.ServiceUnavailable)) if kind.__name__ == "RetryError" else kind("text")
    return made


class AtGoogle(GoogleOverrides, Conformance):
    """The driver, with the layers that the subclass declares.

    ``get`` is one call, which returns the number of a version and no stamp; ``stat`` returns all of the entry.
    """

    caps = CAPS
    cannot = LATER - {"forbid", "expire_versions"}
    prefix = "team_"
    foreign_name = "Not_A-Secret"
    examples, many = 20, 30
    module = "tailorsecrets_gcp"
    sdk = ("grpc", "google.auth", "google.cloud.secretmanager_v1", "google.api_core", "google_crc32c")
    sdk_exceptions = (
        *map(one_of, dict.fromkeys([*kinds(api.GoogleAPIError), *kinds(auth.GoogleAuthError)])),
        api.AsyncRestUnsupportedParameterError(),
    )

    @pytest.fixture
    def bench(self) -> Iterator[Bench]:
        """Yield the server and its surroundings; its lists lag and have small pages."""
        with bench() as made:
            made.server.page = 12
            made.server.holdings.lag("secrets")
            yield made

    @pytest.fixture
    def layer(self) -> Callable[[Driver], Driver]:
        """Return what puts the layers around a driver."""
        return lambda driver: driver

    @pytest.fixture
    def connect(self, bench: Bench, layer: Callable[[Driver], Driver]) -> Connect:
        """Return what opens one more driver."""
        return lambda: layer(bench.connect())

    @pytest.fixture
    def backdoor(self, bench: Bench) -> Backdoor:
        """Return the raw SDK at the same server."""
        return bench.backdoor


class TestGoogle(AtGoogle):
    """The driver alone."""

    urls = ("gcp://my-project", "gcp://my-project/team-a", "gcp://my-project?location=europe-west3", "gcp://")
    environ = {"GOOGLE_CLOUD_PROJECT": "my-project"}  # noqa: RUF012  # for the URL without a project

    cost = {"get": 1, "stat": 2, "list": 1, "put": 2, "versions": 1, "delete": 5, "restore": 5}  # noqa: RUF012


class TestRegional(AtGoogle):
    """Secrets of one region."""

    @pytest.fixture
    def bench(self) -> Iterator[Bench]:
        """Yield a bench for a region."""
        with bench(location="europe-west3", kms_key="projects/p/locations/l/keyRings/r/cryptoKeys/k") as made:
            yield made


class TestByAccess(AtGoogle):
    """With plan=access, where a stat accesses the value and returns the number of its version alone."""

    caps = BY_ACCESS
    cost = {"get": 1, "stat": 2, "list": 1, "put": 2}  # noqa: RUF012

    @pytest.fixture
    def bench(self) -> Iterator[Bench]:
        """Yield a bench with that option."""
        with bench(plan="access") as made:
            made.server.holdings.lag("secrets")
            yield made

    def statted(self, token: str) -> str:
        """Return the number."""
        return token.partition("@")[0]

    def test_no_values_are_read(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """A login that may not read a value can list it, and is denied the stat."""
        backdoor.write(vault + "key", "value")
        backdoor.deny(vault + "key")
        backdoor.settle()
        assert names(driver.list(vault)) == [vault + "key"]
        with refused(driver, "stat", Denied):
            driver.stat(vault + "key")


class TestStack(AtGoogle):
    """Inside of the layers that its capabilities call for, with a quota that no test reaches."""

    caps = replace(CAPS, per_s={"get": 10_000, "stat": 10_000, "list": 10_000, "write": 10_000})

    @pytest.fixture
    def layer(self) -> Callable[[Driver], Driver]:
        """Return the stack."""

        def stacked(driver: Driver) -> Driver:
            driver.caps = self.caps
            return stack(driver)

        return stacked
