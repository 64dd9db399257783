"""The run-time cache: values in memory, at most one call under way for each name, old values while a store fails.

A hit is not in here: whoever reads looks into ``Cache.held`` itself, without a lock (see ``SecretManager.get``).
"""

import logging
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
from tailorsecrets.runtime.freshness import Held, failed, found, lasts, verdict
from tailorsecrets.runtime.singleflight import BRIDGE, HOOKS, Flight
from tailorsecrets.store.names import Place
from tailorsecrets.store.writes import on_write
from tailorsecrets.targets.cache_settings import CacheSettings, is_number

_log: Final = logging.getLogger(__name__)

LONGEST_QUEUE: Final = 10_000  # of events; one that comes when so many wait for the hook is dropped


class Want(NamedTuple):
    """A name to read, with so many of its newest versions."""

    vault: str
    secret: str
    versions: int = 1


Key = tuple[str, str, int]  # equal to the Want, and quicker to make
Result = Held | BaseException
Fetch = Callable[[Sequence[Want]], Mapping[Want, Held | SecretsError]]  # an answer for each; may raise


class Cache:
    """The values that *fetch* brings, by the rules of ``aging``; safe for many threads and event loops at once.

    *clock* and ``CacheSettings`` are in seconds; *run* does the work that it is given, now or later, on any thread, and
    *tell* does the same for calls of ``on_event``; *jitter* gives numbers from 0 to 1. ``held`` is read without a lock:
    its values are replaced, never changed.
    """

    def __init__(
        self,
        fetch: Fetch,
        *,
        clock: Clock = seconds,
        run: Callable[[Callable[[], None]], None] = BRIDGE.run,
        tell: Callable[[Callable[[], None]], None] = HOOKS.run,
        jitter: Callable[[], float] = random,
    ) -> None:
        self.held: dict[Key, Held] = {}
        self.clock = clock
        self.settings = CacheSettings()
        self.on_event: Hook | None = None
        self._fetch, self._run, self._later, self._jitter = fetch, run, tell, jitter
        self._read = self._failed = self._stale = self._dropped = 0
        self.forked()
        on_fork(self)
        on_write(self)

    def forked(self) -> None:
        """Begin anew in a forked child, but for what is held: the flights and locks are the parent's."""
        self._lock = threading.Lock()
        self._flights: dict[Want, Flight] = {}
        self._queued = 0  # events that wait for the hook

    def read(self, wants: Sequence[Want], max_age: float | None = None, *, patient: bool = False) -> list[Result]:
        """Return for each of *wants* what is held, or what a flight brings: a value or an error.

        No value is older than *max_age* seconds. *patient*: wait for as long as the store takes, not ``timeout``.
        """
        request = ReadRequest(self, wants, max_age, patient=patient)
        for flight in request:
            flight.wait(request.left())
        return request.answers()

    async def aread(
        self, wants: Sequence[Want], max_age: float | None = None, *, patient: bool = False
    ) -> list[Result]:
        """Do as read, on asyncio or trio."""
        request = ReadRequest(self, wants, max_age, patient=patient)
        for flight in request:
            await flight.await_result(request.left())
        return request.answers()

    def join(self, wants: Iterable[Want], after: float) -> dict[Want, Result | Flight]:
        """Return for each of *wants* a value read later than *after*, an error, or the flight that will tell.

        All flights that must begin for this are one call of fetch.
        """
        now, new = self.clock(), dict[Want, Flight]()
        with self._lock:
            answers = {want: self._find(want, now, after, new) for want in wants}
            self._flights |= new
        if new:
            self._run(partial(self._fly, new))
        return answers

    def stale_or_error(self, want: Want, error: BaseException, after: float) -> Result:
        """Return what a reader gets where *error* came in place of a value: the last value, if that may be."""
        held, now = self.held.get(want), self.clock()
        if not is_passing(error) or held is None or held.as_of <= after or not lasts(held, now, self.settings):
            return error
        with self._lock:
            self._stale += 1
        self._emit(self._event("stale", want, store=held.store, age=now - held.as_of, version=held.version))
        return replace(held, stale=True)

    def forget(self, vault: str | None = None, secret: str | None = None) -> None:
        """Drop what is held of *secret* in *vault*, of all of *vault*, or of all; flights under way do not land."""
        with self._lock:
            for key in [key for key in self.held if _is_of(key, vault, secret)]:
                del self.held[key]
            for want in [want for want in self._flights if _is_of(want, vault, secret)]:
                del self._flights[want]

    def wrote(self, place: Place | None) -> None:
        """Forget what a Store of this process wrote: *place*, or with None anything."""
        self.forget(*place or ())

    def wants(self, vault: str | None = None, secret: str | None = None) -> list[Want]:
        """Return what is held of *secret* in *vault*, of all of *vault*, or of all."""
        with self._lock:
            return [Want(*key) for key in self.held if _is_of(key, vault, secret)]

    def configure(self, settings: CacheSettings) -> None:
        """Follow *settings* from now on, also for what is held."""
        with self._lock:
            self.settings = settings
            for want, held in self.held.items():
                self.held[want] = found(held, held.as_of, settings, self._jitter())
            self._trim()

    def try_again(self, wants: Iterable[Want]) -> None:
        """Let the next read of each of *wants* call the store, however often it has failed before."""
        with self._lock:
            for want in wants:
                if want in self.held:
                    self.held[want] = replace(self.held[want], retry_at=-inf)

    def info(self) -> CacheInfo:
        """Return what is held now and what was done so far."""
        with self._lock:
            return CacheInfo(
                names=len(self.held),
                flights=len(self._flights),
                read=self._read,
                failed=self._failed,
                stale=self._stale,
                dropped=self._dropped,
                size=self.settings.size,
            )

    def _find(self, want: Want, now: float, after: float, new: dict[Want, Flight]) -> Result | Flight:
        """Return what ``join`` does for one name, and put into *new* the flight that is to begin."""
        held, flight = self.held.get(want), self._flights.get(want)
        said = verdict(held, now, after, self.settings)
        if held is not None and said == "answer":
            return held
        if flight is None and (held is None or now >= held.retry_at):
            flight = new[want] = Flight()
        if held is not None and said == "refresh":
            return held
        return flight or (held and held.error) or Unavailable()

    def _fly(self, flights: Mapping[Want, Flight]) -> None:
        started = self.clock()
        for flight in flights.values():
            flight.started = started
        answers = self._fetched(list(flights))
        events = [self._finish(want, flight, answers[want]) for want, flight in flights.items()]
        for event in events:
            self._emit(event)

    def _fetched(self, wants: Sequence[Want]) -> Mapping[Want, Result]:
        try:
            answers = self._fetch(wants)
            return {want: answers[want] for want in wants}
        except BaseException as exc:  # noqa: BLE001  # whatever ends a flight, those who wait must hear of it
            return dict.fromkeys(wants, exc.with_traceback(None))

    def _finish(self, want: Want, flight: Flight, answer: Result) -> CacheEvent:
        now = self.clock()
        if isinstance(answer, Held):
            answer = found(answer, flight.started, self.settings, self._jitter())
        with self._lock:
            if self._flights.get(want) is flight:  # else the name was written or forgotten since the take-off
                del self._flights[want]
                self._keep(want, answer, now)
            self._read += isinstance(answer, Held)
            self._failed += not isinstance(answer, Held)
        flight.finish(answer)
        return self._result_event(want, answer, now - flight.started)

    def _keep(self, want: Want, answer: Result, now: float) -> None:
        before = self.held.pop(want, None)
        if isinstance(answer, Held):
            self.held[want] = answer
        elif is_passing(answer):
            self.held[want] = failed(before, answer, now, self.settings)
        self._trim()

    def _trim(self) -> None:
        while len(self.held) > self.settings.size:
            del self.held[next(iter(self.held))]

    def _result_event(self, want: Want, answer: Result, took: float) -> CacheEvent:
        if isinstance(answer, Held):
            kind: EventKind = "missing" if answer.missing else "read"
            return self._event(kind, want, store=answer.store, seconds=took, version=answer.version)
        store, code = (answer.store, answer.code) if isinstance(answer, SecretsError) else ("", type(answer).__name__)
        return self._event("failed", want, store=store, seconds=took, error=code)

    def _event(self, kind: EventKind, want: Want, **more: Any) -> CacheEvent:
        return CacheEvent(kind=kind, vault=want.vault, secret=want.secret, **more)

    def _emit(self, event: CacheEvent) -> None:
        """Have the hook called with *event*, not now: it may be slow, and this may be the thread of an event loop."""
        hook = self.on_event
        if hook is None:
            return
        with self._lock:
            room = self._queued < LONGEST_QUEUE
            self._queued += room
            self._dropped += not room
        if room:
            self._later(partial(self._call, hook, event))

    def _call(self, hook: Hook, event: CacheEvent) -> None:
        try:
            hook(event)
        except Exception:  # noqa: BLE001  # what an application's hook raises is nobody else's
            _log.exception("on_event failed")
        finally:
            with self._lock:
                self._queued -= 1


