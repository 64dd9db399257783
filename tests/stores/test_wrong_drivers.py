"""Each conformance test fails on a driver that is wrong in just its way, and passes on the right one."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import pytest

from tailorsecrets.driver import Caps
from tailorsecrets.errors import SecretsError, TooLarge
from tailorsecrets.testing.backdoor import ABILITIES
from tailorsecrets.testing.conformance import Conformance
from tailorsecrets.testing.conformance.suite import all_tests
from tailorsecrets.testing.memory import WITH_CONTAINERS, Memory
from tailorsecrets.testing.server import MemoryBackdoor, Server
from tests.support.conformance_run import call
from tests.support.distributions import install
from tests.support.wrong_drivers.failures import WRONG_FAILURES
from tests.support.wrong_drivers.plugins import RIGHT, WRONG_PLUGINS
from tests.support.wrong_drivers.reads import WRONG_READS
from tests.support.wrong_drivers.writes import WRONG_WRITES

WRONG: Final[Mapping[str, type[Memory]]] = {**WRONG_READS, **WRONG_WRITES, **WRONG_FAILURES}
PROCESSES: Final = "test_two_processes_write"  # needs a store outside of this process: a seeded fault is wrong so
FEW: Final[Mapping[str, Any]] = {"caps": Caps(writes=True)}
HEAVY: Final[Mapping[str, Any]] = {"module": "tailorsecrets.testing.conformance"}


class Right(Conformance):
    """The suite for the memory driver with all that can be declared."""

    caps = WITH_CONTAINERS
    module, sdk = "tailorsecrets.testing.memory", ("pytest",)
    many, timeout = 30, 0.1
    cost = MappingProxyType({"get": 1, "put": 1})
    sdk_exceptions = (TooLarge(),)


def run(name: str, driver: type[Memory], suite: type[Conformance]) -> None:
    """Run the test called *name* of *suite* on a *driver*."""
    server = Server()
    call(suite, name, lambda: driver(caps=suite.caps, server=server), MemoryBackdoor(server))


def declaring(name: str, *, wrong: bool) -> type[Conformance]:
    """Return the suite that the test called *name* needs to be of use, or a *wrong* one where it is about that."""
    if name == "test_each_missing_cap_refused":
        return type("Few", (Right,), dict(FEW))
    return type("Heavy", (Right,), dict(HEAVY)) if wrong and name == "test_import_loads_no_sdk" else Right


def test_every_test_has_its_wrong_driver() -> None:
    """Every conformance test has a wrong driver, and every wrong driver has a test."""
    assert set(all_tests(Conformance)) == {*WRONG, *WRONG_PLUGINS, PROCESSES}


def test_all_tests_apply_to_the_full_memory_driver() -> None:
    """The full memory driver declares enough for every test to be run."""
    assert {name for name in all_tests(Conformance) if getattr(Right, name) is None} == set(WRONG_PLUGINS)


class RightPlugin(Conformance):
    """The suite for a plugin that is installed."""

    cannot = ABILITIES
    urls = ("kept:default", "kept:default?team=payments")
    module, sdk = "kept_store", ("kept_sdk",)


@pytest.fixture
def plugin(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Install the right plugin, changed by the (old, new) text of the test's parameter."""
    old, new = request.param
    assert RIGHT.count(old) == 1 or not old
    install(tmp_path, "kept_store", RIGHT.replace(old, new, 1) if old else RIGHT)
    (tmp_path / "kept_sdk.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    yield
    for name in ("kept_store", "kept_sdk"):
        sys.modules.pop(name, None)


def run_on_plugin(name: str) -> None:
    """Run the test called *name* for the installed plugin."""
    getattr(RightPlugin(), name)()


@pytest.mark.usefixtures("plugin")
@pytest.mark.parametrize("plugin", [("", "")], ids=["right"], indirect=True)
def test_passes_on_the_right_plugin() -> None:
    """All tests of opening pass for the right plugin."""
    for name in WRONG_PLUGINS:
        run_on_plugin(name)


@pytest.mark.usefixtures("plugin")
@pytest.mark.parametrize(("name", "plugin"), WRONG_PLUGINS.items(), indirect=["plugin"], ids=list(WRONG_PLUGINS))
def test_fails_on_the_wrong_plugin(name: str) -> None:
    """The test catches the plugin that is wrong in its way."""
    with pytest.raises(AssertionError):
        run_on_plugin(name)


@pytest.mark.parametrize("name", sorted(WRONG))
def test_passes_on_the_right_driver(name: str) -> None:
    """The test passes on the memory driver."""
    run(name, Memory, declaring(name, wrong=False))


@pytest.mark.parametrize("name", sorted(WRONG))
def test_fails_on_the_wrong_driver(name: str) -> None:
    """The test catches the driver that is wrong in its way."""
    with pytest.raises((AssertionError, SecretsError)):
        run(name, WRONG[name], declaring(name, wrong=True))


def test_a_leaking_local_is_named() -> None:
    """The failure names the variable, its line and its function, and not the value."""
    name = "test_canary_in_no_traceback"
    with pytest.raises(AssertionError, match=r"the local variable text at writes\.py:\d+ in put shows a value"):
        run(name, WRONG[name], declaring(name, wrong=True))
