"""Repeats of what is safe to repeat, where the SDK has none.

Clock and sleep are arguments, in seconds, so that tests wait for nothing.
"""

import random
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, TypeVar

from tailorsecrets.driver import Driver, Entry, Problem, throttled
from tailorsecrets.errors import SecretsError, Throttled, Unavailable
from tailorsecrets.layers.layer import Call, Layer, lazily

T = TypeVar("T")

FIRST_PAUSE: Final = 0.1  # seconds before the first repeat; doubled for each further one
LONGEST_PAUSE: Final = 5.0  # seconds


class Retry(Layer):
    """Repeat what was throttled, and reads that got no answer, while *timeout* seconds (four times for a write) last.

    A write that got no answer may have been done, so it is never sent again. The pauses double, are jittered, and
    are no shorter than the store asks for. Where ``caps.retries`` is on, the SDK does all this, and the layer only
    passes on. A spent retry raises what the last answer meant, with ``retryable`` off, so that no outer one begins.

    No attempt begins after the budget, and none is cut short: a call may overrun by as long as the inner driver lets
    one attempt take.
    """

    def __init__(
        self,
        inner: Driver,
        *,
        timeout: float = 15.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        super().__init__(inner)
        self._timeout, self._clock, self._sleep, self._jitter = timeout, clock, sleep, jitter

    def around(self, call: Call, do: Callable[[], T]) -> T:
        """Repeat *do* until it answers or the budget is spent."""
        if self.caps.retries:
            return do()
        pauses = self._pauses(call)
        while isinstance(answer := self._answer(call, do), Problem):
            self._wait(call, answer, pauses)
        return answer

    def around_each(self, call: Call, do: Callable[[], Iterator[Entry]]) -> Iterator[Entry]:
        """Begin a listing that failed midway again and leave out what was given; each new entry renews the budget."""
        return do() if self.caps.retries else self._each(call, do)

    def _each(self, call: Call, do: Callable[[], Iterator[Entry]]) -> Iterator[Entry]:
        given: set[str] = set()
        entries, pauses = lazily(do), self._pauses(call)
        while (entry := self._answer(call, partial(next, entries, None))) is not None:
            if isinstance(entry, Problem):
                self._wait(call, entry, pauses)
                entries = lazily(do)
            elif (key := entry.version if call.op == "versions" else entry.name) not in given:
                given.add(key)
                yield entry
                pauses = self._pauses(call)

    def _answer(self, call: Call, do: Callable[[], T]) -> T | Problem:
        """Return the answer of *do*, or the problem that a repeat may solve."""
        try:
            return do()
        except Exception as exc:
            problem = self.explain(exc, call.op)
            repeatable = Throttled if call.writes else (Throttled, Unavailable)
            if not issubclass(problem.kind, repeatable) or _is_spent(exc):
                raise
            return problem

    def _pauses(self, call: Call) -> "_Pauses":
        return _Pauses(self._clock() + call.budget(self._timeout), self._jitter)

    def _wait(self, call: Call, problem: Problem, pauses: "_Pauses") -> None:
        if issubclass(problem.kind, Throttled):
            throttled()  # for a quota around this
        pause = pauses.following(problem)
        if self._clock() + pause >= pauses.end:
            raise problem.kind(hint=problem.hint, op=call.op, retryable=False)
        self._sleep(pause)


class _Pauses:
    """The pauses of one call, whose budget ends at *end* on the layer's clock."""

    def __init__(self, end: float, jitter: Callable[[], float]) -> None:
        self.end, self._jitter, self._longest = end, jitter, FIRST_PAUSE

    def following(self, problem: Problem) -> float:
        """Return the seconds to wait now: what the store asks for, and half to all of the doubling pause."""
        pause = self._longest * (1 + self._jitter()) / 2
        self._longest = min(2 * self._longest, LONGEST_PAUSE)
        return pause + (problem.retry_after or 0.0)


def _is_spent(exc: Exception) -> bool:
    return isinstance(exc, SecretsError) and not exc.retryable
