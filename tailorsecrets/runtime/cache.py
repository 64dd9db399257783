"""The run-time cache: values in memory, at most one call at a time for each name, old values while a store fails.

A hit is not in here: readers look into ``Cache.entries`` themselves, without a lock (see ``SecretManager.get``).
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import partial
from math import inf
from random import random
from typing import Any, Final
from weakref import WeakKeyDictionary

from tailorsecrets.errors import ConfigError, SecretsError, Unavailable
from tailorsecrets.runtime.answers import Answer, Begin, CacheKey, Result, is_outage
from tailorsecrets.runtime.clock import Clock, seconds
from tailorsecrets.runtime.events import CacheEvent, CacheInfo, EventKind, Hook
from tailorsecrets.runtime.forks import on_fork
from tailorsecrets.runtime.freshness import CacheEntry, after_failure, can_stand_in, decide, with_expiry
from tailorsecrets.runtime.last_answers import LastAnswers
from tailorsecrets.runtime.singleflight import Flight
from tailorsecrets.runtime.threads import HOOK_THREADS
from tailorsecrets.store.names import Place
from tailorsecrets.store.writes import on_write
from tailorsecrets.targets.cache_settings import CacheSettings, is_number

LONGEST_QUEUE: Final = 10_000  # events that wait for the hook; further ones are dropped


Key = tuple[str, str, int]  # equal to the CacheKey, and quicker to make


class Cache:
    """The values that *begin* reads, by the rules of ``freshness``; safe for many threads and event loops at once.

    *clock* and ``CacheSettings`` are in seconds. *run_hook* runs a call of ``on_event``, now or later, on any thread.
    *jitter* gives numbers from 0 to 1. ``entries`` is read without a lock: its values are replaced, never changed.
    """

    def __init__(
        self,
        begin: Begin,
        *,
        clock: Clock = seconds,
        run_hook: Callable[[Callable[[], None]], None] = HOOK_THREADS.run,
        jitter: Callable[[], float] = random,
    ) -> None:
        self.entries: dict[Key, CacheEntry] = {}
        self.clock = clock
        self.settings = CacheSettings()
        self.on_event: Hook | None = None
        self._begin, self._run_hook, self._jitter = begin, run_hook, jitter
        self._last_answers = LastAnswers()
        self._read = self._failed = self._stale = self._dropped = self._failovers = 0
        self.forked()
        on_fork(self)
        on_write(self)

    def forked(self) -> None:
        """Start over in a forked child, but keep the entries: the flights and locks are the parent's."""
        self._lock = threading.Lock()
        self._flights: dict[CacheKey, Flight] = {}
        self._in_the_air = WeakKeyDictionary[Flight, CacheKey]()  # also answered ones that may get a later answer
        self._queued = 0  # events that wait for the hook

    def read(
        self,
        keys: Sequence[CacheKey],
        max_age: float | None = None,
        *,
        no_timeout: bool = False,
        anyway: bool = False,
    ) -> list[Result]:
        """Return the entry or the error for each of *keys*, after a fetch where that is needed.

        No value is older than *max_age* seconds. *no_timeout*: wait until the store answers, not only ``timeout``.
        *anyway*: ask also stores that are skipped after an outage.
        """
        request = ReadRequest(self, keys, max_age, no_timeout=no_timeout, anyway=anyway)
        for flight in request:
            flight.wait(request.left())
        return request.answers()

    async def aread(
        self,
        keys: Sequence[CacheKey],
        max_age: float | None = None,
        *,
        no_timeout: bool = False,
        anyway: bool = False,
    ) -> list[Result]:
        """Do the same as read, on asyncio or trio."""
        request = ReadRequest(self, keys, max_age, no_timeout=no_timeout, anyway=anyway)
        for flight in request:
            await flight.await_result(request.left())
        return request.answers()

    def join(self, keys: Iterable[CacheKey], after: float, *, anyway: bool = False) -> dict[CacheKey, Result | Flight]:
        """Return for each of *keys* a value read later than *after*, an error, or the flight to wait for.

        All flights that this starts are one call of ``begin``.
        """
        now, new = self.clock(), dict[CacheKey, Flight]()
        with self._lock:
            answers = {key: self._find(key, now, after, new) for key in keys}
            self._flights |= new
            self._in_the_air.update((flight, key) for key, flight in new.items())
        if new:
            self._start(new, anyway=anyway)
        for key, answer in answers.items():
            if isinstance(answer, CacheEntry) and answer.stale:
                self._count_stale(key, answer, now)
        return answers

    def stale_or_error(self, key: CacheKey, error: BaseException, after: float) -> Result:
        """Return the last value in place of *error* where the rules allow that, else *error*."""
        entry, now = self.entries.get(key), self.clock()
        if not is_outage(error) or entry is None or entry.as_of <= after or not can_stand_in(entry, now, self.settings):
            return error
        self._count_stale(key, entry, now)
        return replace(entry, stale=True)

    def forget(self, vault: str | None = None, secret: str | None = None) -> None:
        """Drop the entries of *secret* in *vault*, of all of *vault*, or all; ignore the results of current flights."""
        with self._lock:
            for key in [key for key in self.entries if _is_of(key, vault, secret)]:
                del self.entries[key]
            self._last_answers.forget([key for key in self._last_answers if _is_of(key, vault, secret)])
            for flight, key in list(self._in_the_air.items()):
                if _is_of(key, vault, secret):
                    flight.void = True
                    self._flights.pop(key, None)

    def wrote(self, place: Place | None) -> None:
        """Forget *place*, which a Store of this process wrote; None: all."""
        self.forget(*place or ())

    def keys(self, vault: str | None = None, secret: str | None = None) -> list[CacheKey]:
        """Return the keys of the entries of *secret* in *vault*, of all of *vault*, or of all."""
        with self._lock:
            return [CacheKey(*key) for key in self.entries if _is_of(key, vault, secret)]

    def configure(self, settings: CacheSettings) -> None:
        """Follow *settings* from now on, also for the entries that are here."""
        with self._lock:
            self.settings = settings
            for key, entry in self.entries.items():
                self.entries[key] = with_expiry(entry, entry.as_of, settings, self._jitter())
            self._trim()

    def try_again(self, keys: Iterable[CacheKey]) -> None:
        """Let the next read of each of *keys* call the store, even during the pause after a failure."""
        with self._lock:
            for key in keys:
                if key in self.entries:
                    self.entries[key] = replace(self.entries[key], retry_at=-inf)

    def info(self) -> CacheInfo:
        """Return the size now and the counts so far."""
        with self._lock:
            return CacheInfo(
                names=len(self.entries),
                flights=len(self._flights),
                read=self._read,
                failed=self._failed,
                stale=self._stale,
                dropped=self._dropped,
                size=self.settings.size,
                failovers=self._failovers,
            )

    def _find(self, key: CacheKey, now: float, after: float, new: dict[CacheKey, Flight]) -> Result | Flight:
        """Return the answer of ``join`` for *key*, and put into *new* the flight that is to start."""
        entry, flight = self.entries.get(key), self._flights.get(key)
        overdue = flight is not None and flight.overdue
        decision = decide(entry, now, after, self.settings, overdue=overdue)
        if entry is not None and decision == "answer":
            return entry
        if flight is None and (entry is None or now >= entry.retry_at):
            flight = new[key] = Flight()
        if entry is not None and decision != "fetch":
            return replace(entry, stale=decision == "stale")
        return flight or (entry and entry.error) or Unavailable()

    def _count_stale(self, key: CacheKey, entry: CacheEntry, now: float) -> None:
        with self._lock:
            self._stale += 1
        self._emit(self._event("stale", key, store=entry.store, age=now - entry.as_of, version=entry.version))

    def _start(self, flights: Mapping[CacheKey, Flight], *, anyway: bool) -> None:
        def deliver(key: CacheKey, answer: Answer) -> None:
            self._land(key, flights[key], answer)

        try:
            self._begin(list(flights), deliver, anyway=anyway)
        except BaseException as exc:  # noqa: BLE001  # those who wait must get whatever ends a flight
            answer = Answer(exc.with_traceback(None), self.clock())
            for key, flight in flights.items():
                self._land(key, flight, answer)

    def _land(self, key: CacheKey, flight: Flight, answer: Answer) -> None:
        """Take *answer*, give it to those who wait, and emit its event."""
        now, result = self.clock(), answer.result
        with self._lock:
            late = flight.started < inf
            if late and (flight.void or answer.replica or self._last_answers.is_newer(key, answer.started)):
                return
            if not answer.goes_on:
                result = self._landed(key, flight, answer, now)
            self._read += isinstance(result, CacheEntry)
            self._failed += not isinstance(result, CacheEntry)
        if not (late or answer.goes_on):
            flight.finish(result)
        self._emit(self._result_event(key, result, now - answer.started))

    def _landed(self, key: CacheKey, flight: Flight, answer: Answer, now: float) -> Result:
        """Keep *answer*, unless *flight* is void; return what readers get of it."""
        flight.started = min(flight.started, answer.started)
        if self._flights.get(key) is flight:
            del self._flights[key]
        result = self._expiring(answer) if flight.void else self._kept(key, answer, now)
        self._failovers += answer.replica and isinstance(result, CacheEntry)
        return result

    def _kept(self, key: CacheKey, answer: Answer, now: float) -> Result:
        """Keep what *answer* tells, and return what readers get of it."""
        result, before = self._expiring(answer), self.entries.pop(key, None)
        if not answer.alone:
            if not answer.replica:
                self._last_answers.keep(key, result, answer.started, self.settings.size)
            elif isinstance(result, CacheEntry) and (
                last := self._last_answers.overruling(key, result, now, self.settings)
            ):
                before, result = last.disputed, last.error(key, result)
        if isinstance(result, CacheEntry):
            self.entries[key] = result
        elif is_outage(result):
            self.entries[key] = after_failure(before, result, now, self.settings, answer.retry_at)
        self._trim()
        return result

    def _expiring(self, answer: Answer) -> Result:
        """Return the result of *answer*, with the end of its freshness."""
        result = answer.result
        if not isinstance(result, CacheEntry):
            return result
        if answer.retry_at is not None:
            result = replace(result, trusted_until=answer.retry_at)
        return with_expiry(result, answer.started, self.settings, self._jitter())

    def _trim(self) -> None:
        while len(self.entries) > self.settings.size:
            del self.entries[next(iter(self.entries))]

    def _result_event(self, key: CacheKey, answer: Result, took: float) -> CacheEvent:
        if isinstance(answer, CacheEntry):
            kind: EventKind = "missing" if answer.missing else "read"
            return self._event(kind, key, store=answer.store, seconds=took, version=answer.version)
        store, code = (answer.store, answer.code) if isinstance(answer, SecretsError) else ("", type(answer).__name__)
        return self._event("failed", key, store=store, seconds=took, error=code)

    def _event(self, kind: EventKind, key: CacheKey, **more: Any) -> CacheEvent:
        return CacheEvent(kind=kind, vault=key.vault, secret=key.secret, **more)

    def _emit(self, event: CacheEvent) -> None:
        """Queue *event* for the hook: a hook may be slow, and this may be the thread of an event loop."""
        hook = self.on_event
        if hook is None:
            return
        with self._lock:
            room = self._queued < LONGEST_QUEUE
            self._queued += room
            self._dropped += not room
        if room:
            self._run_hook(partial(self._call, hook, event))

    def _call(self, hook: Hook, event: CacheEvent) -> None:
        try:
            hook(event)
        except Exception:  # an application's hook may raise anything
            import logging  # only now: it is a twentieth of a short command

            logging.getLogger(__name__).exception("on_event failed")
        finally:
            with self._lock:
                self._queued -= 1


