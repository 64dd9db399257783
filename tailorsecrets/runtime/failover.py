"""Reading with failover: a read asks the targets of its vault in order, and no thread waits for another.

Each target has its own threads and its own queue. While a target is silent, all that waits for it goes to the next one.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import inf

from tailorsecrets.errors import SecretsError, Unavailable
from tailorsecrets.runtime.answers import Answer, CacheKey, Deliver, Result, is_outage
from tailorsecrets.runtime.asked_target import ALL, AskedTarget, Batch, Call, Run, Want
from tailorsecrets.runtime.clock import Clock, seconds
from tailorsecrets.runtime.connection import Connection
from tailorsecrets.runtime.fetch import fetch
from tailorsecrets.runtime.forks import on_fork
from tailorsecrets.runtime.freshness import CacheEntry
from tailorsecrets.runtime.singleflight import Flight
from tailorsecrets.runtime.threads import DaemonThreads
from tailorsecrets.store.failures import STORE_ERRORS, untried
from tailorsecrets.store.names import Place
from tailorsecrets.store.store import Store, workspace_of
from tailorsecrets.targets.choice import Choice, identity
from tailorsecrets.targets.routes import Route, Routes

Ring = Callable[[], float | None]  # what a timer calls; it returns the seconds until the next time, None for the end


def own_threads() -> Run:
    """Return a function that does work on eight new threads."""
    return DaemonThreads().run


def ring_in_thread(ring: Ring) -> None:
    """Call *ring* in a separate thread until it returns None."""

    def run() -> None:
        while (pause := ring()) is not None:
            time.sleep(pause)

    threading.Thread(target=run, name="tailorsecrets-timer", daemon=True).start()


@dataclass(slots=True)
class _Todo:
    """What is done when the lock is free again."""

    answers: list[tuple[Want, Answer]] = field(default_factory=list[tuple[Want, Answer]])
    targets: dict[AskedTarget, None] = field(default_factory=dict[AskedTarget, None])  # that have something to do
    timer: bool = False  # it starts


class Failover:
    """The targets of *connection* as one source of answers; safe for many threads.

    *clock* is in seconds. *threads* gives each target a function that does work on separate threads. *timer* calls the
    function that it gets, at once and then at the times that this returns.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        clock: Clock = seconds,
        threads: Callable[[], Run] = own_threads,
        timer: Callable[[Ring], None] = ring_in_thread,
    ) -> None:
        self._connection, self._clock, self._threads, self._timer = connection, clock, threads, timer
        self.forked()
        on_fork(self)

    def forked(self) -> None:
        """Start over in a forked child, which has none of the parent's threads and calls."""
        self._lock = threading.Lock()
        self._routes: Routes | None = None
        self._routed: dict[str | Place, tuple[AskedTarget, ...]] = {}
        self._targets: dict[object, AskedTarget] = {}
        self._timed = False  # the timer runs

    def begin(self, keys: Sequence[CacheKey], deliver: Deliver, *, anyway: bool = False) -> None:
        """Start to read *keys*; see ``Begin``."""
        group, now = object(), self._clock()
        self._start([Want(key, self._targets_of(key), group, now, deliver, anyway) for key in keys])

    def warm(self, keys: Iterable[CacheKey]) -> list[Flight]:
        """Open the targets after the first, and sign in there: read one of *keys* from each.

        Return what to wait for: a flight for each, which ends when the target has answered or is silent.
        """
        found = {target: key for key in keys for target in self._targets_of(key)[1:]}
        flights = {target: Flight() for target in found}
        for target, flight in flights.items():

            def deliver(_: CacheKey, answer: Answer, flight: Flight = flight) -> None:
                flight.finish(answer.result)

            key, now = found[target], self._clock()
            self._start([Want(key, (target,), key, now, deliver, anyway=True, patient=False)])
        return list(flights.values())

    # What happens under the lock

    def _ask_next(self, want: Want, todo: _Todo) -> None:
        """Ask the next target that is not skipped; one whose pause is over is probed in the background."""
        now = self._clock()
        while want.next < len(want.targets):
            call = Call(want, want.next)
            decision = "ask" if want.anyway or want.stays else call.target.breaker.decide(now)
            want.next += 1
            if decision == "skip":
                want.answers[call.target.name] = "skipped after an outage"
                continue
            call.probe = decision == "probe"
            want.open += 1
            call.target.enqueue(call, now)
            todo.targets[call.target] = None
            self._watch(call.target, todo)
            if decision == "ask":
                return
        self._end_if_nobody_is_left(want, todo)

    def _end_if_nobody_is_left(self, want: Want, todo: _Todo) -> None:
        if want.done or want.next < len(want.targets) or (want.open and want.patient):
            return
        want.done = True
        attempts = [target.breaker.next_attempt() for target in want.targets if target.breaker.is_open]
        retry_at = min(attempts, default=None) if len(want.targets) > 1 else None
        todo.answers.append((want, self._answer(want, _error(want), want.began, retry_at=retry_at)))

    def _settle(self, call: Call, result: Result, began: float, todo: _Todo) -> None:
        """Take the *result* of *call*: an answer for the want, or a reason to try the next target."""
        want, first = call.want, call.place == 0
        want.open -= 1
        is_answer = not is_outage(result) if first else isinstance(result, CacheEntry) and not result.missing
        if want.done:
            if first and len(want.targets) > 1:  # late, and still what counts
                todo.answers.append((want, self._answer(want, result, began, goes_on=not is_answer)))
            return
        if is_answer:
            want.done = True
            retry_at = None if first else max(self._clock(), want.targets[0].breaker.next_attempt())
            todo.answers.append((want, self._answer(want, result, began, replica=not first, retry_at=retry_at)))
            return
        want.answers[call.target.name], want.last, want.began = _in_words(result), result, began
        self._go_on(call, todo)
        if not want.done:
            todo.answers.append((want, self._answer(want, result, began, replica=not first, goes_on=True)))

    def _go_on(self, call: Call, todo: _Todo) -> None:
        """Let the want of *call* go to its next target, unless it has gone there already."""
        if call.want.next == call.place + 1:
            self._ask_next(call.want, todo)
        else:
            self._end_if_nobody_is_left(call.want, todo)

    def _end(self, target: AskedTarget, batch: Batch, results: Mapping[CacheKey, Result], todo: _Todo) -> None:
        now = self._clock()
        target.end(batch)
        outages = [result for result in results.values() if is_outage(result)]
        if len(outages) < len(results):
            target.heard(now)
        if not outages:
            target.breaker.answered(now, batch.began)
        is_skipped = bool(outages) and target.breaker.failed(now, batch.began)
        for call in batch.calls:
            self._settle(call, results[call.want.key], batch.began, todo)
        if is_skipped:
            self._skip(target, _in_words(outages[0]), todo)
        failure = next((r for r in results.values() if isinstance(r, STORE_ERRORS) and not r.retryable), None)
        if failure is not None:
            for call in target.take_like(batch.calls[0]):
                self._settle(call, untried(Place(call.want.key.vault, call.want.key.secret), failure), now, todo)

    def _skip(self, target: AskedTarget, reason: str, todo: _Todo) -> None:
        """Let all that waits for *target* go to the next one."""
        for call in target.skip() if target.watched else ():
            if not call.want.done:
                call.want.answers.setdefault(target.name, reason)
                self._go_on(call, todo)

    def _watch(self, target: AskedTarget, todo: _Todo) -> None:
        if not self._timed and target.silent_at < inf:
            self._timed = todo.timer = True

    def _answer(
        self,
        want: Want,
        result: Result,
        began: float,
        *,
        replica: bool = False,
        retry_at: float | None = None,
        goes_on: bool = False,
    ) -> Answer:
        return Answer(result, began, replica, len(want.targets) == 1, retry_at, goes_on)

    # What happens without it

    def _start(self, wants: Sequence[Want]) -> None:
        todo = _Todo()
        with self._lock:
            for want in wants:
                self._ask_next(want, todo)
        self._do(todo)

    def _do(self, todo: _Todo) -> None:
        for want, answer in todo.answers:
            want.deliver(want.key, answer)
        for target in todo.targets:
            target.run(partial(self._work, target))
        if todo.timer:
            self._timer(self._ring)

    def _work(self, target: AskedTarget) -> None:
        """Take a batch from the queue of *target*, call the store, and pass on its answers."""
        store, problem = self._opened(target)
        if store is None and problem is None:
            self._start_again(target)
            return
        todo = _Todo()
        with self._lock:
            batch = Batch(target.take(_most(store)), self._clock())
            if not batch.calls:
                return
            target.begin(batch)
            self._watch(target, todo)
            if target.queue:
                todo.targets[target] = None
        self._do(todo)
        keys, todo = [call.want.key for call in batch.calls], _Todo()
        results = _fetched(store, keys, target.name) if store else dict.fromkeys(keys, problem or Unavailable())
        with self._lock:
            self._end(target, batch, results, todo)
        self._do(todo)

    def _opened(self, target: AskedTarget) -> tuple[Store | None, BaseException | None]:
        """Return the store of *target*, or why it cannot be opened; neither where other targets are chosen by now."""
        try:
            return self._connection.store(target.choice, target.routes), None
        except BaseException as exc:  # noqa: BLE001  # those who wait must get whatever ends a call
            return None, exc.with_traceback(None)

    def _start_again(self, target: AskedTarget) -> None:
        """Move what waits for *target*, which is no longer chosen, to the targets that are chosen now."""
        with self._lock:
            wants = [call.want for call in target.take(ALL)]
        for want in wants:
            self.begin([want.key], want.deliver, anyway=want.anyway)

    def _ring(self) -> float | None:
        """Leave out the targets that are silent; return the seconds until another one may be, None for never."""
        todo = _Todo()
        with self._lock:
            now = self._clock()
            for target in self._targets.values():
                if now >= target.silent_at:
                    target.breaker.failed(now)
                    self._skip(target, f"no answer within {target.routes.failover_after:g} seconds", todo)
            next_time = min((target.silent_at for target in self._targets.values()), default=inf)
            self._timed = next_time < inf
        self._do(todo)
        return max(0.0, next_time - now) if next_time < inf else None

    # Which targets

    def _targets_of(self, key: CacheKey) -> tuple[AskedTarget, ...]:
        """Return the targets that reads of *key* ask, in that order."""
        routes, place = self._connection.routes()[0], Place(key.vault, key.secret)
        where = place if place in routes.external else key.vault
        with self._lock:
            if routes is not self._routes:
                self._routes, self._routed, self._targets = routes, {}, {}
            found = self._routed.get(where)
            if found is None:
                found = self._routed[where] = self._asked(routes.asked(place), routes)
            return found

    def _asked(self, route: Route, routes: Routes) -> tuple[AskedTarget, ...]:
        found = tuple(self._asked_target(choice, routes) for choice in route)
        for target in found:
            target.watched |= len(found) > 1
        return found

    def _asked_target(self, choice: Choice, routes: Routes) -> AskedTarget:
        if not routes.has_several:
            return self._targets.setdefault(choice, AskedTarget(choice, "", routes, self._threads()))
        twins = [other for other in routes.targets if other.url == choice.url and other.workspace != choice.workspace]
        name = choice.full_url if twins else choice.url
        return self._targets.setdefault(identity(choice), AskedTarget(choice, name, routes, self._threads()))


