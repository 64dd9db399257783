"""Each conformance test fails on a driver that is wrong in just its way, and passes on the right one."""

import inspect
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import pytest

from tailorsecrets.driver import Caps
from tailorsecrets.errors import SecretsError, TooLarge
from tailorsecrets.testing.conformance import Conformance
from tailorsecrets.testing.conformance.suite import all_tests
from tailorsecrets.testing.memory import WITH_CONTAINERS, Memory
from tailorsecrets.testing.server import MemoryBackdoor, Server
from tests.support.wrong_drivers.reads import WRONG_READS
from tests.support.wrong_drivers.writes import WRONG_WRITES

WRONG: Final[Mapping[str, type[Memory]]] = {**WRONG_READS, **WRONG_WRITES}
FEW: Final[Mapping[str, Any]] = {"caps": Caps(writes=True)}
HEAVY: Final[Mapping[str, Any]] = {"module": "tailorsecrets.testing.conformance"}


class Right(Conformance):
    """The suite for the memory driver with all that can be declared."""

    caps = WITH_CONTAINERS
    module, sdk = "tailorsecrets.testing.memory", ("pytest",)
    cost = MappingProxyType({"get": 1, "put": 1})
    sdk_exceptions = (TooLarge(),)


def run(name: str, driver: type[Memory], suite: type[Conformance]) -> None:
    """Run the test called *name* of *suite* on a *driver*."""
    server, case = Server(), suite()
    connection = driver(caps=suite.caps, server=server)
    make_vault = case.vault_maker(connection)
    test = getattr(case, name)
    given: dict[str, Any] = {
        "connect": lambda: driver(caps=suite.caps, server=server),
        "backdoor": MemoryBackdoor(server),
        "driver": connection,
        "make_vault": make_vault,
    }
    wanted = inspect.signature(test).parameters
    if "vault" in wanted:
        given["vault"] = make_vault("api")
    test(**{parameter: given[parameter] for parameter in wanted})


def declaring(name: str, *, wrong: bool) -> type[Conformance]:
    """Return the suite that the test called *name* needs to be of use, or a *wrong* one where it is about that."""
    if name == "test_each_missing_cap_refused":
        return type("Few", (Right,), dict(FEW))
    return type("Heavy", (Right,), dict(HEAVY)) if wrong and name == "test_import_loads_no_sdk" else Right


def test_every_test_has_its_wrong_driver() -> None:
    """Every conformance test has a wrong driver, and every wrong driver has a test."""
    assert set(all_tests(Conformance)) == set(WRONG)


def test_all_tests_apply_to_the_full_memory_driver() -> None:
    """The full memory driver declares enough for every test to be run."""
    assert [name for name in all_tests(Conformance) if getattr(Right, name) is None] == []


@pytest.mark.parametrize("name", sorted(WRONG))
def test_passes_on_the_right_driver(name: str) -> None:
    """The test passes on the memory driver."""
    run(name, Memory, declaring(name, wrong=False))


@pytest.mark.parametrize("name", sorted(WRONG))
def test_fails_on_the_wrong_driver(name: str) -> None:
    """The test catches the driver that is wrong in its way."""
    with pytest.raises((AssertionError, SecretsError)):
        run(name, WRONG[name], declaring(name, wrong=True))