class ReadRequest:
    """The read of one reader: iterating yields the flights to wait for, one after the other, until all is answered."""

    def __init__(
        self,
        cache: Cache,
        keys: Sequence[CacheKey],
        max_age: float | None,
        *,
        no_timeout: bool,
        anyway: bool = False,
    ) -> None:
        if not (max_age is None or max_age == inf or is_number(max_age)):
            raise ConfigError("max_age must be a number of seconds, 0 or more")
        self._cache, self._keys, self._anyway = cache, keys, anyway
        self._after = -inf if max_age is None else cache.clock() - max_age
        self._end = inf if no_timeout else time.monotonic() + cache.settings.timeout
        self._answers: dict[CacheKey, Result] = {}

    def __iter__(self) -> Iterator[Flight]:
        while flights := self._join():
            yield from flights.values()
            for key, flight in flights.items():
                self._leave(key, flight)

    def left(self) -> float | None:
        """Return the seconds that the reader still waits; None: without limit."""
        return None if self._end == inf else max(0.0, self._end - time.monotonic())

    def answers(self) -> list[Result]:
        """Return the answers in the order asked."""
        return [self._answers[key] for key in self._keys]

    def _join(self) -> dict[CacheKey, Flight]:
        """Take the answers that are there; return the flights that the rest waits for."""
        wanted = [key for key in self._keys if key not in self._answers]
        found = self._cache.join(wanted, self._after, anyway=self._anyway)
        flights = {key: flight for key, flight in found.items() if isinstance(flight, Flight)}
        for key, answer in found.items():
            if not isinstance(answer, Flight):
                self._take(key, answer)
        return flights

    def _leave(self, key: CacheKey, flight: Flight) -> None:
        """Take the answer of *flight*. If it started too early for this reader, ask again."""
        if flight.answer is not None and flight.started >= self._after:
            self._take(key, flight.answer)
        elif self.left() == 0:
            flight.overdue = True
            message = f"secret {key.vault}/{key.secret}: no answer within {self._cache.settings.timeout:g} seconds"
            self._take(key, Unavailable(message, op="get", vault=key.vault, secret=key.secret))

    def _take(self, key: CacheKey, answer: Result) -> None:
        self._answers[key] = (
            answer if isinstance(answer, CacheEntry) else self._cache.stale_or_error(key, answer, self._after)
        )


def entry_or_raise(answer: Result) -> CacheEntry:
    """Return *answer*, or raise it. Each reader gets its own copy of an error, because raising changes an error."""
    if isinstance(answer, CacheEntry):
        return answer
    raise copy(answer) if isinstance(answer, SecretsError) else answer


def _is_of(key: Key, vault: str | None, secret: str | None) -> bool:
    return vault in {key[0], None} and secret in {key[1], None}
