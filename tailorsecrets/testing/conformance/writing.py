"""Writing: every text reads as it was written, and nothing is overwritten by accident."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tailorsecrets.driver import ABSENT, PRESENT, Driver
from tailorsecrets.errors import AlreadyExists, Conflict, NotFound, SecretsError, Unavailable
from tailorsecrets.secret import Secret
from tailorsecrets.testing.backdoor import Backdoor
from tailorsecrets.testing.conformance.suite import (
    Connect,
    Suite,
    check,
    equal,
    group,
    problem,
    refused,
    tokens_of,
    uses,
    where,
)

THREADS = 16

writes = where(lambda caps: caps.writes, "the driver declares no writes")
creates = where(lambda caps: caps.writes and caps.cas in {"create", "full"}, "caps.cas is none")
swaps = where(lambda caps: caps.writes and caps.cas == "full", "caps.cas is not full")


@group("write")
class Writing(Suite):
    """The tests of ``put`` and ``transaction``."""

    @writes
    def test_round_trip_text(self, driver: Driver, vault: str) -> None:
        """Get returns every text exactly as it was put."""

        @settings(max_examples=self.examples, deadline=None, database=None)
        @given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=200))
        @example("one line\n")
        @example("\r\ntwo\r\n")
        @example("\x00")
        @example("\ufeffwith a mark of byte order")
        @example("\N{MUSICAL SYMBOL G CLEF}")
        @example("e\u0301 is not \u00e9")
        @example(" \t ")
        def comes_back(text: str) -> None:
            driver.put(vault + "key", Secret(text))
            equal(driver.get(vault + "key").value.reveal(), text, "the value that get returned")

        comes_back()

    @writes
    def test_put_tells_what_it_wrote(self, driver: Driver, vault: str) -> None:
        """The entry that put returns has the name, and the state live."""
        for text in ("first", "second"):
            entry = driver.put(vault + "key", Secret(text))
            equal((entry.name, entry.state), (vault + "key", "live"), "the name and the state in the entry of put")

    @where(lambda caps: caps.writes and caps.empty, "the driver declares no empty values")
    def test_empty_value(self, driver: Driver, vault: str) -> None:
        """The empty string is a value."""
        driver.put(vault + "key", Secret(""))
        equal(driver.get(vault + "key").value.reveal(), "", "the value that get returned")

    @writes
    def test_at_the_limit(self, driver: Driver, vault: str) -> None:
        """A value of exactly ``caps.max_bytes`` bytes is accepted, also with fewer characters."""
        for text in ("x" * self.caps.max_bytes, "\u00e9" * (self.caps.max_bytes // 2)):
            try:
                driver.put(vault + "key", Secret(text))
            except Exception as exc:  # noqa: BLE001 - every exception of a driver must have a meaning
                kind = problem(driver, exc, "put").kind.__name__
                raise AssertionError(f"put of {self.caps.max_bytes} bytes raised what means {kind}") from None
            check(driver.get(vault + "key").value == Secret(text), "get returned another value than was put")

    @writes
    def test_longest_name(self, driver: Driver, vault: str) -> None:
        """A native name of exactly ``caps.max_name`` characters is accepted."""
        name = vault + "n" * (self.caps.max_name - len(vault))
        try:
            driver.put(name, Secret("value"))
        except Exception as exc:  # noqa: BLE001 - every exception of a driver must have a meaning
            kind = problem(driver, exc, "put").kind.__name__
            raise AssertionError(f"put of a name of {len(name)} characters raised what means {kind}") from None
        equal(driver.get(name).entry.name, name, "the name in the entry of get")

    @writes
    def test_another_tool_reads_the_plain_value(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """Another tool reads a put value as the same text under the same name."""
        driver.put(vault + "key", Secret('{"not": "wrapped"}\n'))
        equal(backdoor.read(vault + "key"), '{"not": "wrapped"}\n', "what another tool read")

    @creates
    def test_absent_creates_once(self, driver: Driver, vault: str) -> None:
        """Of sixteen threads that create one name, one succeeds, and the others get AlreadyExists or Conflict."""

        def create(number: int) -> type[SecretsError] | int:
            try:
                driver.put(vault + "key", Secret(f"of {number}"), expect=ABSENT)
            except Exception as exc:  # noqa: BLE001 - every exception of a driver must have a meaning
                return problem(driver, exc, "put").kind
            return number

        with ThreadPoolExecutor(THREADS) as threads:
            outcomes = list(threads.map(create, range(THREADS)))
        winners = [outcome for outcome in outcomes if isinstance(outcome, int)]
        losers = [outcome for outcome in outcomes if not isinstance(outcome, int)]
        equal(len(winners), 1, f"of {THREADS} threads that create one name, the number that succeeded")
        others = Counter(kind.__name__ for kind in losers if not issubclass(kind, (AlreadyExists, Conflict)))
        equal(dict(others), {}, "what the others got other than AlreadyExists and Conflict")
        equal(driver.get(vault + "key").value.reveal(), f"of {winners[0]}", "the value, by the thread that succeeded")

    @creates
    def test_absent_keeps_what_is_there(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """Creating a secret that another tool has made explains as AlreadyExists and writes nothing."""
        backdoor.write(vault + "key", "of another tool")
        with refused(driver, "put", AlreadyExists):
            driver.put(vault + "key", Secret("mine"), expect=ABSENT)
        equal(driver.get(vault + "key").value.reveal(), "of another tool", "the value after the refused put")

    @swaps
    def test_present_never_creates(self, driver: Driver, vault: str) -> None:
        """PRESENT overwrites a live name, and explains as NotFound for a missing or deleted one."""
        with refused(driver, "put", NotFound):
            driver.put(vault + "key", Secret("new"), expect=PRESENT)
        driver.put(vault + "key", Secret("old"))
        driver.put(vault + "key", Secret("new"), expect=PRESENT)
        equal(driver.get(vault + "key").value.reveal(), "new", "the value after a put over PRESENT")
        driver.delete(vault + "key")
        with refused(driver, "put", NotFound):
            driver.put(vault + "key", Secret("newer"), expect=PRESENT)
        with refused(driver, "get", NotFound):
            driver.get(vault + "key")

    @swaps
    def test_stale_expect_conflicts(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """An expected version that is not current explains as Conflict and writes nothing; the current one writes."""
        first = driver.put(vault + "key", Secret("first"))
        backdoor.write(vault + "key", "of another tool")
        with refused(driver, "put", Conflict):
            driver.put(vault + "key", Secret("second"), expect=first.version)
        current = driver.get(vault + "key")
        equal(current.value.reveal(), "of another tool", "the value after the refused put")
        driver.put(vault + "key", Secret("second"), expect=current.entry.version)
        equal(driver.get(vault + "key").value.reveal(), "second", "the value after a put over the current version")

    @where(lambda caps: caps.writes and (caps.versions or caps.cas == "full"), "the driver declares no versions")
    def test_version_differs_after_delete_and_create(self, driver: Driver, vault: str) -> None:
        """No two writes of a name have the same version, even if it was purged in between."""
        tokens = [driver.put(vault + "key", Secret("same")).version for _ in range(2)]
        driver.delete(vault + "key")
        tokens.append(driver.put(vault + "key", Secret("same")).version)
        driver.delete(vault + "key", purge=True)
        tokens.append(driver.put(vault + "key", Secret("same")).version)
        equal(driver.get(vault + "key").entry.version, tokens[-1], "the version in get's entry, by that of put")
        check(all(tokens), "the entry of put has no version")
        equal(len(set(tokens)), len(tokens), f"the number of different versions in {tokens}")

    @where(lambda caps: caps.writes and caps.undelete, "the driver declares no undelete")
    def test_put_after_delete_restores(self, driver: Driver, vault: str) -> None:
        """Writing a deleted name keeps its old versions."""
        driver.put(vault + "key", Secret("old"))
        driver.delete(vault + "key")
        driver.put(vault + "key", Secret("new"), expect=ABSENT if self.caps.cas != "none" else None)
        equal(driver.get(vault + "key").value.reveal(), "new", "the value after a put over a deleted one")
        if self.caps.versions:
            history = [driver.get(vault + "key", entry.version).value for entry in driver.versions(vault + "key")]
            check(Secret("old") in history, "the version before the delete is gone")

    @writes
    @uses("bare")
    def test_put_fills_bare(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """A put, also one that creates, fills a name without any value."""
        backdoor.bare(vault + "key")
        driver.put(vault + "key", Secret("value"), expect=ABSENT if self.caps.cas != "none" else None)
        equal(driver.get(vault + "key").value.reveal(), "value", "the value after a put over a bare name")

    @where(lambda caps: caps.writes and caps.versions, "the driver declares no versions")
    @uses("lose_answers")
    def test_no_write_is_sent_twice_on_timeout(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """A write without an answer explains as Unavailable, and was done at most once."""
        backdoor.lose_answers()
        with refused(driver, "put", Unavailable):
            driver.put(vault + "key", Secret("value"))
        backdoor.recover()
        written = len(tokens_of(driver, vault + "key"))
        check(written <= 1, f"one put without an answer made {written} versions")

    @where(lambda caps: caps.transactions, "the driver declares no transactions")
    def test_transaction_is_one_write(self, driver: Driver, connect: Connect, vault: str) -> None:
        """Another connection in another thread sees all writes of a transaction at its end, and none before."""
        other = connect()
        with ThreadPoolExecutor(1) as thread, driver.transaction():
            for name in ("one", "two"):
                driver.put(vault + name, Secret("value"))
            with refused(other, "get", NotFound):
                thread.submit(other.get, vault + "one").result()
        found = [other.get(vault + name).value.reveal() for name in ("one", "two")]
        equal(found, ["value"] * 2, "the values after the transaction")
        other.close()

    @where(lambda caps: caps.transactions, "the driver declares no transactions")
    def test_failed_transaction_writes_nothing(self, driver: Driver, connect: Connect, vault: str) -> None:
        """An exception inside a transaction undoes its writes, and is raised."""
        driver.put(vault + "one", Secret("old"))
        with pytest.raises(ZeroDivisionError):
            _break_off(driver, (vault + "one", vault + "two"))
        other = connect()
        equal(other.get(vault + "one").value.reveal(), "old", "the value after a failed transaction")
        with refused(other, "get", NotFound):
            other.get(vault + "two")
        other.close()


def _break_off(driver: Driver, names: Sequence[str]) -> None:
    """Write to *names* in a transaction that fails at its end."""
    with driver.transaction():
        for name in names:
            driver.put(name, Secret("new"))
        raise ZeroDivisionError
