"""Listing: all live secrets under a prefix, without values."""

from tailorsecrets.driver import Driver
from tailorsecrets.secret import Secret
from tailorsecrets.testing.backdoor import Backdoor
from tailorsecrets.testing.conformance.suite import Connect, MakeVault, Suite, names, uses, where

lists = where(lambda caps: caps.lists)
changes = where(lambda caps: caps.lists and caps.writes)


class Listing(Suite):
    """The tests of ``list``."""

    @lists
    def test_keeps_to_prefix(self, driver: Driver, backdoor: Backdoor, make_vault: MakeVault) -> None:
        """A list of one vault shows nothing of another vault whose name begins with the same letters."""
        api, api_old = make_vault("api"), make_vault("api-old")
        for vault in (api, api_old):
            backdoor.write(vault + "key", "value")
        backdoor.settle()
        assert names(driver.list(api)) == [api + "key"]
        assert names(driver.list(api_old)) == [api_old + "key"]

    @lists
    def test_pages(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """A list of several pages shows each name once."""
        wanted = [f"{vault}key-{number:04}" for number in range(self.many)]
        for name in wanted:
            backdoor.write(name, "value")
        backdoor.settle()
        assert sorted(names(driver.list(vault))) == wanted

    @where(lambda caps: caps.lists and caps.list_stamps and (caps.versions or caps.cas == "full"))
    def test_list_tells_the_version(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """A listed entry has the same version as a read, also after another tool's write."""
        for text in ("old", "new"):
            backdoor.write(vault + "key", text)
            backdoor.settle()
            current = driver.get(vault + "key").entry.version
            assert [entry.version for entry in driver.list(vault)] == [current]

    @changes
    def test_skips_deleted(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """A deleted secret is not listed."""
        for name in ("kept", "deleted"):
            driver.put(vault + name, Secret("value"))
        driver.delete(vault + "deleted")
        backdoor.settle()
        assert names(driver.list(vault)) == [vault + "kept"]

    @where(lambda caps: caps.lists and caps.writes and caps.undelete)
    def test_deleted_lists_only_deleted(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """A list of deleted secrets shows those that restore can bring back, and no live one."""
        for name in ("kept", "deleted", "purged", "written-again"):
            driver.put(vault + name, Secret("value"))
        for name in ("deleted", "written-again"):
            driver.delete(vault + name)
        driver.delete(vault + "purged", purge=True)
        driver.put(vault + "written-again", Secret("value"))
        backdoor.settle()
        entries = list(driver.list(vault, deleted=True))
        assert [(entry.name, entry.state) for entry in entries] == [(vault + "deleted", "deleted")]

    @lists
    @uses("deny")
    def test_no_values_are_read(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """A login that may not read a secret can still list and stat it."""
        backdoor.write(vault + "key", "value")
        backdoor.deny(vault + "key")
        backdoor.settle()
        assert names(driver.list(vault)) == [vault + "key"]
        if self.caps.stats:
            assert driver.stat(vault + "key").name == vault + "key"

    @lists
    def test_foreign_names_pass(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """A name outside the grammar does not hide or break the others."""
        for name in (self.foreign_name, "key"):
            backdoor.write(vault + name, "value")
        backdoor.settle()
        assert vault + "key" in names(driver.list(vault))

    @changes
    def test_list_lag_is_declared(self, driver: Driver, connect: Connect, vault: str) -> None:
        """Another connection's list shows each write at once, unless a lag is declared; then stat shows it."""
        other = connect()
        for _ in range(3):
            driver.put(vault + "key", Secret("value"))
            assert other.stat(vault + "key").state == "live" if self.caps.list_lag else names(other.list(vault))
            driver.delete(vault + "key")
            if not self.caps.list_lag:
                assert not names(other.list(vault))
        other.close()
