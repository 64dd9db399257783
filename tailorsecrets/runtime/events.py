"""What the cache gives out besides plain values: a value with its age, events, counts. None of them shows a value."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NoReturn, final

EventKind = Literal["read", "missing", "failed", "stale"]


@final
@dataclass(frozen=True, slots=True)
class Reading:
    """A value and how far to trust it. No repr, log or pickle shows the value."""

    value: str | None = field(repr=False)  # None: there is no such secret
    version: str  # the store's token of this version, "" where there is no secret
    age: float  # seconds since the call that brought it began
    stale: bool  # the store does not answer, and this is the last value known

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Reading is never pickled or copied; pass the secret's name instead")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class CacheEvent:
    """Something that happened to one name, for logs, metrics and traces. Hits are not told: they cost nothing.

    ======= =====================================================================
    read    a call brought a value
    missing a call found that there is no such secret
    failed  a call failed; ``error`` is the error's code
    stale   a read was answered with an old value, because the store fails
    ======= =====================================================================
    """

    kind: EventKind
    vault: str
    secret: str
    store: str  # its URL
    seconds: float = 0.0  # that the call took, which may have been for many names
    age: float = 0.0  # of a stale value, in seconds
    version: str = ""  # the store's token of the version that was read
    error: str = ""  # such as UNAVAILABLE


Hook = Callable[[CacheEvent], object]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class CacheInfo:
    """What the cache holds now, and what it did since it was made."""

    names: int  # held, at most ``size``
    flights: int  # names that are being read now
    read: int  # answers that the store gave: a value, or that there is none
    failed: int  # answers that were errors
    stale: int  # reads that an old value answered, because the store failed
    dropped: int  # events that a slow ``on_event`` did not get, because 10,000 waited for it
    size: int  # the bound on ``names``
