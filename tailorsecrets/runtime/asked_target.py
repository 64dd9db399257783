"""One target of reads: its queue, its threads, its outages, and the time since its last answer."""

import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from typing import Final

from tailorsecrets.runtime.answers import CacheKey, Deliver, Result
from tailorsecrets.runtime.breaker import Breaker
from tailorsecrets.runtime.threads import LIMIT
from tailorsecrets.targets.choice import Choice
from tailorsecrets.targets.routes import Routes

Run = Callable[[Callable[[], None]], None]
ALL: Final = sys.maxsize  # names


class AskedTarget:
    """One of the targets of *routes*, with its *name* in events. Its state belongs to the lock of the failover.

    *run* does work on the target's own threads.
    """

    def __init__(self, choice: Choice, name: str, routes: Routes, run: Run) -> None:
        self.choice, self.name, self.routes, self.run = choice, name, routes, run
        self.breaker = Breaker(routes.failover_after)
        self.watched = False  # some vault has another target too, so silence counts
        self.queue: deque[Call] = deque()
        self._under_way: set[Batch] = set()  # those that have not been given up
        self._given_up = 0  # batches that still hold a thread
        self._quiet_since = inf

    def enqueue(self, call: "Call", now: float) -> None:
        """Put *call* into the queue; a probe goes first."""
        if call.probe:
            self.queue.appendleft(call)
        else:
            self.queue.append(call)
        self._begin_to_wait(now)

    def take(self, most: int) -> "list[Call]":
        """Take from the queue the calls of one batch, at most *most*, without those that were answered elsewhere."""
        taken: list[Call] = []
        while self.queue and len(taken) < most and (not taken or self.queue[0].goes_with(taken[0])):
            call = self.queue.popleft()
            if call.probe or not call.want.done:
                taken.append(call)
            else:
                call.want.open -= 1
        return taken

    def take_like(self, call: "Call") -> "list[Call]":
        """Take from the queue all calls of the read that *call* belongs to."""
        group = call.want.group
        taken = [other for other in self.queue if other.want.group is group]
        self.queue = deque(other for other in self.queue if other.want.group is not group)
        return taken

    def begin(self, batch: "Batch") -> None:
        """Note that *batch* is running."""
        if not self._is_waiting:
            self._quiet_since = inf
        self._under_way.add(batch)
        self._begin_to_wait(batch.began)

    def end(self, batch: "Batch") -> None:
        """Note that *batch* has ended."""
        if batch in self._under_way:
            self._under_way.remove(batch)
        else:
            self._given_up -= 1

    def heard(self, now: float) -> None:
        """Note that a call was answered."""
        self._quiet_since = now

    @property
    def silent_at(self) -> float:
        """The time at which the target counts as silent, unless it answers before; inf where no call is running."""
        return self._quiet_since + self.routes.failover_after if self.watched and self._is_waiting else inf

    def skip(self) -> "list[Call]":
        """Return all calls that wait for this target, running ones too, and stop waiting for them.

        Those of a vault without another target stay.
        """
        queued = [call for call in self.queue if not call.want.stays]
        for call in queued:
            call.want.open -= 1
        self.queue = deque(call for call in self.queue if call.want.stays)
        under_way = [call for batch in self._under_way for call in batch.calls if not call.want.stays]
        self._given_up += len(self._under_way)
        self._under_way.clear()
        self._quiet_since = inf
        return [*under_way, *queued]

    @property
    def _is_waiting(self) -> bool:
        """Whether calls wait for an answer. Those that wait until the store is opened do not count."""
        return bool(self._under_way) or (self._given_up >= LIMIT and bool(self.queue))

    def _begin_to_wait(self, now: float) -> None:
        if self._is_waiting and self._quiet_since == inf:
            self._quiet_since = now


@dataclass(eq=False, slots=True)
class Want:
    """A key that somebody waits for, and the answers without a value so far."""

    key: CacheKey
    targets: tuple[AskedTarget, ...]  # in the order of reading
    group: object  # the same for all keys of one read
    began: float
    deliver: Deliver
    anyway: bool = False  # targets that are skipped are asked too
    patient: bool = True  # where no target is left, it waits for running calls
    next: int = 0  # the place of the target to ask next
    open: int = 0  # calls that are queued or running
    done: bool = False
    answers: dict[str, str] = field(default_factory=dict[str, str])  # by each target that gave no value
    last: Result | None = None  # of these, the last one

    @property
    def stays(self) -> bool:
        """Whether it waits for its target however long that is silent."""
        return len(self.targets) == 1 and self.patient


@dataclass(eq=False, slots=True)
class Call:
    """The question of a want to its target at *place* in the order of reading."""

    want: Want
    place: int
    probe: bool = False

    @property
    def target(self) -> AskedTarget:
        """The target that is asked."""
        return self.want.targets[self.place]

    def goes_with(self, other: "Call") -> bool:
        """Tell whether both can be one call of the store."""
        plain = self.want.key.versions == other.want.key.versions == 1
        return plain and self.want.group is other.want.group and not (self.probe or other.probe)


@dataclass(eq=False, slots=True)
class Batch:
    """Calls that are one call of the store."""

    calls: list[Call]
    began: float
