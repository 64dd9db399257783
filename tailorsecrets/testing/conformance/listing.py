"""Listing: all live secrets under a prefix, without values."""

from collections.abc import Callable, Iterator, Sequence

from tailorsecrets.driver import Driver
from tailorsecrets.secret import Secret
from tailorsecrets.testing.backdoor import Backdoor
from tailorsecrets.testing.conformance.canary import new_canary, shows
from tailorsecrets.testing.conformance.suite import (
    Connect,
    MakeVault,
    Suite,
    check,
    equal,
    group,
    names,
    problem,
    unless,
    uses,
    where,
)

lists = where(lambda caps: caps.lists, "the driver declares no lists")
changes = where(lambda caps: caps.lists and caps.writes, "the driver declares no lists or no writes")


@group("list")
class Listing(Suite):
    """The tests of ``list``."""

    @lists
    def test_keeps_to_prefix(self, driver: Driver, backdoor: Backdoor, make_vault: MakeVault) -> None:
        """A list of one vault shows nothing of another vault whose name begins with the same letters."""
        api, api_old = make_vault("api"), make_vault("api-old")
        for vault in (api, api_old):
            backdoor.write(vault + "key", "value")
        backdoor.settle()
        for vault in (api, api_old):
            equal(names(driver.list(vault)), [vault + "key"], f"the names that list({vault!r}) yielded")

    @lists
    def test_pages(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """A list of several pages shows each name once."""
        wanted = self.fill(driver, backdoor, vault)
        listed = sorted(names(driver.list(vault)))
        shown = f"list yielded {len(listed)} entries of {len(set(listed))} names, and {len(wanted)} were written"
        check(listed == wanted, shown)

    @where(
        lambda caps: caps.lists and caps.list_stamps and (caps.versions or caps.cas == "full"),
        "the driver declares no lists with versions",
    )
    def test_list_tells_the_version(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """A listed entry has the same version as a read, also after another tool's write."""
        for text in ("old", "new"):
            backdoor.write(vault + "key", text)
            backdoor.settle()
            current = driver.get(vault + "key").entry.version
            check(current, "get's entry has no version")
            equal([entry.version for entry in driver.list(vault)], [current], "the versions in the list, by get's")

    @changes
    def test_skips_deleted(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """A deleted secret is not listed."""
        for name in ("kept", "deleted"):
            driver.put(vault + name, Secret("value"))
        driver.delete(vault + "deleted")
        backdoor.settle()
        equal(names(driver.list(vault)), [vault + "kept"], "the names in the list")

    @where(lambda caps: caps.lists and caps.writes and caps.undelete, "the driver declares no list of deleted secrets")
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
        found = [(entry.name, entry.state) for entry in entries]
        equal(found, [(vault + "deleted", "deleted")], "what list(deleted=True) yielded")

    @lists
    @unless("one_right", "reading and listing are one right (`one_right`)")
    @uses("deny")
    def test_no_values_are_read(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """A login that may not read a secret can still list and stat it."""
        backdoor.write(vault + "key", "value")
        backdoor.deny(vault + "key")
        backdoor.settle()
        for op, found in self.named(driver, vault):
            check(found, f"{op} needs the right to read the value")

    @lists
    @unless("one_right", "reading and listing are one right (`one_right`)")
    @uses("answers")
    def test_no_value_in_an_answer(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """No answer to a list or a stat holds a value: no value is sent for a call that asks only for names."""
        canary = new_canary()
        backdoor.write(vault + "key", canary)
        backdoor.settle()
        for op, found in self.named(driver, vault, backdoor):
            check(not shows(canary, *found), f"the store's answer to {op} held the value")

    def named(
        self, driver: Driver, vault: str, backdoor: Backdoor | None = None
    ) -> Iterator[tuple[str, Sequence[object]]]:
        """Yield each method about names alone, with its result, or with the answers that *backdoor* saw meanwhile."""
        calls: list[tuple[str, Callable[[], Sequence[object]]]] = [("list", lambda: names(driver.list(vault)))]
        if self.caps.stats:
            calls.append(("stat", lambda: [driver.stat(vault + "key").name]))
        if self.caps.undelete:
            calls.append(("list(deleted=True)", lambda: ["", *driver.list(vault, deleted=True)]))
        for op, call in calls:
            if backdoor:
                backdoor.answers()
            try:
                result = call()
            except Exception as exc:  # noqa: BLE001 - every exception of a driver must have a meaning
                kind = problem(driver, exc, op).kind.__name__
                raise AssertionError(f"{op}, for a login that may not read the value, raised {kind}") from None
            yield op, backdoor.answers() if backdoor else result

    @lists
    def test_foreign_names_pass(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """A name outside the grammar does not hide or break the others."""
        for name in (self.foreign_name, "key"):
            backdoor.write(vault + name, "value")
        backdoor.settle()
        listed = names(driver.list(vault))
        check(vault + "key" in listed, f"list yielded {listed}, without the name beside the foreign one")

    @changes
    def test_list_lag_is_declared(self, driver: Driver, connect: Connect, vault: str) -> None:
        """Another connection's list shows each write at once; with a declared lag, stat does."""
        other = connect()
        for _ in range(3):
            driver.put(vault + "key", Secret("value"))
            if self.caps.list_lag:
                equal(other.stat(vault + "key").state, "live", "the state that stat of another connection returned")
            else:
                equal(names(other.list(vault)), [vault + "key"], "a list after a put, with caps.list_lag of 0")
            driver.delete(vault + "key")
            if not self.caps.list_lag:
                equal(names(other.list(vault)), [], "a list after a delete, with caps.list_lag of 0")
        other.close()