class ReadRequest:
    """One reader's question: iterating yields the flights to wait for, one after the other, until all is answered."""

    def __init__(self, cache: Cache, wants: Sequence[Want], max_age: float | None, *, patient: bool) -> None:
        if not (max_age is None or max_age == inf or is_number(max_age)):
            raise ConfigError("max_age is a number of seconds, 0 or more")
        self._cache, self._wants = cache, wants
        self._after = -inf if max_age is None else cache.clock() - max_age
        self._end = inf if patient else time.monotonic() + cache.settings.timeout
        self._answers: dict[Want, Result] = {}

    def __iter__(self) -> Iterator[Flight]:
        while flights := self._join():
            yield from flights.values()
            for want, flight in flights.items():
                self._leave(want, flight)

    def left(self) -> float | None:
        """Return the seconds that the reader still waits; None: for ever."""
        return None if self._end == inf else max(0.0, self._end - time.monotonic())

    def answers(self) -> list[Result]:
        """Return the answers in the order asked."""
        return [self._answers[want] for want in self._wants]

    def _join(self) -> dict[Want, Flight]:
        """Take what is answered at once; return the flights that the rest waits for."""
        found = self._cache.join([want for want in self._wants if want not in self._answers], self._after)
        flights = {want: flight for want, flight in found.items() if isinstance(flight, Flight)}
        for want, answer in found.items():
            if not isinstance(answer, Flight):
                self._take(want, answer)
        return flights

    def _leave(self, want: Want, flight: Flight) -> None:
        """Take what *flight* brought. One that took off too early for this reader brought nothing; it asks again."""
        if flight.answer is not None and flight.started >= self._after:
            self._take(want, flight.answer)
        elif self.left() == 0:
            told = f"secret {want.vault}/{want.secret}: no answer within {self._cache.settings.timeout:g} seconds"
            self._take(want, Unavailable(told, op="get", vault=want.vault, secret=want.secret))

    def _take(self, want: Want, answer: Result) -> None:
        self._answers[want] = (
            answer if isinstance(answer, Held) else self._cache.stale_or_error(want, answer, self._after)
        )


def held_of(answer: Result) -> Held:
    """Return *answer*, or raise it. Each reader gets an error of its own, because raising changes an error."""
    if isinstance(answer, Held):
        return answer
    raise copy(answer) if isinstance(answer, SecretsError) else answer


def is_passing(error: BaseException) -> TypeGuard[Unavailable | Throttled]:
    """Tell whether *error* says nothing about the secret, only that the store does not answer now."""
    return isinstance(error, Unavailable | Throttled)


def _is_of(key: Key, vault: str | None, secret: str | None) -> bool:
    return vault in {key[0], None} and secret in {key[1], None}
