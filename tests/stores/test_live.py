"""The conformance suite on a live store, where ``TAILORSECRETS_TEST_STORE`` names one; without it nothing is here.

The login is that of the store's own environment. What only the store's own tools can do is left to the other tests.
"""

import os
import time
from collections.abc import Iterator
from typing import ClassVar

import pytest

from tailorsecrets import Store, open_store
from tailorsecrets.driver import Driver
from tailorsecrets.secret import Secret
from tailorsecrets.store.store import workspace_of
from tailorsecrets.testing.backdoor import ABILITIES, Backdoor
from tailorsecrets.testing.conformance import Conformance, Connect, MakeVault

URL = os.environ.get("TAILORSECRETS_TEST_STORE", "")
SETTLED = 30.0  # seconds in which a live list shows what was written


class OtherConnection(Backdoor):
    """Writes without a stamp, as another tool does."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def write(self, name: str, text: str) -> None:
        """Write a version."""
        self._driver.put(name, Secret(text))

    def read(self, name: str) -> str:
        """Read the current version."""
        return self._driver.get(name).value.reveal()

    def settle(self) -> None:
        """Wait for the lists, where they lag."""
        if self._driver.caps.list_lag:
            time.sleep(SETTLED)


def driver_of(store: Store) -> Driver:
    """Return what the store stands on, layers included."""
    return store._operations._driver


def prefix_of(store: Store) -> str:
    """Return what stands before the workspace in native names."""
    joiner = store.caps.joiner
    return workspace_of(store).vault_names("vault").secrets.removesuffix(f"{store.workspace}{joiner}vault{joiner}")


if URL:

    class TestLive(Conformance):
        """The store that the URL names, through its plugin and layers."""

        caps = open_store(URL).caps
        prefix = prefix_of(open_store(URL))
        cannot = ABILITIES
        many, examples = 5, 3  # calls cost money
        workspaces: ClassVar[set[str]] = set()

        @pytest.fixture
        def connect(self) -> Connect:
            """Return what opens one more connection."""
            return lambda: driver_of(open_store(URL))

        @pytest.fixture
        def backdoor(self, driver: Driver) -> Backdoor:
            """Return the other tool."""
            return OtherConnection(driver)

        def vault_maker(self, driver: Driver) -> MakeVault:
            """Return what makes vaults in a workspace that is remembered."""
            make_vault = super().vault_maker(driver)

            def remembered(vault: str) -> str:
                made = make_vault(vault)
                self.workspaces.add(made.removesuffix(vault + self.caps.joiner))
                return made

            return remembered

        @pytest.fixture(autouse=True)
        def clean(self, driver: Driver) -> Iterator[None]:
            """Leave nothing behind."""
            yield
            while self.workspaces:
                empty(driver, self.workspaces.pop())


def empty(driver: Driver, workspace: str) -> None:
    """Delete for good all that is in *workspace*, and the places in it."""
    if not driver.caps.containers:
        erase(driver, workspace)
        return
    for container in list(driver.containers(workspace)):
        erase(driver, container.name + driver.caps.joiner)
        driver.drop(container.name)


def erase(driver: Driver, beginning: str) -> None:
    """Delete for good all whose native names begin with *beginning*, the deleted too."""
    deleted = driver.list(beginning, deleted=True) if driver.caps.undelete else iter(())
    for entry in [*driver.list(beginning), *deleted]:
        if entry.name.startswith(beginning):
            driver.delete(entry.name, purge=True)
