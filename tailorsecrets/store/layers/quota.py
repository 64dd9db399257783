"""A rate within the store's quota, and a lower one for a while after the store throttled a call.

Clock and sleep are arguments, in seconds, so tests do not wait.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final, TypeVar

from tailorsecrets.driver import Driver, Entry
from tailorsecrets.errors import Throttled
from tailorsecrets.kit.per_process import PerProcess
from tailorsecrets.kit.throttling import on_throttled
from tailorsecrets.store.layers.layer import Call, Layer, lazily

T = TypeVar("T")

SLOWEST: Final = 1 / 16  # of the declared rate: no further down, so that one bad minute does not stop all work
RECOVERY: Final = 60.0  # seconds from nothing back to the declared rate
HALVING: Final = 1.0  # seconds in which many refusals count as one: they answer calls sent at the same rate


class Quota(Layer):
    """Send no more calls than ``caps.per_s`` allows, and fewer for a while after the store has throttled one.

    Each kind of call has a bucket that holds the calls of one second, so that in any *w* seconds at most
    ``rate * (w + 1)`` are sent. A listing counts as one call: its pages are not seen here. A call that would wait
    over *timeout* seconds (four times that for a write) is not sent and raises Throttled. The layer notices a refusal
    when the inner driver raises it, and when the inner driver calls ``driver.throttled`` because its SDK tries again.
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
        bucket = self._buckets.get(call.kind)
        if bucket is None:
            return do()
        self._wait(call, bucket)
        return self._observed(call, bucket, do)

    def around_each(self, call: Call, do: Callable[[], Iterator[Entry]]) -> Iterator[Entry]:
        """Wait for a token when the first entry is asked for."""
        bucket = self._buckets.get(call.kind)
        return do() if bucket is None else self._each(call, bucket, do)

    def _each(self, call: Call, bucket: "Bucket", do: Callable[[], Iterator[Entry]]) -> Iterator[Entry]:
        self._wait(call, bucket)
        entries = lazily(do)
        while (entry := self._observed(call, bucket, partial(next, entries, None))) is not None:
            yield entry

    def _wait(self, call: Call, bucket: "Bucket") -> None:
        pause = bucket.take(call.budget(self._timeout))
        if pause is None:
            raise Throttled("too many calls are waiting for the store's quota", op=call.op)
        if pause:
            self._sleep(pause)

    def _observed(self, call: Call, bucket: "Bucket", do: Callable[[], T]) -> T:
        try:
            with on_throttled(bucket.halve):
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
        self._locks = PerProcess(threading.Lock)

    def take(self, longest: float) -> float | None:
        """Take a token and return the seconds until it is there, or None and take none if those are over *longest*."""
        with self._locks.get():
            self._refill()
            pause = max(0.0, (1 - self._tokens) / self._rate)
            if pause > longest:
                return None
            self._tokens -= 1
            return pause

    def halve(self) -> None:
        """Give tokens at half the rate from now on, and none at once; the rate recovers slowly."""
        with self._locks.get():
            self._refill()
            self._tokens = min(self._tokens, 0.0)
            if self._seen - self._halved >= HALVING:
                self._rate = max(self._rate / 2, self._declared * SLOWEST)
                self._halved = self._seen

    def _refill(self) -> None:
        passed = max(0.0, self._clock() - self._seen)
        self._seen += passed
        self._tokens = min(self._size, self._tokens + passed * self._rate)
        self._rate = min(self._declared, self._rate + passed * self._declared / RECOVERY)
