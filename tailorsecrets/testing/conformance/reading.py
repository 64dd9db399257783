"""Reading: missing, denied and broken are three answers."""

from tailorsecrets.driver import Driver, Stored
from tailorsecrets.errors import Corrupt, Denied, Disabled, NotFound, Unauthenticated, Unavailable
from tailorsecrets.secret import Secret
from tailorsecrets.testing.backdoor import Backdoor
from tailorsecrets.testing.conformance.suite import Suite, problem, refused, uses, where


class Reading(Suite):
    """The tests of ``get``, ``get_many`` and ``stat``."""

    def test_missing_is_not_found(self, driver: Driver, vault: str) -> None:
        """A name that never existed explains as NotFound."""
        with refused(driver, "get", NotFound):
            driver.get(vault + "missing")
        if self.caps.stats:
            with refused(driver, "stat", NotFound):
                driver.stat(vault + "missing")

    @uses("deny")
    def test_denied_is_not_missing(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """A secret that the login may not read explains as Denied."""
        backdoor.write(vault + "key", "value")
        backdoor.deny(vault + "key")
        with refused(driver, "get", Denied):
            driver.get(vault + "key")

    @uses("bare")
    def test_bare_is_missing(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """A name without any value reads as missing, and stat reports it as bare."""
        backdoor.bare(vault + "key")
        with refused(driver, "get", NotFound):
            driver.get(vault + "key")
        if self.caps.stats:
            assert driver.stat(vault + "key").state == "bare"

    @where(lambda caps: caps.writes)
    def test_deleted_is_missing(self, driver: Driver, vault: str) -> None:
        """A deleted secret reads as missing, and stat reports it as deleted if it can be restored."""
        driver.put(vault + "key", Secret("value"))
        driver.delete(vault + "key")
        with refused(driver, "get", NotFound):
            driver.get(vault + "key")
        if self.caps.stats and self.caps.undelete:
            assert driver.stat(vault + "key").state == "deleted"

    @uses("disable")
    def test_disabled_is_denied(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """A disabled secret explains as Disabled, a kind of Denied."""
        backdoor.write(vault + "key", "value")
        backdoor.disable(vault + "key")
        with refused(driver, "get", Disabled):
            driver.get(vault + "key")

    @uses("unreachable")
    def test_unreachable_is_unavailable(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """A store that does not answer explains as Unavailable."""
        backdoor.write(vault + "key", "value")
        backdoor.unreachable()
        with refused(driver, "get", Unavailable):
            driver.get(vault + "key")

    @uses("expire_login")
    def test_expired_login_is_unauthenticated(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """An expired login explains as Unauthenticated, not as Denied."""
        backdoor.write(vault + "key", "value")
        backdoor.expire_login()
        with refused(driver, "get", Unauthenticated):
            driver.get(vault + "key")

    def test_reads_what_another_tool_wrote(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """A plain value of another tool reads as the same text, under its name, without a stamp."""
        backdoor.write(vault + "key", "line\r\nline\n")
        stored = driver.get(vault + "key")
        assert stored.value.reveal() == "line\r\nline\n"
        assert (stored.entry.name, stored.entry.stamp) == (vault + "key", "")

    @uses("write_bytes")
    def test_foreign_bytes_are_corrupt(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """A value that is not text explains as Corrupt, and never reads with replacement characters."""
        backdoor.write_bytes(vault + "key", b"\xff\xfe\x00")
        with refused(driver, "get", Corrupt):
            driver.get(vault + "key")

    @where(lambda caps: caps.versions)
    def test_old_version_by_token(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """The version of a value still reads that value after another one was written."""
        backdoor.write(vault + "key", "old")
        old = driver.get(vault + "key").entry.version
        backdoor.write(vault + "key", "new")
        stored = driver.get(vault + "key", old)
        assert (stored.value.reveal(), stored.entry.version) == ("old", old)
        assert driver.get(vault + "key").value.reveal() == "new"

    @where(lambda caps: caps.batch > 1)
    def test_get_many_answers_each_name(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """A batch of the declared size has an answer for each name."""
        wanted = {f"{vault}key-{number}": f"value {number}" for number in range(min(self.caps.batch, self.many))}
        for name, text in wanted.items():
            backdoor.write(name, text)
        answers = driver.get_many(list(wanted))
        assert {name: _text(answer) for name, answer in answers.items()} == wanted

    @where(lambda caps: caps.batch > 1)
    def test_get_many_with_one_missing(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """A missing name in a batch is NotFound, and the other names are answered."""
        backdoor.write(vault + "key", "value")
        answers = driver.get_many([vault + "missing", vault + "key"])
        missing = answers[vault + "missing"]
        assert _text(answers[vault + "key"]) == "value"
        assert isinstance(missing, Exception)
        assert issubclass(problem(driver, missing, "get_many").kind, NotFound)

    @where(lambda caps: caps.batch > 1)
    @uses("deny")
    def test_get_many_with_one_denied(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """A denied name in a batch is Denied, and the other names are answered."""
        for name in ("key", "denied"):
            backdoor.write(vault + name, "value")
        backdoor.deny(vault + "denied")
        answers = driver.get_many([vault + "denied", vault + "key"])
        denied = answers[vault + "denied"]
        assert _text(answers[vault + "key"]) == "value"
        assert isinstance(denied, Exception)
        assert issubclass(problem(driver, denied, "get_many").kind, Denied)


def _text(answer: Stored | Exception) -> str:
    return answer.value.reveal() if isinstance(answer, Stored) else repr(answer)
