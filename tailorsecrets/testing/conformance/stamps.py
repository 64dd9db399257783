"""Stamps and tags: a stamp belongs to one version, and a write by another tool clears it."""

from tailorsecrets.driver import Driver
from tailorsecrets.secret import Secret
from tailorsecrets.testing.backdoor import Backdoor
from tailorsecrets.testing.conformance.suite import STAMP, Suite, check, equal, group, uses, where

stamped = where(lambda caps: caps.writes and caps.stamps, "the driver declares no stamps")


@group("stamp")
class Stamps(Suite):
    """The tests of put's *stamp* and *tags*."""

    @stamped
    def test_stamp_comes_back_in_list_and_stat(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """The entries that put, get, stat and list return have the stamp of the put."""
        driver.put(vault + "key", Secret("first"), stamp=STAMP[::-1])
        written = driver.put(vault + "key", Secret("second"), stamp=STAMP)
        equal(written.stamp, STAMP, "the stamp in the entry of put")
        equal(self.stamps(driver, backdoor, vault), {STAMP}, "the stamps in the entries of get, stat and list")

    @stamped
    def test_foreign_write_clears_stamp(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """After another tool's write no entry has a stamp; a store without versions may keep that of an equal value."""
        for text in ("value", "another"):
            driver.put(vault + "key", Secret("value"), stamp=STAMP)
            backdoor.write(vault + "key", text)
            unseen = text == "value" and not self.caps.versions and self.caps.cas != "full"
            stamps = self.stamps(driver, backdoor, vault)
            check(stamps == {""} or (unseen and len(stamps) == 1), f"entries have the stamps {sorted(stamps)}")

    @stamped
    def test_put_without_stamp_clears_stamp(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """A put without a stamp clears an earlier one."""
        driver.put(vault + "key", Secret("first"), stamp=STAMP)
        driver.put(vault + "key", Secret("second"))
        equal(self.stamps(driver, backdoor, vault), {""}, "the stamps in the entries of get, stat and list")

    @where(lambda caps: caps.writes and caps.stamps and caps.lists, "the driver declares no stamps or no lists")
    def test_listed_stamp_is_of_the_last_put(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """A list has the stamp of the last put or none, and none after a put without a stamp."""
        for stamp in (STAMP, STAMP[::-1], ""):
            driver.put(vault + "key", Secret(f"value of {stamp}"), stamp=stamp)
            backdoor.settle()
            listed = {entry.stamp for entry in driver.list(vault)}
            check(listed <= {"", stamp}, f"after a put with the stamp {stamp!r}, the list has {listed}")

    @where(lambda caps: caps.writes and caps.stamps and caps.versions, "the driver declares no stamps or no versions")
    @uses("rollback")
    def test_rollback_clears_stamp(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """After a rollback by another tool the stamp is empty or that of the old value, never that of the newer one."""
        old = driver.put(vault + "key", Secret("old"), stamp=STAMP[::-1])
        driver.put(vault + "key", Secret("new"), stamp=STAMP)
        backdoor.rollback(vault + "key", old.version)
        equal(driver.get(vault + "key").value.reveal(), "old", "the value after another tool's rollback")
        check(self.stamps(driver, backdoor, vault) <= {"", STAMP[::-1]}, "an entry has the stamp of the newer value")

    @stamped
    def test_check_stamp_changes_nothing(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """check_stamp, which asks whether a stamp may be kept, does not change the value, the version or the stamp."""
        driver.put(vault + "key", Secret("value"), stamp=STAMP)
        backdoor.write(vault + "foreign", "value")
        keys = [vault + name for name in ("key", "foreign")]
        versions, stamps = [driver.get(key).entry.version for key in keys], self.stamps(driver, backdoor, vault)
        for key in keys:
            driver.check_stamp(key)
        equal([driver.get(key).entry.version for key in keys], versions, "the versions after check_stamp")
        equal(self.stamps(driver, backdoor, vault), stamps, "the stamps after check_stamp")

    @stamped
    @uses("edit_tags")
    def test_tag_edit_keeps_stamp(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """A change of tags writes no value, so the stamp stays."""
        driver.put(vault + "key", Secret("value"), stamp=STAMP)
        backdoor.edit_tags(vault + "key", {"team": "payments"})
        equal(self.stamps(driver, backdoor, vault), {STAMP}, "the stamps after a change of tags")

    @where(lambda caps: caps.writes and caps.tags, "the driver declares no tags")
    def test_tags_come_back(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """The entries that get and list return have the tags of the put."""
        for team in ("payments", "search"):
            driver.put(vault + "key", Secret("value"), tags={"team": team})
            equal(driver.get(vault + "key").entry.tags.get("team"), team, "the tag in the entry of get")
            if self.caps.lists:
                backdoor.settle()
                equal([entry.tags.get("team") for entry in driver.list(vault)], [team], "the tags in the list")

    def stamps(self, driver: Driver, backdoor: Backdoor, vault: str) -> set[str]:
        """Return the stamps in the entries of the one secret in *vault*; one if they agree."""
        shown = {driver.get(vault + "key").entry.stamp}
        if self.caps.stats:
            shown.add(driver.stat(vault + "key").stamp)
        if self.caps.lists and self.caps.list_stamps:
            backdoor.settle()
            shown |= {entry.stamp for entry in driver.list(vault)}
        return shown
