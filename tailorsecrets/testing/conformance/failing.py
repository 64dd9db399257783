"""Failing: each method reports what is wrong, and none takes a failure for an answer."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, Final

from tailorsecrets.driver import Driver, seconds_for
from tailorsecrets.errors import Corrupt, Denied, SecretsError, Throttled, Unauthenticated, Unavailable
from tailorsecrets.testing.backdoor import Backdoor
from tailorsecrets.testing.conformance.cases import WRITES, Case, cases
from tailorsecrets.testing.conformance.suite import (
    Connect,
    MakeVault,
    Suite,
    check,
    group,
    names,
    problem,
    uses,
    where,
)

Kinds = type[SecretsError] | tuple[type[SecretsError], ...]

MOST_CALLS: Final = 12  # that one method may send before the test of failures between its calls ends
BROKEN_CONNECTIONS: Final = 3  # that a client may keep from a fault
LATE: Final = 2.0  # seconds that a method may take beyond its time
PROGRAMMING: Final = (TypeError("x"), AttributeError("x"), NameError("x"), ZeroDivisionError("x"), RecursionError("x"))


@group("fail")
class Failing(Suite):
    """The tests of what each method does when the store, the network, the login or the plugin itself fails."""

    @uses("unreachable")
    def test_outage_in_every_method(self, driver: Driver, backdoor: Backdoor, make_vault: MakeVault) -> None:
        """Without the store, every method raises Unavailable, or needs no call and returns a true result."""
        self.check_each(driver, backdoor, make_vault, backdoor.unreachable, kind=Unavailable, when="without the store")

    @uses("expire_login")
    def test_expired_login_in_every_method(self, driver: Driver, backdoor: Backdoor, make_vault: MakeVault) -> None:
        """With an expired login, every method raises Unauthenticated, or needs no login and returns a true result."""
        self.check_each(
            driver, backdoor, make_vault, backdoor.expire_login, kind=Unauthenticated, when="with an expired login"
        )

    @uses("forbid")
    def test_denied_in_every_method(self, driver: Driver, backdoor: Backdoor, make_vault: MakeVault) -> None:
        """With a login that has no rights, every method raises Denied, or needs no right and returns a true result."""
        self.check_each(driver, backdoor, make_vault, backdoor.forbid, kind=Denied, when="without any right")

    @uses("throttle")
    def test_throttled_in_every_method(self, driver: Driver, backdoor: Backdoor, make_vault: MakeVault) -> None:
        """A method whose call the store throttles raises Throttled, or waits and returns a true result."""
        made = cases(self, driver, backdoor, make_vault)
        for case in made:
            backdoor.throttle(1)
            outcome = self.outcome(driver, case)
            backdoor.recover()
            self.check_outcome(driver, case, outcome, Throttled, "under a limit of calls")

    @where(lambda caps: caps.writes, "the driver declares no writes")
    @uses("lose_answers")
    def test_lost_answer_of_every_write(self, driver: Driver, backdoor: Backdoor, make_vault: MakeVault) -> None:
        """A write whose answer is lost raises Unavailable, or checks the store and returns a true result."""
        made = [case for case in cases(self, driver, backdoor, make_vault) if case.method in WRITES]
        backdoor.lose_answers()
        outcomes = self.outcomes(driver, made)
        backdoor.recover()
        for case, outcome in zip(made, outcomes, strict=True):
            self.check_outcome(driver, case, outcome, Unavailable, "without an answer")

    @uses("hang")
    def test_no_method_waits_for_ever(
        self, driver: Driver, connect: Connect, backdoor: Backdoor, make_vault: MakeVault
    ) -> None:
        """At a store that accepts calls and never answers, every method raises Unavailable within its time."""
        made = cases(self, driver, backdoor, make_vault)
        used, new = connect(), connect()
        made[0].call(used)  # it is signed in, and the new one is not
        backdoor.hang()
        try:
            for case, seconds, outcome in [*self.timed(used, made), *self.timed(new, made[:1])]:
                longest = seconds_for(self.timeout, write=case.method in WRITES)
                check(
                    seconds is not None and seconds <= longest + LATE,
                    f"{case.method} at a store that never answers did not end after {longest:g} seconds, which the "
                    "`timeout` of the suite allows it",
                )
                self.check_raised(driver, case, outcome, Unavailable, "at a store that never answers")
        finally:
            backdoor.recover()

    @uses("fail_after")
    def test_failure_between_the_calls_of_every_method(
        self, driver: Driver, backdoor: Backdoor, make_vault: MakeVault
    ) -> None:
        """A method that needs several calls, the last of which fail, raises Unavailable or returns a true result."""
        for calls in range(1, MOST_CALLS):
            made, succeeded = cases(self, driver, backdoor, _numbered(make_vault, calls)), 0
            for case in made:
                backdoor.fail_after(calls)
                outcome = self.outcome(driver, case)
                backdoor.recover()
                self.check_outcome(driver, case, outcome, Unavailable, f"whose store fails after {calls} calls")
                succeeded += not isinstance(outcome, Exception)
            if succeeded == len(made):
                return

    @uses("cut_answers")
    def test_cut_answers(self, driver: Driver, backdoor: Backdoor, make_vault: MakeVault) -> None:
        """A method whose answer is cut short raises Unavailable or Corrupt, or returns a true result."""
        made = cases(self, driver, backdoor, make_vault)
        backdoor.cut_answers()
        outcomes = self.outcomes(driver, made)
        backdoor.recover()
        for case, outcome in zip(made, outcomes, strict=True):
            self.check_outcome(driver, case, outcome, (Unavailable, Corrupt), "whose answers are cut short")

    @where(lambda caps: caps.lists, "the driver declares no lists")
    @uses("fail_after")
    def test_page_that_fails(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """A list whose first or later page fails raises Unavailable; it never ends early."""
        wanted = self.fill(driver, backdoor, vault)
        for calls in range(len(wanted) + 2):
            backdoor.fail_after(calls)
            outcome = _result(lambda: sorted(names(driver.list(vault))))
            backdoor.recover()
            if isinstance(outcome, Exception):
                kind = problem(driver, outcome, "list").kind
                check(issubclass(kind, Unavailable), f"page {calls + 1} failed, and list raised {kind.__name__}")
            else:
                check(
                    outcome == wanted,
                    f"page {calls + 1} failed, and list ended with {len(outcome)} of {len(wanted)} names",
                )
                return

    def test_programming_error_is_not_an_outage(self, driver: Driver) -> None:
        """A mistake in the plugin, such as a TypeError, explains as SecretsError, not as an answer of the store."""
        for op in ("get", "list", "put", "delete"):
            for exc in PROGRAMMING:
                kind = driver.explain(exc, op).kind
                message = f"explain returned {kind.__name__} for a {type(exc).__name__} of {op}"
                check(kind is SecretsError, f"{message}: name the SDK's classes, and return SecretsError for the rest")

    def check_each(
        self,
        driver: Driver,
        backdoor: Backdoor,
        make_vault: MakeVault,
        fault: Callable[[], None],
        *,
        kind: type[SecretsError],
        when: str,
    ) -> None:
        """Check that every method raises what means *kind* while *fault* lasts."""
        made = cases(self, driver, backdoor, make_vault)
        fault()
        outcomes = self.outcomes(driver, made)
        backdoor.recover()
        for case, outcome in zip(made, outcomes, strict=True):
            self.check_outcome(driver, case, outcome, kind, when)

    def outcomes(self, driver: Driver, made: Sequence[Case]) -> list[Any]:
        """Return what each of *made* returns or raises; they run at once, since each may wait for its whole time."""
        with ThreadPoolExecutor(len(made)) as threads:
            return list(threads.map(partial(self.outcome, driver), made))

    def outcome(self, driver: Driver, case: Case) -> Any:
        """Return what *case* returns or raises."""
        return _result(lambda: case.call(driver))

    def timed(self, driver: Driver, made: Sequence[Case]) -> list[tuple[Case, float | None, Any]]:
        """Return each of *made* with the seconds that it took, None for one that has not ended, and its outcome."""
        ended: dict[str, tuple[float, Any]] = {}

        def work(case: Case) -> None:
            start = time.monotonic()
            outcome = self.outcome(driver, case)
            ended[case.method] = (time.monotonic() - start, outcome)

        threads = [threading.Thread(target=work, args=(case,), daemon=True) for case in made]
        for thread in threads:
            thread.start()
        end = time.monotonic() + LATE
        for case, thread in zip(made, threads, strict=True):
            thread.join(max(0.0, end + seconds_for(self.timeout, write=case.method in WRITES) - time.monotonic()))
        driver.close()
        timed: list[tuple[Case, float | None, Any]] = []
        for case in made:
            seconds, outcome = ended.get(case.method, (None, None))
            timed.append((case, seconds, outcome))
        return timed

    def check_raised(self, driver: Driver, case: Case, outcome: Any, kind: Kinds, when: str) -> None:
        """Check that *outcome* is an exception that means *kind*."""
        is_raised = isinstance(outcome, Exception)
        check(is_raised, f"{case.method} {when} returned, as if it were done")
        found = problem(driver, outcome, case.method).kind
        expected = " or ".join(each.__name__ for each in (kind if isinstance(kind, tuple) else (kind,)))
        message = f"{case.method} {when} raised {type(outcome).__name__}, which means {found.__name__}, not {expected}"
        check(issubclass(found, kind), message)

    def check_outcome(self, driver: Driver, case: Case, outcome: Any, kind: Kinds, when: str) -> None:
        """Check that *outcome* is an exception that means *kind*, or a result that is true."""
        if isinstance(outcome, Exception):
            self.check_raised(driver, case, outcome, kind, when)
        else:
            check(_is_true(driver, case, outcome), f"{case.method} {when} returned a result that is not true")


def _is_true(driver: Driver, case: Case, outcome: Any) -> bool:
    """Tell whether *outcome* is true. The first calls after a fault may meet a connection that the fault has broken."""
    for _ in range(BROKEN_CONNECTIONS):
        with suppress(Exception):
            if case.is_true(driver, outcome):
                return True
    return case.is_true(driver, outcome)


def _numbered(make_vault: MakeVault, number: int) -> MakeVault:
    return lambda name: make_vault(f"{name}{number}")


def _result(do: Callable[[], Any]) -> Any:
    try:
        return do()
    except Exception as exc:  # noqa: BLE001 - every exception of a driver must have a meaning
        return exc
