"""Deleting, restoring, versions and containers."""

from tailorsecrets.driver import Driver
from tailorsecrets.errors import AlreadyExists, Denied, NotEmpty, NotFound
from tailorsecrets.secret import Secret
from tailorsecrets.testing.backdoor import Backdoor
from tailorsecrets.testing.conformance.suite import MakeVault, Suite, names, refused, tokens_of, uses, where

deletes = where(lambda caps: caps.writes)
undeletes = where(lambda caps: caps.writes and caps.undelete)
keeps = where(lambda caps: caps.writes and caps.versions)
contains = where(lambda caps: caps.writes and caps.containers)


class Deleting(Suite):
    """The tests of ``delete``, ``restore``, ``versions``, ``make`` and ``drop``."""

    @deletes
    def test_delete_twice_is_fine(self, driver: Driver, vault: str) -> None:
        """Deleting a deleted, purged or missing secret succeeds."""
        driver.put(vault + "key", Secret("value"))
        for purge in (False, True):
            for _ in range(2):
                driver.delete(vault + "key", purge=purge)
        driver.delete(vault + "missing")

    @undeletes
    def test_restore_brings_the_value(self, driver: Driver, vault: str) -> None:
        """Restore undoes a delete; a name that is not deleted explains as NotFound."""
        driver.put(vault + "key", Secret("value"))
        driver.delete(vault + "key")
        assert driver.restore(vault + "key").name == vault + "key"
        assert driver.get(vault + "key").value == Secret("value")
        for name in ("key", "missing"):
            with refused(driver, "restore", NotFound):
                driver.restore(vault + name)

    @deletes
    def test_purge_then_create(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """A purged name cannot be restored or listed, and can be created again at once."""
        driver.put(vault + "key", Secret("old"))
        driver.delete(vault + "key")
        driver.delete(vault + "key", purge=True)
        if self.caps.stats:
            with refused(driver, "stat", NotFound):
                driver.stat(vault + "key")
        if self.caps.lists and self.caps.undelete:
            backdoor.settle()
            assert not names(driver.list(vault, deleted=True))
        driver.put(vault + "key", Secret("new"))
        assert driver.get(vault + "key").value == Secret("new")
        if self.caps.versions:
            assert len(list(driver.versions(vault + "key"))) == 1

    @deletes
    @uses("deny_purge")
    def test_purge_forbidden_is_denied(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """A purge without the right to it explains as Denied."""
        driver.put(vault + "key", Secret("value"))
        backdoor.deny_purge(vault + "key")
        with refused(driver, "delete", Denied):
            driver.delete(vault + "key", purge=True)

    @keeps
    def test_versions_newest_first(self, driver: Driver, vault: str) -> None:
        """Versions come newest first, at least the last two, and each reads as it was written."""
        written = {driver.put(vault + "key", Secret(text)).version: text for text in ("one", "two", "three")}
        tokens = [entry.version for entry in driver.versions(vault + "key")]
        assert tokens == list(reversed(written))[: len(tokens)]
        assert len(tokens) >= 2
        assert [driver.get(vault + "key", token).value.reveal() for token in tokens] == [written[t] for t in tokens]

    @keeps
    def test_deleted_versions_absent(self, driver: Driver, vault: str) -> None:
        """For a deleted name, versions yields only versions that get can still read."""
        written = {driver.put(vault + "key", Secret(text)).version for text in ("old", "new")}
        driver.delete(vault + "key")
        for token in tokens_of(driver, vault + "key"):
            assert token in written
            assert driver.get(vault + "key", token).entry.version == token

    @contains
    def test_make_twice(self, driver: Driver, make_vault: MakeVault) -> None:
        """Making an existing container explains as AlreadyExists and keeps its secrets."""
        vault = make_vault("api")
        driver.put(vault + "key", Secret("value"))
        with refused(driver, "make", AlreadyExists):
            driver.make(vault.removesuffix(self.caps.joiner), "another note")
        assert driver.get(vault + "key").value == Secret("value")

    @contains
    def test_drop_refuses_non_empty(self, driver: Driver, vault: str) -> None:
        """A container with a secret, also a deleted one, explains as NotEmpty; an empty one is dropped."""
        container = vault.removesuffix(self.caps.joiner)
        driver.put(vault + "key", Secret("value"))
        with refused(driver, "drop", NotEmpty):
            driver.drop(container)
        if self.caps.undelete:
            driver.delete(vault + "key")
            with refused(driver, "drop", NotEmpty):
                driver.drop(container)
        driver.delete(vault + "key", purge=True)
        driver.drop(container)
        assert container not in names(driver.containers(container))

    @contains
    def test_note_comes_back(self, driver: Driver, make_vault: MakeVault) -> None:
        """The entry of a container has its note as the stamp, and a prefix lists only its own containers."""
        vault = make_vault("api").removesuffix(self.caps.joiner)
        workspace = vault.removesuffix("api")
        driver.make(workspace + "database", "owner 42")
        notes = {entry.name: entry.stamp for entry in driver.containers(workspace)}
        assert notes == {vault: "made by the conformance suite", workspace + "database": "owner 42"}
