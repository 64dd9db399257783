"""A layer that fails on demand: refusals, outages, delays, lost answers, a crash."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from tailorsecrets.driver import Driver, Entry, Problem, Stored
from tailorsecrets.errors import SecretsError, Unavailable
from tailorsecrets.store.layers import Call, Layer

T = TypeVar("T")


class Fault(Exception):
    """The raw exception of a faulty store, like one of an SDK; ``Faults.explain`` returns its *problem*."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.kind.meaning)
        self.problem = problem


class Crash(BaseException):
    """The process dies here; no ``except Exception`` stops it."""


@dataclass(slots=True, kw_only=True)
class _Rule:
    """The fault of the next *times* calls of method *op* on *name* ("" for any)."""

    op: str
    name: str
    times: float
    problem: Problem | None = None
    seconds: float = 0.0
    entries: int = 0  # that a listing yields before it fails
    done: bool = False  # the call is made, and its answer is lost

    def matches(self, call: Call) -> bool:
        return self.times > 0 and self.op in {call.op, ""} and self.name in {call.name, ""}


class Faults(Layer):
    """A driver around *inner* with faults; without any, it passes everything on.

    ``calls`` lists all calls, failed ones too. *sleep* takes the seconds of a slow call.
    """

    def __init__(self, inner: Driver, *, sleep: Callable[[float], None] = time.sleep) -> None:
        super().__init__(inner)
        self.calls: list[Call] = []
        self._sleep = sleep
        self._rules: list[_Rule] = []
        self._crash_at: int | None = None
        self._lock = threading.Lock()

    def fail(
        self,
        op: str,
        kind: type[SecretsError],
        *,
        name: str = "",
        times: float = float("inf"),
        entries: int = 0,
        hint: str = "",
        retry_after: float | None = None,
    ) -> None:
        """Let method *op* ("" for every one) on *name* ("" for any) fail with *kind*, *times* times.

        A listing yields its first *entries* entries before it fails. *retry_after* is the pause that the store asks
        for, in seconds.
        """
        problem = Problem(kind, hint, retry_after)
        self._rules.append(_Rule(op=op, name=name, times=times, problem=problem, entries=entries))

    def lose_answer(self, op: str, *, name: str = "", times: float = 1) -> None:
        """Let method *op* on *name* do its work and then fail as unavailable, *times* times."""
        self._rules.append(_Rule(op=op, name=name, times=times, problem=Problem(Unavailable), done=True))

    def slow(self, op: str, seconds: float, *, name: str = "", times: float = float("inf")) -> None:
        """Let method *op* on *name* take *seconds* more, *times* times."""
        self._rules.append(_Rule(op=op, name=name, times=times, seconds=seconds))

    def crash(self, *, after: int) -> None:
        """Let *after* more calls pass, and raise Crash instead of each further one."""
        self._crash_at = len(self.calls) + after

    def heal(self) -> None:
        """End all faults."""
        self._rules.clear()
        self._crash_at = None

    def get_many(self, names: Sequence[str]) -> Mapping[str, Stored | Exception]:
        """Pass on; a fault of ``get`` on one of *names* is the answer for that name."""
        answers = dict(super().get_many(names))
        for name in names:
            rule = self._rule(Call("get", name))
            if rule and rule.name and rule.problem:
                answers[name] = Fault(rule.problem)
        return answers

    def around(self, call: Call, do: Callable[[], T]) -> T:
        """Fail or pass on."""
        rule = self._record(call)
        if rule is None or rule.problem is None:
            return do()
        if rule.done:
            do()
        raise Fault(rule.problem)

    def around_each(self, call: Call, do: Callable[[], Iterator[Entry]]) -> Iterator[Entry]:
        """Fail at the first entry, or after some, or pass on."""
        rule = self._record(call)
        if rule is None or rule.problem is None:
            yield from do()
            return
        for entry, _ in zip(do(), range(rule.entries), strict=False):
            yield entry
        raise Fault(rule.problem)

    def explain(self, exc: Exception, op: str) -> Problem:
        """Return the problem of a fault; ask the inner driver about other exceptions."""
        return exc.problem if isinstance(exc, Fault) else super().explain(exc, op)

    def _record(self, call: Call) -> _Rule | None:
        """Record *call*, crash or sleep if that is due, and return the rule for the call."""
        with self._lock:
            self.calls.append(call)
            if self._crash_at is not None and len(self.calls) > self._crash_at:
                raise Crash
        rule = self._rule(call)
        if rule and rule.seconds:
            self._sleep(rule.seconds)
        return rule

    def _rule(self, call: Call) -> _Rule | None:
        """Return the rule for *call*, and count this use of it."""
        with self._lock:
            rule = next((rule for rule in self._rules if rule.matches(call)), None)
            if rule:
                rule.times -= 1
            return rule
