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
from tailorsecrets.testing.conformance.suite import Connect, Suite, problem, refused, tokens_of, uses, where

THREADS = 16

writes = where(lambda caps: caps.writes)
creates = where(lambda caps: caps.writes and caps.cas in {"create", "full"})
swaps = where(lambda caps: caps.writes and caps.cas == "full")


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
            assert driver.get(vault + "key").value == Secret(text)

        comes_back()

    @where(lambda caps: caps.writes and caps.empty)
    def test_empty_value(self, driver: Driver, vault: str) -> None:
        """The empty string is a value."""
        driver.put(vault + "key", Secret(""))
        assert driver.get(vault + "key").value == Secret("")

    @writes
    def test_at_the_limit(self, driver: Driver, vault: str) -> None:
        """A value of exactly ``caps.max_bytes`` bytes is accepted, also with fewer characters."""
        for text in ("x" * self.caps.max_bytes, "\u00e9" * (self.caps.max_bytes // 2)):
            driver.put(vault + "key", Secret(text))
            assert driver.get(vault + "key").value == Secret(text)

    @writes
    def test_longest_name(self, driver: Driver, vault: str) -> None:
        """A native name of exactly ``caps.max_name`` characters is accepted."""
        name = vault + "n" * (self.caps.max_name - len(vault))
        driver.put(name, Secret("value"))
        assert driver.get(name).entry.name == name

    @writes
    def test_another_tool_reads_the_plain_value(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """Another tool reads a put value as the same text under the same name."""
        driver.put(vault + "key", Secret('{"not": "wrapped"}\n'))
        assert backdoor.read(vault + "key") == '{"not": "wrapped"}\n'

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
        assert len(winners) == 1
        assert all(issubclass(kind, (AlreadyExists, Conflict)) for kind in losers), Counter(losers)
        assert driver.get(vault + "key").value == Secret(f"of {winners[0]}")

    @creates
    def test_absent_keeps_what_is_there(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """Creating a secret that another tool has made explains as AlreadyExists and writes nothing."""
        backdoor.write(vault + "key", "of another tool")
        with refused(driver, "put", AlreadyExists):
            driver.put(vault + "key", Secret("mine"), expect=ABSENT)
        assert driver.get(vault + "key").value == Secret("of another tool")

    @swaps
    def test_present_never_creates(self, driver: Driver, vault: str) -> None:
        """PRESENT overwrites a live name, and explains as NotFound for a missing or deleted one."""
        with refused(driver, "put", NotFound):
            driver.put(vault + "key", Secret("new"), expect=PRESENT)
        driver.put(vault + "key", Secret("old"))
        driver.put(vault + "key", Secret("new"), expect=PRESENT)
        assert driver.get(vault + "key").value == Secret("new")
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
        assert current.value == Secret("of another tool")
        driver.put(vault + "key", Secret("second"), expect=current.entry.version)
        assert driver.get(vault + "key").value == Secret("second")

    @where(lambda caps: caps.writes and (caps.versions or caps.cas == "full"))
    def test_version_differs_after_delete_and_create(self, driver: Driver, vault: str) -> None:
        """No two writes of a name have the same version, even if it was purged in between."""
        tokens = [driver.put(vault + "key", Secret("same")).version for _ in range(2)]
        driver.delete(vault + "key")
        tokens.append(driver.put(vault + "key", Secret("same")).version)
        driver.delete(vault + "key", purge=True)
        tokens.append(driver.put(vault + "key", Secret("same")).version)
        assert driver.get(vault + "key").entry.version == tokens[-1]
        assert all(tokens)
        assert len(set(tokens)) == len(tokens)

    @where(lambda caps: caps.writes and caps.undelete)
    def test_put_after_delete_restores(self, driver: Driver, vault: str) -> None:
        """Writing a deleted name keeps its old versions."""
        driver.put(vault + "key", Secret("old"))
        driver.delete(vault + "key")
        driver.put(vault + "key", Secret("new"), expect=ABSENT if self.caps.cas != "none" else None)
        assert driver.get(vault + "key").value == Secret("new")
        if self.caps.versions:
            history = [driver.get(vault + "key", entry.version).value for entry in driver.versions(vault + "key")]
            assert Secret("old") in history

    @writes
    @uses("bare")
    def test_put_fills_bare(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """A put, also one that creates, fills a name without any value."""
        backdoor.bare(vault + "key")
        driver.put(vault + "key", Secret("value"), expect=ABSENT if self.caps.cas != "none" else None)
        assert driver.get(vault + "key").value == Secret("value")

    @where(lambda caps: caps.writes and caps.versions)
    @uses("lose_answers")
    def test_no_write_is_sent_twice_on_timeout(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """A write without an answer explains as Unavailable, and has been done at most once."""
        backdoor.lose_answers()
        with refused(driver, "put", Unavailable):
            driver.put(vault + "key", Secret("value"))
        backdoor.recover()
        assert len(tokens_of(driver, vault + "key")) <= 1

    @where(lambda caps: caps.transactions)
    def test_transaction_is_one_write(self, driver: Driver, connect: Connect, vault: str) -> None:
        """Another connection in another thread sees all writes of a transaction at its end, and none before."""
        other = connect()
        with ThreadPoolExecutor(1) as thread, driver.transaction():
            for name in ("one", "two"):
                driver.put(vault + name, Secret("value"))
            with refused(other, "get", NotFound):
                thread.submit(other.get, vault + "one").result()
        assert [other.get(vault + name).value for name in ("one", "two")] == [Secret("value")] * 2
        other.close()

    @where(lambda caps: caps.transactions)
    def test_failed_transaction_writes_nothing(self, driver: Driver, connect: Connect, vault: str) -> None:
        """An exception inside a transaction undoes its writes, and is raised."""
        driver.put(vault + "one", Secret("old"))
        with pytest.raises(ZeroDivisionError):
            _break_off(driver, (vault + "one", vault + "two"))
        other = connect()
        assert other.get(vault + "one").value == Secret("old")
        with refused(other, "get", NotFound):
            other.get(vault + "two")
        other.close()


def _break_off(driver: Driver, names: Sequence[str]) -> None:
    """Write to *names* in a transaction that fails at its end."""
    with driver.transaction():
        for name in names:
            driver.put(name, Secret("new"))
        raise ZeroDivisionError
