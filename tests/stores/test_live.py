"""The conformance suite on a live store, if ``TAILORSECRETS_TEST_STORE`` names one; otherwise there are no tests here.

The login is that of the store's own environment. Tests that need the store's own tools are left to the other tests.
Tests that purge need a store without purge protection; the cleaning needs none, but protected names then stay deleted
until their time is over. ``TAILORSECRETS_TEST_SETTLE`` is the seconds after which lists show all writes.
"""

import os
import time
from collections.abc import Iterator

import pytest

from tailorsecrets import Store, open_store
from tailorsecrets.driver import Driver
from tailorsecrets.errors import Denied
from tailorsecrets.secret import Secret
from tailorsecrets.store.store import workspace_of
from tailorsecrets.testing.backdoor import ABILITIES, Backdoor
from tailorsecrets.testing.conformance import Conformance, Connect, MakeVault
from tailorsecrets.testing.conformance.suite import problem
from tests.support.gcp.overrides import GoogleOverrides

URL = os.environ.get("TAILORSECRETS_TEST_STORE", "")
SCHEME = URL.partition(":")[0]
pytestmark = pytest.mark.timeout(900)  # a test may wait for the lists several times
WORKSPACES: set[str] = set()  # that tests have made
SETTLED = float(os.environ.get("TAILORSECRETS_TEST_SETTLE", "30"))
FOREIGN_NAMES = {"gcp": "Not_A-Secret", "azure": "Of-Another-Tool"}  # where a name may not have a dot or an underscore


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
        settle(self._driver)


def settle(driver: Driver) -> None:
    """Wait until lists show all writes."""
    if driver.caps.list_lag:
        time.sleep(SETTLED)


def driver_of(store: Store) -> Driver:
    """Return the driver of *store*, layers included."""
    return store._operations._driver


def prefix_of(store: Store) -> str:
    """Return the part of native names before the workspace."""
    joiner = store.caps.joiner
    return workspace_of(store).vault_names("vault").secrets.removesuffix(f"{store.workspace}{joiner}vault{joiner}")


if URL:

    @pytest.fixture(autouse=True, scope="module")
    def clean() -> Iterator[None]:
        """Leave nothing behind."""
        yield
        with open_store(URL) as store:
            empty(driver_of(store), WORKSPACES)

    class Live(Conformance):
        """The store that the URL names, through its plugin and layers."""

        caps = open_store(URL).caps
        prefix = prefix_of(open_store(URL))
        cannot = ABILITIES
        foreign_name = FOREIGN_NAMES.get(SCHEME, Conformance.foreign_name)
        many, examples = 5, 3  # calls cost money

        @pytest.fixture
        def connect(self) -> Connect:
            """Return a function that opens one more connection."""
            return lambda: driver_of(open_store(URL))

        @pytest.fixture
        def backdoor(self, driver: Driver) -> Backdoor:
            """Return the other tool."""
            return OtherConnection(driver)

        def vault_maker(self, driver: Driver) -> MakeVault:
            """Return a function that makes vaults in a workspace, which the cleaning empties."""
            make_vault = super().vault_maker(driver)

            def remembered(vault: str) -> str:
                made = make_vault(vault)
                WORKSPACES.add(made.removesuffix(vault + self.caps.joiner))
                return made

            return remembered

    if SCHEME == "gcp":

        class TestLiveGoogle(GoogleOverrides, Live):
            """Google's store."""

    else:

        class TestLive(Live):
            """Any other store."""


def empty(driver: Driver, workspaces: set[str]) -> None:
    """Delete all that is in *workspaces*, and their containers; one that fails does not keep the others."""
    settle(driver)
    problems: list[Exception] = []
    for workspace in sorted(workspaces):
        try:
            empty_one(driver, workspace)
        except Exception as exc:  # noqa: BLE001  # raised below, with those of the other workspaces
            problems.append(exc)
    if problems:
        raise ExceptionGroup("these workspaces could not be emptied", problems)


def empty_one(driver: Driver, workspace: str) -> None:
    """Delete all that is in *workspace*, and its containers."""
    if not driver.caps.containers:
        erase(driver, workspace)
        return
    for container in list(driver.containers(workspace)):
        erase(driver, container.name + driver.caps.joiner)
        driver.drop(container.name)


def erase(driver: Driver, prefix: str) -> None:
    """Delete all whose native names begin with *prefix*, the deleted ones too."""
    deleted = driver.list(prefix, deleted=True) if driver.caps.undelete else iter(())
    for entry in [*driver.list(prefix), *deleted]:
        if entry.name.startswith(prefix):
            purge(driver, entry.name)


def purge(driver: Driver, name: str) -> None:
    """Delete *name* for good; softly where purge protection forbids that."""
    try:
        driver.delete(name, purge=True)
    except Exception as exc:
        if not issubclass(problem(driver, exc, "delete").kind, Denied):
            raise
        driver.delete(name)
