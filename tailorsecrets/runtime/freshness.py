"""How old a value may be: the rules of the cache as data and pure functions. All times and ages are in seconds."""

from dataclasses import dataclass, field, replace
from math import inf
from typing import Final, Literal, final

from tailorsecrets.errors import SecretsError
from tailorsecrets.runtime.breaker import LONGEST_PAUSE
from tailorsecrets.targets.cache_settings import CacheSettings

JITTER: Final = 0.1  # of the ttl, at most: values read together are then not refreshed together
Decision = Literal["answer", "refresh", "stale", "fetch"]  # refresh and stale: answer, and fetch in the background


@final
@dataclass(frozen=True, slots=True)
class CacheEntry:
    """One name in the cache: the value of the last successful read, and the failures since.

    ``as_of`` is the start of the call that brought the value, so no age is ever too low. The value is plain text, so
    that a hit is one step; no repr shows it.
    """

    value: str | None = field(default=None, repr=False)
    version: str = ""
    store: str = ""  # the URL of the store that answered
    older: tuple[str, ...] = field(default=(), repr=False)  # the values before it, newest first
    as_of: float = -inf
    until: float = -inf  # fresh before that time
    missing: bool = True  # there is no value
    failures: int = 0  # in a row
    retry_at: float = -inf  # no attempt before that time
    error: SecretsError | None = None  # of the last failure
    stale: bool = False  # it is used because the store does not answer
    trusted_until: float = inf  # of a replica's value: the next attempt at the first target; it is not fresh after that
    disputed: bool = False  # while the first target does not answer, a replica has another value


def with_expiry(answer: CacheEntry, as_of: float, settings: CacheSettings, jitter: float) -> CacheEntry:
    """Return *answer*, read at *as_of*, with the end of its freshness; *jitter* from 0 to 1 shortens the ttl."""
    fresh = settings.negative if answer.missing else settings.ttl * (1 - JITTER * jitter)
    return replace(answer, as_of=as_of, until=min(as_of + fresh, answer.trusted_until))


def after_failure(
    entry: CacheEntry | None,
    error: SecretsError,
    now: float,
    settings: CacheSettings,
    retry_at: float | None = None,
) -> CacheEntry:
    """Return *entry* after an attempt that failed with *error* at *now*, without a value that may not be served.

    No attempt is made before *retry_at*; the default is a pause of 1, 2, 4 … 60 s.
    """
    before = entry or CacheEntry()
    usable = can_stand_in(before, now, settings) or decide(before, now, -inf, settings) != "fetch"
    pause = min(2.0 ** min(before.failures, 10), LONGEST_PAUSE)
    return replace(
        before if usable else CacheEntry(),
        failures=before.failures + 1,
        retry_at=now + pause if retry_at is None else retry_at,
        error=error,
    )


def disputed(entry: CacheEntry) -> CacheEntry:
    """Return *entry*, the last answer of the first target, while a replica has another value: it is stale now."""
    return replace(entry, until=-inf, trusted_until=-inf, disputed=True)


def decide(
    entry: CacheEntry | None, now: float, after: float, settings: CacheSettings, *, overdue: bool = False
) -> Decision:
    """Return what a read does at *now* that accepts a value read later than *after*.

    *overdue*: a reader has timed out on the call that is under way. Nobody waits again for a store that has failed or
    timed out once, as long as there is a value to answer.
    """
    if entry is None or entry.as_of <= after:
        return "fetch"
    if now < entry.until:
        return "answer"
    if not (entry.missing or entry.disputed) and now - entry.as_of < settings.ttl + settings.grace:
        return "refresh"
    failing = overdue or entry.error is not None
    return "stale" if failing and can_stand_in(entry, now, settings) else "fetch"


def can_stand_in(entry: CacheEntry, now: float, settings: CacheSettings) -> bool:
    """Tell whether the value may be used while the store does not answer."""
    return not entry.missing and now - entry.as_of < settings.max_stale
