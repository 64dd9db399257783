"""The public results of the cache other than plain values: a value with its age, events, counts. None shows a value."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NoReturn, final

EventKind = Literal["read", "missing", "failed", "stale"]


@final
@dataclass(frozen=True, slots=True)
class Reading:
    """A value with its version and age. No repr, log or pickle shows the value."""

    value: str | None = field(repr=False)  # None: the secret does not exist
    version: str  # the store's token of this version, "" where there is no secret
    age: float  # seconds since the start of the call that read it
    stale: bool  # the store does not answer, and this is the last known value
    store: str = ""  # the URL of the store that answered, "" where none has

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Reading is never pickled or copied; pass the secret's name instead")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class CacheEvent:
    """One event of one secret, for logs, metrics and traces. A cache hit is not an event.

    ======= =====================================================================
    read    a call returned a value
    missing a call found that the secret does not exist
    failed  a call failed; ``error`` is the error's code
    stale   a read was answered with an old value, because the store fails
    ======= =====================================================================
    """

    kind: EventKind
    vault: str
    secret: str
    store: str  # the URL of the store that answered or failed
    seconds: float = 0.0  # duration of the call, which may have read many secrets
    age: float = 0.0  # of a stale value, in seconds
    version: str = ""  # the store's token of the version that was read
    error: str = ""  # such as UNAVAILABLE


Hook = Callable[[CacheEvent], object]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class CacheInfo:
    """The size of the cache now, and its counts since it was made."""

    names: int  # in the cache, at most ``size``
    flights: int  # names that are being read now
    read: int  # answers of the store: a value, or that there is none
    failed: int  # errors of the store
    stale: int  # reads that were answered with an old value, because the store failed
    dropped: int  # events that a slow ``on_event`` did not get, because 10,000 waited for it
    size: int  # the limit of ``names``
    failovers: int = 0  # values that a replica gave, because the store before it did not answer
