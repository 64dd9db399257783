"""Safe repeats, for SDKs that do not retry.

Clock and sleep are arguments, in seconds, so tests do not wait.
"""

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple, TypeVar

from tailorsecrets.driver import Driver, Entry
from tailorsecrets.errors import Problem, SecretsError, Throttled, Unavailable
from tailorsecrets.kit.budget import Budget
from tailorsecrets.kit.throttling import throttled
from tailorsecrets.store.layers.layer import Call, Layer, lazily
from tailorsecrets.store.origin import origin_of

T = TypeVar("T")


class Retry(Layer):
    """Repeat throttled calls, and reads without an answer, for *timeout* seconds (four times as long for a write).

    A write without an answer may have been done, so it is never sent again. The pauses double, have jitter, and are
    at least as long as the store asks for. Where ``caps.retries`` is on, the SDK does all this, and the layer only
    passes calls on. A spent retry raises the meaning of the last answer with ``retryable`` off, so that no outer retry
    begins.

    No attempt begins after the budget. The layer does not cut an attempt short, so a call may overrun by one attempt.
    """

    def __init__(
        self,
        inner: Driver,
        *,
        timeout: float = 15.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] | None = None,
    ) -> None:
        super().__init__(inner)
        self._timeout, self._clock, self._sleep, self._jitter = timeout, clock, sleep, jitter

    def around(self, call: Call, do: Callable[[], T]) -> T:
        """Repeat *do* until it answers or the budget is spent."""
        if self.caps.retries:
            return do()
        budget = self._budget(call)
        while isinstance(answer := self._answer(call, do), _Failure):
            self._wait(call, answer, budget)
        return answer

    def around_each(self, call: Call, do: Callable[[], Iterator[Entry]]) -> Iterator[Entry]:
        """Restart a listing that failed midway, without the entries it gave; each new entry renews the budget."""
        return do() if self.caps.retries else self._each(call, do)

    def _each(self, call: Call, do: Callable[[], Iterator[Entry]]) -> Iterator[Entry]:
        given: set[str] = set()
        entries, budget = lazily(do), self._budget(call)
        while (entry := self._answer(call, partial(next, entries, None))) is not None:
            if isinstance(entry, _Failure):
                self._wait(call, entry, budget)
                entries = lazily(do)
            elif (key := entry.version if call.op == "versions" else entry.name) not in given:
                given.add(key)
                yield entry
                budget = self._budget(call)

    def _answer(self, call: Call, do: Callable[[], T]) -> "T | _Failure":
        """Return the answer of *do*, or the failure that a repeat may solve."""
        try:
            return do()
        except Exception as exc:
            problem = self.explain(exc, call.op)
            repeatable = Throttled if call.writes else (Throttled, Unavailable)
            if not issubclass(problem.kind, repeatable) or _is_spent(exc):
                raise
            return _Failure(problem, origin_of(exc))

    def _budget(self, call: Call) -> Budget:
        seconds = call.budget(self._timeout)
        return Budget(seconds, clock=self._clock, sleep=self._sleep, jitter=self._jitter)

    def _wait(self, call: Call, failure: "_Failure", budget: Budget) -> None:
        problem = failure.problem
        if issubclass(problem.kind, Throttled):
            throttled()  # for a quota around this
        if not budget.wait(problem.retry_after):
            error = problem.kind(
                hint=problem.hint,
                op=call.op,
                retryable=False,
                reason=problem.reason,
                reason_code=problem.reason_code,
            )
            error.origin = failure.origin
            raise error


class _Failure(NamedTuple):
    problem: Problem
    origin: str


def _is_spent(exc: Exception) -> bool:
    return isinstance(exc, SecretsError) and not exc.retryable
