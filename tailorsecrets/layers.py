"""Drivers around drivers: a rate within the store's quota, and repeats of what is safe to repeat.

A layer is a driver, so layers stack in any order; ``stack`` gives the order that serves. Clock and sleep are
arguments everywhere, in seconds, so that tests wait for nothing.
"""

import os
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

from tailorsecrets.driver import Driver, Entry, Problem, Stored
from tailorsecrets.errors import SecretsError, Throttled, Unavailable
from tailorsecrets.secret import Secret

T = TypeVar("T")

WRITES: Final = frozenset({"put", "delete", "restore", "make", "drop"})
WRITE_BUDGET: Final = 4  # a write may take this many times as long as a read

FIRST_PAUSE: Final = 0.1  # seconds before the first repeat; doubled for each further one
LONGEST_PAUSE: Final = 5.0  # seconds

SLOWEST: Final = 1 / 16  # of the declared rate: no further down, so that one bad minute does not stop all work
RECOVERY: Final = 60.0  # seconds from nothing back to the declared rate
HALVING: Final = 1.0  # seconds in which many refusals count as one: they answer calls sent at the same rate

_KINDS: Final = {
    "get": "get",
    "get_many": "get",
    "stat": "stat",
    "list": "list",
    "versions": "list",
    "containers": "list",
} | dict.fromkeys(WRITES, "write")


@dataclass(frozen=True, slots=True)
class Call:
    """A call of method *op* on *name*: a native name, a prefix, a container, or "" for a batch."""

    op: str
    name: str

    @property
    def writes(self) -> bool:
        """Whether it changes the store."""
        return self.op in WRITES


class Layer(Driver):
    """A driver that passes everything to *inner*; a kind of layer overrides ``around`` and ``around_each``."""

    def __init__(self, inner: Driver) -> None:
        self.inner = inner
        self.caps = inner.caps

    def around(self, call: Call, do: Callable[[], T]) -> T:
        """Return what *do* returns, which makes *call* at the inner driver."""
        del call
        return do()

    def around_each(self, call: Call, do: Callable[[], Iterator[Entry]]) -> Iterator[Entry]:
        """Yield what *do* yields, which makes *call* at the inner driver."""
        del call
        return do()

    def explain(self, exc: Exception, op: str) -> Problem:
        """Ask the inner driver what *exc* means, unless it says so itself, as those do that a layer raises."""
        return Problem(type(exc), exc.hint) if isinstance(exc, SecretsError) else self.inner.explain(exc, op)

    def get(self, name: str, version: str = "") -> Stored:
        """Pass on."""
        return self.around(Call("get", name), partial(self.inner.get, name, version))

    def get_many(self, names: Sequence[str]) -> Mapping[str, Stored | Exception]:
        """Pass on."""
        return self.around(Call("get_many", ""), partial(self.inner.get_many, names))

    def stat(self, name: str) -> Entry:
        """Pass on."""
        return self.around(Call("stat", name), partial(self.inner.stat, name))

    def list(self, prefix: str, *, deleted: bool = False) -> Iterator[Entry]:
        """Pass on."""
        return self.around_each(Call("list", prefix), partial(self.inner.list, prefix, deleted=deleted))

    def put(
        self,
        name: str,
        value: Secret,
        *,
        expect: str | None = None,
        stamp: str = "",
        tags: Mapping[str, str] | None = None,
    ) -> Entry:
        """Pass on."""
        write = partial(self.inner.put, name, value, expect=expect, stamp=stamp, tags=tags)
        return self.around(Call("put", name), write)

    def delete(self, name: str, *, purge: bool = False) -> None:
        """Pass on."""
        self.around(Call("delete", name), partial(self.inner.delete, name, purge=purge))

    def restore(self, name: str) -> Entry:
        """Pass on."""
        return self.around(Call("restore", name), partial(self.inner.restore, name))

    def versions(self, name: str) -> Iterator[Entry]:
        """Pass on."""
        return self.around_each(Call("versions", name), partial(self.inner.versions, name))

    def containers(self, prefix: str) -> Iterator[Entry]:
        """Pass on."""
        return self.around_each(Call("containers", prefix), partial(self.inner.containers, prefix))

    def make(self, container: str, note: str) -> None:
        """Pass on."""
        self.around(Call("make", container), partial(self.inner.make, container, note))

    def drop(self, container: str) -> None:
        """Pass on."""
        self.around(Call("drop", container), partial(self.inner.drop, container))

    def transaction(self) -> AbstractContextManager[None]:
        """Pass on."""
        return self.inner.transaction()

    def setup(self) -> str:
        """Pass on."""
        return self.inner.setup()

    def close(self) -> None:
        """Pass on."""
        self.inner.close()


