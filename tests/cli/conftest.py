"""A command line in an empty folder, and one with a store."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.configs import mixed
from tests.support.distributions import install
from tests.support.memory_plugin import DRIVERS
from tests.support.shell import Shell

__all__ = ["mixed"]


@pytest.fixture
def empty(tmp_path: Path) -> Shell:
    """Return a command line in an empty folder."""
    return Shell(tmp_path)


@pytest.fixture
def shell(empty: Shell) -> Shell:
    """Return a command line with a store in which is the vault ``api-keys`` with the secret ``stripe-key``."""
    with empty.store() as store:
        store.setup()
        store.create_vault("api-keys")
    empty("secret", "create", "-V", "api-keys", "-n", "stripe-key", "--value-stdin", stdin=b"sk_live")
    return empty


@pytest.fixture
def managed(shell: Shell) -> Shell:
    """Return a command line whose vault ``api-keys`` is managed by the config, which declares ``stripe-key``."""
    shell.declare('{"api-keys": {"stripe-key": env("STRIPE_KEY")}}')
    assert shell("apply", "--yes", STRIPE_KEY="sk_live").code == 0
    return shell


@pytest.fixture
def memory(empty: Shell, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """Return a command line whose store is ``memory://here``, which the plugin of another distribution opens."""
    (empty.folder / "site").mkdir()
    install(empty.folder / "site", "memory_plugin", "from tests.support.memory_plugin import tailorsecrets_stores\n")
    monkeypatch.syspath_prepend(empty.folder / "site")
    empty.environ["TAILORSECRETS_STORE"] = "memory://here?timeout=0.3"
    DRIVERS.clear()
    yield empty
    DRIVERS.clear()
