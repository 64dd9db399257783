"""How old a value may be: the rules of the cache as data and pure functions. All times and ages are in seconds."""

from dataclasses import dataclass, field, fields, replace
from math import inf
from sys import float_info
from typing import Final, Literal, final

from tailorsecrets.errors import ConfigError, SecretsError

JITTER: Final = 0.1  # of the ttl, at most: so that values read together are not refreshed together
LONGEST_PAUSE: Final = 60.0  # between two attempts at a store that does not answer

Verdict = Literal["answer", "refresh", "ask"]  # refresh: answer, and ask in the background


def is_number(value: object) -> bool:
    """Tell whether *value* is a finite number, 0 or more."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= float_info.max


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How long values are held; all but ``size`` in seconds."""

    ttl: float = 300.0  # a value younger than this is answered as it is, minus up to 10 % jitter
    grace: float = 300.0  # for so long after that it is answered and refreshed in the background
    max_stale: float = 3600.0  # up to this age the last value stands in for a store that does not answer; 0: never
    negative: float = 5.0  # for so long a missing secret is taken for missing
    timeout: float = 15.0  # a reader waits for the store no longer
    size: int = 10_000  # names held at most; the one that was read from the store longest ago goes first

    def __post_init__(self) -> None:
        wrong = [f.name for f in fields(self) if not is_number(getattr(self, f.name))]
        if wrong:
            raise ConfigError(f"{', '.join(wrong)} must be a number, 0 or more")
        if self.size < 1 or self.size % 1 or self.timeout == 0:
            raise ConfigError("size is a whole number from 1, timeout is over 0")


DEFAULTS: Final = Settings()
KEYS: Final = frozenset(f.name for f in fields(Settings))


@final
@dataclass(frozen=True, slots=True)
class Held:
    """What the cache knows of one name: the value of the last good answer, and the failures since.

    ``as_of`` is when the call that brought the value began, so an age is never told too young. The value is plain
    text, for a hit to be one step; no repr shows it.
    """

    value: str | None = field(default=None, repr=False)
    version: str = ""
    older: tuple[str, ...] = field(default=(), repr=False)  # values before it, newest first
    as_of: float = -inf
    until: float = -inf  # fresh before that time
    missing: bool = True  # there is no value
    failures: int = 0  # in a row
    retry_at: float = -inf  # no attempt before that time
    error: SecretsError | None = None  # of the last failure
    stale: bool = False  # it stands in for a store that does not answer


def found(answer: Held, as_of: float, settings: Settings, jitter: float) -> Held:
    """Return *answer*, read at *as_of*, with its end; *jitter* from 0 to 1 shortens the ttl."""
    fresh = settings.negative if answer.missing else settings.ttl * (1 - JITTER * jitter)
    return replace(answer, as_of=as_of, until=as_of + fresh)


def failed(held: Held | None, error: SecretsError, now: float, settings: Settings) -> Held:
    """Return what remains of *held* after an attempt that ended with *error* at *now*: what may yet be served."""
    before = held or Held()
    kept = before if lasts(before, now, settings) or verdict(before, now, -inf, settings) != "ask" else Held()
    pause = min(2.0 ** min(before.failures, 10), LONGEST_PAUSE)
    return replace(kept, failures=before.failures + 1, retry_at=now + pause, error=error)


def verdict(held: Held | None, now: float, after: float, settings: Settings) -> Verdict:
    """Say what a read does at *now* that is content with a value read later than *after*."""
    if held is None or held.as_of <= after:
        return "ask"
    if now < held.until:
        return "answer"
    return "refresh" if not held.missing and now - held.as_of < settings.ttl + settings.grace else "ask"


def lasts(held: Held, now: float, settings: Settings) -> bool:
    """Tell whether the value may stand in for a store that does not answer."""
    return not held.missing and now - held.as_of < settings.max_stale
