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
from typing import Any, Final, NamedTuple, TypeGuard

from tailorsecrets.errors import ConfigError, SecretsError, Throttled, Unavailable
from tailorsecrets.runtime.clock import Clock, seconds
from tailorsecrets.runtime.events import CacheEvent, CacheInfo, EventKind, Hook
from tailorsecrets.runtime.forks import on_fork
from tailorsecrets.runtime.freshness import CacheEntry, after_failure, can_stand_in, decide, with_expiry
from tailorsecrets.runtime.singleflight import Flight
from tailorsecrets.runtime.threads import FETCH_THREADS, HOOK_THREADS
from tailorsecrets.store.names import Place
from tailorsecrets.store.writes import on_write
from tailorsecrets.targets.cache_settings import CacheSettings, is_number

LONGEST_QUEUE: Final = 10_000  # events that wait for the hook; further ones are dropped


class CacheKey(NamedTuple):
    """The key of an entry: a secret, and how many of its newest versions the entry has."""

    vault: str
    secret: str
    versions: int = 1


Key = tuple[str, str, int]  # equal to the CacheKey, and quicker to make
Result = CacheEntry | BaseException
Fetch = Callable[[Sequence[CacheKey]], Mapping[CacheKey, CacheEntry | SecretsError]]  # an answer for each; may raise


class Cache:
    """The values that *fetch* reads, by the rules of ``freshness``; safe for many threads and event loops at once.

    *clock* and ``CacheSettings`` are in seconds. *run* runs a fetch and *run_hook* a call of ``on_event``, now or
    later, on any thread. *jitter* gives numbers from 0 to 1. ``entries`` is read without a lock: its values are
    replaced, never changed.
    """

    def __init__(
        self,
        fetch: Fetch,
        *,
        clock: Clock = seconds,
        run: Callable[[Callable[[], None]], None] = FETCH_THREADS.run,
        run_hook: Callable[[Callable[[], None]], None] = HOOK_THREADS.run,
        jitter: Callable[[], float] = random,
    ) -> None:
        self.entries: dict[Key, CacheEntry] = {}
        self.clock = clock
        self.settings = CacheSettings()
        self.on_event: Hook | None = None
        self._fetch, self._run, self._run_hook, self._jitter = fetch, run, run_hook, jitter
        self._read = self._failed = self._stale = self._dropped = 0
        self.forked()
        on_fork(self)
        on_write(self)

    def forked(self) -> None:
        """Start over in a forked child, but keep the entries: the flights and locks are the parent's."""
        self._lock = threading.Lock()
        self._flights: dict[CacheKey, Flight] = {}
        self._queued = 0  # events that wait for the hook

    def read(self, keys: Sequence[CacheKey], max_age: float | None = None, *, no_timeout: bool = False) -> list[Result]:
        """Return the entry or the error for each of *keys*, after a fetch where that is needed.

        No value is older than *max_age* seconds. *no_timeout*: wait until the store answers, not only ``timeout``.
        """
        request = ReadRequest(self, keys, max_age, no_timeout=no_timeout)
        for flight in request:
            flight.wait(request.left())
        return request.answers()

    async def aread(
        self, keys: Sequence[CacheKey], max_age: float | None = None, *, no_timeout: bool = False
    ) -> list[Result]:
        """Do the same as read, on asyncio or trio."""
        request = ReadRequest(self, keys, max_age, no_timeout=no_timeout)
        for flight in request:
            await flight.await_result(request.left())
        return request.answers()

    def join(self, keys: Iterable[CacheKey], after: float) -> dict[CacheKey, Result | Flight]:
        """Return for each of *keys* a value read later than *after*, an error, or the flight to wait for.

        All flights that this starts are one call of fetch.
        """
        now, new = self.clock(), dict[CacheKey, Flight]()
        with self._lock:
            answers = {key: self._find(key, now, after, new) for key in keys}
            self._flights |= new
        if new:
            self._run(partial(self._fly, new))
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
            for key in [key for key in self._flights if _is_of(key, vault, secret)]:
                del self._flights[key]

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

    def _fly(self, flights: Mapping[CacheKey, Flight]) -> None:
        started = self.clock()
        for flight in flights.values():
            flight.started = started
        answers = self._fetched(list(flights))
        events = [self._finish(key, flight, answers[key]) for key, flight in flights.items()]
        for event in events:
            self._emit(event)

    def _fetched(self, keys: Sequence[CacheKey]) -> Mapping[CacheKey, Result]:
        try:
            answers = self._fetch(keys)
            return {key: answers[key] for key in keys}
        except BaseException as exc:  # noqa: BLE001  # those who wait must get whatever ends a flight
            return dict.fromkeys(keys, exc.with_traceback(None))

    def _finish(self, key: CacheKey, flight: Flight, answer: Result) -> CacheEvent:
        now = self.clock()
        if isinstance(answer, CacheEntry):
            answer = with_expiry(answer, flight.started, self.settings, self._jitter())
        with self._lock:
            if self._flights.get(key) is flight:  # else the secret was written or forgotten since the flight started
                del self._flights[key]
                self._keep(key, answer, now)
            self._read += isinstance(answer, CacheEntry)
            self._failed += not isinstance(answer, CacheEntry)
        flight.finish(answer)
        return self._result_event(key, answer, now - flight.started)

    def _keep(self, key: CacheKey, answer: Result, now: float) -> None:
        before = self.entries.pop(key, None)
        if isinstance(answer, CacheEntry):
            self.entries[key] = answer
        elif is_outage(answer):
            self.entries[key] = after_failure(before, answer, now, self.settings)
        self._trim()

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

    def __init__(self, cache: Cache, keys: Sequence[CacheKey], max_age: float | None, *, no_timeout: bool) -> None:
        if not (max_age is None or max_age == inf or is_number(max_age)):
            raise ConfigError("max_age must be a number of seconds, 0 or more")
        self._cache, self._keys = cache, keys
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
        found = self._cache.join([key for key in self._keys if key not in self._answers], self._after)
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


def is_outage(error: BaseException) -> TypeGuard[Unavailable | Throttled]:
    """Tell whether *error* says nothing about the secret, only that the store does not answer now."""
    return isinstance(error, Unavailable | Throttled)


def _is_of(key: Key, vault: str | None, secret: str | None) -> bool:
    return vault in {key[0], None} and secret in {key[1], None}
