"""What a login can see of a workspace: lists, and where they are denied, one place after the other."""

from dataclasses import replace

import pytest

from tailorsecrets.driver import Caps
from tailorsecrets.errors import Denied, Unavailable, Unsupported
from tailorsecrets.secret import Secret
from tailorsecrets.store.names import Place
from tailorsecrets.store.record import Owner
from tailorsecrets.store.store import Store, workspace_of
from tailorsecrets.store.survey import Seen, looked_for, refreshed, seen_by_list, survey
from tailorsecrets.testing.faults import Faults
from tailorsecrets.testing.memory import FULL, WITH_CONTAINERS, Memory

APP = Owner("my-app")
NAMES = {"api-keys": ["one", "two", "none"], "web": ["one"], "nowhere": ["one"]}


class Site:
    """A workspace in memory with two vaults of two secrets, behind faults."""

    def __init__(self, caps: Caps = FULL) -> None:
        self.memory = Memory(caps=caps)
        self.driver = Faults(self.memory)
        self.store = Store(self.driver)
        for vault in ("api-keys", "web"):
            self.store.create_vault(vault, APP)
            for secret in ("one", "two"):
                self.store.create_secret(vault, secret, Secret("x"))
        self.memory.settle()
        self.memory.forget_calls()
        self.workspace = workspace_of(self.store)

    def native(self, vault: str, secret: str = "") -> str:
        """Return the native name of a place."""
        return self.workspace.operations._naming.native(Place(vault, secret))


def names(seen: Seen) -> dict[str, list[str]]:
    """Return the names of the secrets by vault."""
    return {vault: sorted(state.secrets) for vault, state in seen.vaults.items()}


def test_a_list_shows_everything() -> None:
    """One list and one read of the records are all it takes; no value of a secret is read."""
    site = Site()
    seen = survey(site.workspace, NAMES)
    assert names(seen) == {"api-keys": ["one", "two"], "web": ["one", "two"]}
    assert (seen.denied, seen.listed) == (frozenset(), True)
    assert site.memory.calls == {"list": 1, "get_many": 1}


def test_a_denied_record_hides_its_vault_alone() -> None:
    """The other vaults are seen as before."""
    site = Site()
    site.driver.fail("get", Denied, name=site.native("web"))
    seen = survey(site.workspace, NAMES)
    assert isinstance(seen.vaults["web"].problem, Denied)
    assert seen.vaults["api-keys"].record is not None


def test_a_denied_list() -> None:
    """Then vaults are listed one by one; if that is denied too, the metadata of each named secret is read."""
    site = Site()
    site.driver.fail("list", Denied)
    site.driver.fail("stat", Denied, name=site.native("api-keys", "two"))
    seen = survey(site.workspace, {"api-keys": ["one", "two", "none"], "web": ["one"], "nowhere": []})
    assert names(seen) == {"api-keys": ["one"], "web": ["one"]}
    assert seen.denied == {Place("api-keys", "two"), Place("nowhere")}
    assert not seen.listed


def test_a_denied_folder_hides_no_other() -> None:
    """If a store lists vault by vault and denies one of them, the list still shows the others completely."""
    site = Site()
    site.driver.fail("list", Denied, name=site.workspace.operations._naming.prefix_of())
    site.driver.fail("list", Denied, name=site.workspace.operations._naming.prefix_of("web"))
    site.driver.fail("stat", Denied)
    seen = survey(site.workspace, {"api-keys": ["one"], "web": ["one"]})
    assert names(seen) == {"api-keys": ["one", "two"], "web": []}
    assert seen.denied == {Place("web", "one")}


def test_a_denied_container() -> None:
    """Containers that are visible are listed one by one, also those that nobody asked for."""
    site = Site(WITH_CONTAINERS)
    site.driver.fail("list", Denied, name="default/web/")
    seen = survey(site.workspace, {"web": ["one"]})
    assert names(seen) == {"api-keys": ["one", "two"], "web": ["one"]}
    assert seen.denied == frozenset()


def test_a_hidden_container() -> None:
    """A container that the login may not see is denied, not missing; one that does not exist is missing."""
    site = Site(WITH_CONTAINERS)
    del site.memory.server.containers["default/web"]
    site.driver.fail("list", Denied, name="default/web/")
    site.driver.fail("get", Denied, name="default/web/v")
    site.driver.fail("stat", Denied, name="default/web/one")
    seen = survey(site.workspace, {"web": ["one"], "nowhere": ["one"]})
    assert names(seen) == {"api-keys": ["one", "two"]}
    assert seen.denied == {Place("web"), Place("web", "one")}


def test_a_list_that_lags() -> None:
    """Secrets that a lagging list does not show yet are looked for; a denial counts as missing, as in the list."""
    site = Site(replace(FULL, list_lag=1.0))
    site.store.create_secret("api-keys", "new", Secret("x"))
    site.driver.fail("stat", Denied, name=site.native("api-keys", "hidden"))
    seen = survey(site.workspace, {"api-keys": ["new", "hidden", "none"]})
    assert names(seen)["api-keys"] == ["new", "one", "two"]
    assert seen.denied == frozenset()


def test_metadata_where_lists_have_no_stamps() -> None:
    """Each place is read again; a denied place does not hide others, and a deleted one is not there."""
    site = Site(replace(FULL, list_stamps=False))
    seen = survey(site.workspace, NAMES)
    assert seen.vaults["api-keys"].secrets["one"].stamp == ""
    site.driver.fail("stat", Denied, name=site.native("web", "one"))
    site.memory.backdoor.remove(site.native("web", "two"))
    places = [Place(vault, secret) for vault in ("api-keys", "web") for secret in ("one", "two")]
    found = refreshed(site.workspace, seen, places)
    assert found.vaults["api-keys"].secrets["one"].stamp
    assert names(found) == {"api-keys": ["one", "two"], "web": ["one"]}
    assert found.denied == {Place("web", "one")}


def test_an_outage_is_an_error() -> None:
    """Only after a denial does the survey try other ways; a store that does not answer raises."""
    site = Site()
    site.driver.fail("list", Denied)
    site.driver.fail("stat", Unavailable)
    with pytest.raises(Unavailable):
        looked_for(site.workspace, seen_by_list(site.workspace), NAMES)


def test_a_store_without_lists() -> None:
    """The metadata of each named secret is read; a store without metadata reads shows nothing without values."""
    site = Site()
    site.driver.caps = replace(FULL, lists=False)
    store = workspace_of(Store(site.driver))
    seen = survey(store, {"api-keys": ["one", "none"]})
    assert (names(seen), seen.listed) == ({"api-keys": ["one"]}, False)
    site.driver.caps = replace(FULL, lists=False, stats=False)
    with pytest.raises(Unsupported):
        survey(workspace_of(Store(site.driver)), NAMES)