def _most(store: Store | None) -> int:
    """Return how many names one batch has; without a store all get the same error."""
    return workspace_of(store).at_once if store else ALL


def _fetched(store: Store, keys: Sequence[CacheKey], name: str) -> Mapping[CacheKey, Result]:
    try:
        return fetch(store, keys, name)
    except BaseException as exc:  # noqa: BLE001  # those who wait must get whatever ends a call
        return dict.fromkeys(keys, exc.with_traceback(None))


def _error(want: Want) -> BaseException:
    """Return the error of a read to which no target gave a value."""
    if len(want.targets) == 1 and isinstance(want.last, BaseException):
        return want.last
    key, listed = want.key, "; ".join(f"{name}: {answer}" for name, answer in want.answers.items())
    last = next(reversed(want.answers), "")
    hint = want.last.hint if isinstance(want.last, SecretsError) else ""
    message = f"secret {key.vault}/{key.secret}: no store returned a value: {listed}"
    return Unavailable(message, op="get", store=last, vault=key.vault, secret=key.secret, hint=hint, retryable=False)


def _in_words(result: Result) -> str:
    """Return in words the answer of a target that gave no value."""
    if isinstance(result, SecretsError):
        return result.meaning
    return "the secret does not exist" if isinstance(result, CacheEntry) else type(result).__name__
