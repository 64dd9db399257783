"""How old a value may be: the rules of the cache as data and pure functions. All times and ages are in seconds."""

from dataclasses import dataclass, field, replace
from math import inf
from typing import Final, Literal, final

from tailorsecrets.errors import SecretsError
from tailorsecrets.targets.cache_settings import CacheSettings

JITTER: Final = 0.1  # of the ttl, at most: so that values read together are not refreshed together
LONGEST_PAUSE: Final = 60.0  # between two attempts at a store that does not answer

Verdict = Literal["answer", "refresh", "ask"]  # refresh: answer, and ask in the background


@final
@dataclass(frozen=True, slots=True)
class Held:
    """What the cache knows of one name: the value of the last good answer, and the failures since.

    ``as_of`` is when the call that brought the value began, so an age is never told too young. The value is plain
    text, for a hit to be one step; no repr shows it.
    """

    value: str | None = field(default=None, repr=False)
    version: str = ""
    store: str = ""  # the URL of the store that answered
    older: tuple[str, ...] = field(default=(), repr=False)  # values before it, newest first
    as_of: float = -inf
    until: float = -inf  # fresh before that time
    missing: bool = True  # there is no value
    failures: int = 0  # in a row
    retry_at: float = -inf  # no attempt before that time
    error: SecretsError | None = None  # of the last failure
    stale: bool = False  # it stands in for a store that does not answer


def found(answer: Held, as_of: float, settings: CacheSettings, jitter: float) -> Held:
    """Return *answer*, read at *as_of*, with its end; *jitter* from 0 to 1 shortens the ttl."""
    fresh = settings.negative if answer.missing else settings.ttl * (1 - JITTER * jitter)
    return replace(answer, as_of=as_of, until=as_of + fresh)


def failed(held: Held | None, error: SecretsError, now: float, settings: CacheSettings) -> Held:
    """Return what remains of *held* after an attempt that ended with *error* at *now*: what may yet be served."""
    before = held or Held()
    kept = before if lasts(before, now, settings) or verdict(before, now, -inf, settings) != "ask" else Held()
    pause = min(2.0 ** min(before.failures, 10), LONGEST_PAUSE)
    return replace(kept, failures=before.failures + 1, retry_at=now + pause, error=error)


def verdict(held: Held | None, now: float, after: float, settings: CacheSettings) -> Verdict:
    """Say what a read does at *now* that is content with a value read later than *after*."""
    if held is None or held.as_of <= after:
        return "ask"
    if now < held.until:
        return "answer"
    return "refresh" if not held.missing and now - held.as_of < settings.ttl + settings.grace else "ask"


def lasts(held: Held, now: float, settings: CacheSettings) -> bool:
    """Tell whether the value may stand in for a store that does not answer."""
    return not held.missing and now - held.as_of < settings.max_stale
