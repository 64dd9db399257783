"""Reading: missing, denied and broken are three answers."""

from collections.abc import Mapping

from tailorsecrets.driver import Driver, Stored
from tailorsecrets.errors import Corrupt, Denied, Disabled, NotFound, SecretsError, Unauthenticated, Unavailable
from tailorsecrets.secret import Secret
from tailorsecrets.testing.backdoor import Backdoor
from tailorsecrets.testing.conformance.suite import Suite, check, equal, group, problem, refused, uses, where

batches = where(lambda caps: caps.batch > 1, "the driver declares no batch")


@group("read")
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
            equal(driver.stat(vault + "key").state, "bare", "the state that stat returned")

    @where(lambda caps: caps.writes, "the driver declares no writes")
    def test_deleted_is_missing(self, driver: Driver, vault: str) -> None:
        """A deleted secret reads as missing, and stat reports it as deleted if it can be restored."""
        driver.put(vault + "key", Secret("value"))
        driver.delete(vault + "key")
        with refused(driver, "get", NotFound):
            driver.get(vault + "key")
        if self.caps.stats and self.caps.undelete:
            equal(driver.stat(vault + "key").state, "deleted", "the state that stat returned")

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
        equal(stored.value.reveal(), "line\r\nline\n", "the value that get returned")
        equal((stored.entry.name, stored.entry.stamp), (vault + "key", ""), "the name and the stamp in get's entry")

    @uses("write_bytes")
    def test_foreign_bytes_are_corrupt(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """A value that is not text explains as Corrupt, and never reads with replacement characters."""
        backdoor.write_bytes(vault + "key", b"\xff\xfe\x00")
        with refused(driver, "get", Corrupt):
            driver.get(vault + "key")

    @where(lambda caps: caps.versions, "the driver declares no versions")
    def test_old_version_by_token(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """The version of a value still reads that value after another one was written."""
        backdoor.write(vault + "key", "old")
        old = driver.get(vault + "key").entry.version
        backdoor.write(vault + "key", "new")
        stored = driver.get(vault + "key", old)
        check(old, "get's entry has no version")
        equal((stored.value.reveal(), stored.entry.version), ("old", old), "get of an old version returned")
        equal(driver.get(vault + "key").value.reveal(), "new", "get without a version returned")

    @where(lambda caps: caps.versions, "the driver declares no versions")
    def test_unknown_version_is_missing(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """A version that the secret does not have explains as NotFound, whatever its token looks like."""
        backdoor.write(vault + "other", "value")
        backdoor.write(vault + "key", "value")
        for version in (driver.get(vault + "other").entry.version + "9", "none-such", "999999999", "../key"):
            with refused(driver, "get", NotFound, why=f"of version {version!r}"):
                driver.get(vault + "key", version)

    @batches
    def test_get_many_answers_each_name(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """A batch of the declared size has an answer for each name."""
        wanted = {f"{vault}key-{number}": f"value {number}" for number in range(min(self.caps.batch, self.many or 30))}
        for name, text in wanted.items():
            backdoor.write(name, text)
        answers = driver.get_many(list(wanted))
        equal({name: _text(answer) for name, answer in answers.items()}, wanted, "the answers of get_many")

    @batches
    def test_get_many_with_one_missing(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """A missing name in a batch is NotFound, and the other names are answered."""
        backdoor.write(vault + "key", "value")
        answers = driver.get_many([vault + "missing", vault + "key"])
        self.check_one(driver, answers, vault, "missing", NotFound)

    @batches
    @uses("deny")
    def test_get_many_with_one_denied(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """A denied name in a batch is Denied, and the other names are answered."""
        for name in ("key", "denied"):
            backdoor.write(vault + name, "value")
        backdoor.deny(vault + "denied")
        answers = driver.get_many([vault + "denied", vault + "key"])
        self.check_one(driver, answers, vault, "denied", Denied)

    def check_one(
        self,
        driver: Driver,
        answers: Mapping[str, Stored | Exception],
        vault: str,
        name: str,
        kind: type[SecretsError],
    ) -> None:
        """Check that the answer for *name* means *kind*, and that the other name has its value."""
        answer = answers.get(vault + name)
        equal(_text(answers.get(vault + "key")), "value", "get_many's answer for the name that can be read")
        found = problem(driver, answer, "get_many").kind if isinstance(answer, Exception) else type(answer)
        check(issubclass(found, kind), f"get_many answered {found.__name__} for the {name} name, not {kind.__name__}")


def _text(answer: Stored | Exception | None) -> str:
    return answer.value.reveal() if isinstance(answer, Stored) else repr(answer)
