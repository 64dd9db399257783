"""The keys that the cache asks for, and the answers, each from one target for one key."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, TypeGuard

from tailorsecrets.errors import Throttled, Unavailable
from tailorsecrets.runtime.freshness import CacheEntry


class CacheKey(NamedTuple):
    """The key of an entry: a secret, and how many of its newest versions the entry has."""

    vault: str
    secret: str
    versions: int = 1


Result = CacheEntry | BaseException


class Answer(NamedTuple):
    """The answer of one target for one key. Times are those of the cache's clock, in seconds."""

    result: Result
    started: float  # the start of the call that brought it
    replica: bool = False  # it is from another target than the first one of the vault
    alone: bool = True  # the vault has no other target
    retry_at: float | None = None  # when the first target is asked again; None: the cache decides
    goes_on: bool = False  # the call failed, and the read goes on at the next target


Deliver = Callable[[CacheKey, Answer], None]


class Begin(Protocol):
    """Starts to read *keys* and returns at once.

    *deliver* gets an answer for each key, from any thread; a later answer for the same key takes the place of that of a
    replica. *anyway*: also call targets that are skipped after an outage.
    """

    def __call__(self, keys: Sequence[CacheKey], deliver: Deliver, *, anyway: bool = False) -> None:
        """Start."""
        ...


def is_outage(error: object) -> TypeGuard[Unavailable | Throttled]:
    """Tell whether *error* says nothing about the secret, only that the store does not answer now."""
    return isinstance(error, Unavailable | Throttled)