class Retry(Layer):
    """Repeat what was throttled, and reads that got no answer, while *timeout* seconds (four times for a write) last.

    A write that got no answer may have been done, so it is never sent again. The pauses double, are jittered, and
    are no shorter than the store asks for. Where ``caps.retries`` is on, the SDK does all this, and the layer only
    passes on. A spent retry raises what the last answer meant, with ``retryable`` off, so that no outer one begins.
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
        entries, pauses = _lazily(do), self._pauses(call)
        while (entry := self._answer(call, partial(next, entries, None))) is not None:
            if isinstance(entry, Problem):
                self._wait(call, entry, pauses)
                entries = _lazily(do)
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
        return _Pauses(self._clock() + _budget(call, self._timeout), self._jitter)

    def _wait(self, call: Call, problem: Problem, pauses: "_Pauses") -> None:
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


class Quota(Layer):
    """Send no more calls than ``caps.per_s`` allows, and fewer for a while after the store has throttled one.

    Each kind of call has a bucket that holds the calls of one second, so that in any *w* seconds at most
    ``rate * (w + 1)`` are sent. A listing counts as one call: its pages are not seen here. A call that would wait
    over *timeout* seconds (four times that for a write) is not sent and raises Throttled.
    """

    def __init__(
        self,
        inner: Driver,
        *,
        timeout: float = 15.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(inner)
        self._timeout, self._sleep = timeout, sleep
        self._buckets: Mapping[str, Bucket] = {kind: Bucket(rate, clock) for kind, rate in self.caps.per_s.items()}

    def around(self, call: Call, do: Callable[[], T]) -> T:
        """Wait for a token, then call."""
        bucket = self._buckets.get(_KINDS[call.op])
        if bucket is None:
            return do()
        self._wait(call, bucket)
        return self._observed(call, bucket, do)

    def around_each(self, call: Call, do: Callable[[], Iterator[Entry]]) -> Iterator[Entry]:
        """Wait for a token when the first entry is asked for."""
        bucket = self._buckets.get(_KINDS[call.op])
        return do() if bucket is None else self._each(call, bucket, do)

    def _each(self, call: Call, bucket: "Bucket", do: Callable[[], Iterator[Entry]]) -> Iterator[Entry]:
        self._wait(call, bucket)
        entries = _lazily(do)
        while (entry := self._observed(call, bucket, partial(next, entries, None))) is not None:
            yield entry

    def _wait(self, call: Call, bucket: "Bucket") -> None:
        pause = bucket.take(_budget(call, self._timeout))
        if pause is None:
            raise Throttled("more calls are waiting than the store's quota allows in time", op=call.op)
        if pause:
            self._sleep(pause)

    def _observed(self, call: Call, bucket: "Bucket", do: Callable[[], T]) -> T:
        try:
            return do()
        except Exception as exc:
            if issubclass(self.explain(exc, call.op).kind, Throttled):
                bucket.halve()
            raise


class Bucket:
    """Tokens that come back at *rate* a second on *clock*; it holds those of one second, at least one."""

    def __init__(self, rate: float, clock: Callable[[], float]) -> None:
        self._declared = self._rate = rate
        self._size = max(1.0, rate)
        self._tokens, self._clock = self._size, clock
        self._seen = clock()
        self._halved = self._seen - HALVING
        self._lock, self._process = threading.Lock(), os.getpid()

    def take(self, longest: float) -> float | None:
        """Take a token and return the seconds until it is there, or None and take none if those are over *longest*."""
        with self._own_lock():
            self._refill()
            pause = max(0.0, (1 - self._tokens) / self._rate)
            if pause > longest:
                return None
            self._tokens -= 1
            return pause

    def halve(self) -> None:
        """Give tokens at half the rate from now on, and none at once; the rate recovers slowly."""
        with self._own_lock():
            self._refill()
            self._tokens = min(self._tokens, 0.0)
            if self._seen - self._halved >= HALVING:
                self._rate = max(self._rate / 2, self._declared * SLOWEST)
                self._halved = self._seen

    def _own_lock(self) -> threading.Lock:
        if self._process != os.getpid():  # a fork copies a lock without the thread that would let go of it
            self._lock, self._process = threading.Lock(), os.getpid()
        return self._lock

    def _refill(self) -> None:
        passed = max(0.0, self._clock() - self._seen)
        self._seen += passed
        self._tokens = min(self._size, self._tokens + passed * self._rate)
        self._rate = min(self._declared, self._rate + passed * self._declared / RECOVERY)


def stack(driver: Driver, *, timeout: float = 15.0) -> Driver:
    """Put around *driver* the layers that its capabilities call for; *timeout* is the seconds that a read may take."""
    paced = Quota(driver, timeout=timeout) if driver.caps.per_s else driver
    return paced if driver.caps.retries else Retry(paced, timeout=timeout)


def _lazily(do: Callable[[], Iterator[Entry]]) -> Iterator[Entry]:
    """Put off *do* itself to the first entry, so that a driver which is no generator fails at the same place."""
    yield from do()


def _budget(call: Call, timeout: float) -> float:
    return timeout * (WRITE_BUDGET if call.writes else 1)


def _is_spent(exc: Exception) -> bool:
    return isinstance(exc, SecretsError) and not exc.retryable
