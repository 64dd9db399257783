"""Deleting, restoring, versions and containers."""

from tailorsecrets.driver import Driver, Entry
from tailorsecrets.errors import AlreadyExists, Denied, NotEmpty, NotFound
from tailorsecrets.secret import Secret
from tailorsecrets.store.versions import is_version
from tailorsecrets.testing.backdoor import Backdoor
from tailorsecrets.testing.conformance.suite import (
    MakeVault,
    Suite,
    check,
    equal,
    group,
    names,
    problem,
    refused,
    tokens_of,
    uses,
    where,
)

deletes = where(lambda caps: caps.writes, "the driver declares no writes")
undeletes = where(lambda caps: caps.writes and caps.undelete, "the driver declares no undelete")
keeps = where(lambda caps: caps.writes and caps.versions, "the driver declares no versions")
contains = where(lambda caps: caps.writes and caps.containers, "the driver declares no containers")


@group("delete")
class Deleting(Suite):
    """The tests of ``delete``, ``restore``, ``versions``, ``make`` and ``drop``."""

    @deletes
    def test_delete_twice_is_fine(self, driver: Driver, vault: str) -> None:
        """Deleting a deleted, purged or missing secret succeeds."""
        driver.put(vault + "key", Secret("value"))
        for purge in (False, True):
            for _ in range(2):
                driver.delete(vault + "key", purge=purge)
                with refused(driver, "get", NotFound, why="after a delete"):
                    driver.get(vault + "key")
        try:
            driver.delete(vault + "missing")
        except Exception as exc:  # noqa: BLE001 - every exception of a driver must have a meaning
            kind = problem(driver, exc, "delete").kind.__name__
            raise AssertionError(f"delete of a missing secret raised what means {kind}") from None

    @deletes
    def test_delete_leaves_the_others(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """A delete, also for good, leaves the secrets whose names begin with the same letters."""
        names = ("key", "key-old", "ke", "keys")
        for name in names:
            backdoor.write(vault + name, name)
        for purge in (False, True):
            driver.delete(vault + "key", purge=purge)
        found = [driver.get(vault + name).value.reveal() for name in names[1:]]
        equal(found, list(names[1:]), "the values of the others after a delete")

    @undeletes
    def test_restore_brings_the_value(self, driver: Driver, vault: str) -> None:
        """Restore undoes a delete; a name that is not deleted explains as NotFound."""
        driver.put(vault + "key", Secret("value"))
        driver.delete(vault + "key")
        equal(driver.restore(vault + "key").name, vault + "key", "the name in the entry of restore")
        equal(driver.get(vault + "key").value.reveal(), "value", "the value after a restore")
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
            equal(names(driver.list(vault, deleted=True)), [], "list(deleted=True) after a purge")
        driver.put(vault + "key", Secret("new"))
        equal(driver.get(vault + "key").value.reveal(), "new", "the value after a purge and a put")
        if self.caps.versions:
            equal(len(list(driver.versions(vault + "key"))), 1, "the number of versions after a purge and a put")

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
        equal(tokens, list(reversed(written))[: len(tokens)], "the versions, by those that the puts returned")
        check(len(tokens) >= 2, f"versions yielded {len(tokens)} of the three that were written")
        found = [driver.get(vault + "key", token).value.reveal() for token in tokens]
        equal(found, [written[token] for token in tokens], "the values of the versions")

    @where(lambda caps: caps.versions, "the driver declares no versions")
    @uses("expire_versions")
    def test_expired_versions_are_missing(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """A version that the store has expired is not among the versions, and get explains as NotFound."""
        tokens: list[str] = []
        for text in ("one", "two", "three"):
            backdoor.write(vault + "key", text)
            tokens.append(driver.get(vault + "key").entry.version)
        backdoor.expire_versions(vault + "key")
        left = [entry.version for entry in driver.versions(vault + "key")]
        current = bool(left) and is_version(Entry(name="", version=left[0]), tokens[-1])
        check(current, f"versions yielded {len(left)} versions, without the current one at first")
        for token in left:
            self.check_readable(driver, vault + "key", token)
        for token in tokens[: len(tokens) - len(left)]:
            with refused(driver, "get", NotFound, why="of an expired version"):
                driver.get(vault + "key", token)

    def check_readable(self, driver: Driver, name: str, token: str) -> None:
        """Check that get reads *token*, which versions yielded."""
        try:
            found = driver.get(name, token).entry.version
        except Exception as exc:  # noqa: BLE001 - every exception of a driver must have a meaning
            kind = problem(driver, exc, "get").kind.__name__
            raise AssertionError(f"get of a version that versions yielded raised what means {kind}") from None
        equal(found, token, "the version in the entry of get")

    @keeps
    def test_deleted_versions_absent(self, driver: Driver, vault: str) -> None:
        """For a deleted name, versions yields only versions that get can still read."""
        written = {driver.put(vault + "key", Secret(text)).version for text in ("old", "new")}
        driver.delete(vault + "key")
        for token in tokens_of(driver, vault + "key"):
            check(token in written, "versions yielded one that no put returned")
            self.check_readable(driver, vault + "key", token)

    @contains
    def test_make_twice(self, driver: Driver, make_vault: MakeVault) -> None:
        """Making an existing container explains as AlreadyExists and keeps its secrets."""
        vault = make_vault("api")
        driver.put(vault + "key", Secret("value"))
        with refused(driver, "make", AlreadyExists):
            driver.make(vault.removesuffix(self.caps.joiner), "another note")
        equal(driver.get(vault + "key").value.reveal(), "value", "the value after a second make")

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
        check(container not in names(driver.containers(container)), "containers yielded one that was dropped")

    @contains
    def test_note_comes_back(self, driver: Driver, make_vault: MakeVault) -> None:
        """The entry of a container has its note as the stamp, and a prefix lists only its own containers."""
        vault = make_vault("api").removesuffix(self.caps.joiner)
        workspace = vault.removesuffix("api")
        driver.make(workspace + "database", "owner 42")
        notes = {entry.name: entry.stamp for entry in driver.containers(workspace)}
        expected = {vault: "made by the conformance suite", workspace + "database": "owner 42"}
        equal(notes, expected, "the notes by container")
