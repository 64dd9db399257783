"""Conformance tests in the form that fits Google: a read has the version's number alone, and no stamp; stat has all."""

from tailorsecrets.driver import Driver
from tailorsecrets.secret import Secret
from tailorsecrets.testing.backdoor import Backdoor
from tailorsecrets.testing.conformance.suite import STAMP, Suite, names


class GoogleOverrides(Suite):
    """The tests and checks of the suite that Google's driver needs in another form."""

    def test_version_differs_after_delete_and_create(self, driver: Driver, vault: str) -> None:
        """No two writes of a name have the same version, even if it was purged in between."""
        tokens = [driver.put(vault + "key", Secret("same")).version for _ in range(2)]
        driver.delete(vault + "key")
        tokens.append(driver.put(vault + "key", Secret("same")).version)
        driver.delete(vault + "key", purge=True)
        tokens.append(driver.put(vault + "key", Secret("same")).version)
        assert driver.stat(vault + "key").version == self.statted(tokens[-1])
        assert driver.get(vault + "key").entry.version == tokens[-1].partition("@")[0]
        assert len(set(tokens)) == len(tokens)

    def statted(self, token: str) -> str:
        """Return what stat shows of the version *token*."""
        return token

    def stamps(self, driver: Driver, backdoor: Backdoor, vault: str) -> set[str]:
        """Return the stamp that stat shows, before a list and after it."""
        before = driver.stat(vault + "key").stamp
        backdoor.settle()
        names(driver.list(vault))
        return {before, driver.stat(vault + "key").stamp}

    def check_series(self, driver: Driver, backdoor: Backdoor, name: str) -> None:
        """Check that *name* is as the series leaves it."""
        assert driver.get(name).value == Secret("last")
        assert driver.stat(name).stamp == STAMP
        backdoor.settle()
        assert names(driver.list(name)).count(name) == 1
