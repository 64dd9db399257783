"""The last answer of a vault's first target for each secret; in an outage a replica's value does not replace it."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tailorsecrets.errors import Conflict, Corrupt, Denied, Unavailable
from tailorsecrets.runtime.answers import CacheKey, Result
from tailorsecrets.runtime.freshness import CacheEntry, disputed
from tailorsecrets.targets.cache_settings import CacheSettings


class LastAnswer(NamedTuple):
    """The last answer of the first target: a value, no value, denied, damaged or in conflict."""

    result: CacheEntry | Denied | Corrupt | Conflict
    as_of: float

    @property
    def disputed(self) -> CacheEntry | None:
        """The value that reads get while a replica has another one."""
        return disputed(self.result) if isinstance(self.result, CacheEntry) and not self.result.missing else None

    def error(self, key: CacheKey, other: CacheEntry) -> Unavailable:
        """Return why *other*, a replica's value, is not used."""
        if not isinstance(self.result, CacheEntry):
            before = f"{self.result.store} answered {self.result.code}, and does not answer now"
        elif self.result.missing:
            before = f"the secret was missing at {self.result.store}, which does not answer now"
        else:
            before = f"it differs from the value at {self.result.store}, which does not answer now"
        message = f"secret {key.vault}/{key.secret}: the value at {other.store} is not used: {before}"
        return Unavailable(message, op="get", store=other.store, vault=key.vault, secret=key.secret)


class LastAnswers:
    """The last answer of the first target for each key."""

    def __init__(self) -> None:
        self._answers: dict[CacheKey, LastAnswer] = {}

    def __iter__(self) -> Iterator[CacheKey]:
        return iter(self._answers)

    def keep(self, key: CacheKey, result: Result, as_of: float, size: int) -> None:
        """Keep the *result* of the first target, if it is about the secret; keep at most *size* answers."""
        if isinstance(result, CacheEntry | Denied | Corrupt | Conflict):
            self._answers.pop(key, None)
            self._answers[key] = LastAnswer(result, as_of)
            while len(self._answers) > size:
                del self._answers[next(iter(self._answers))]

    def is_newer(self, key: CacheKey, started: float) -> bool:
        """Tell whether the answer for *key* is from a call after *started*."""
        answer = self._answers.get(key)
        return answer is not None and answer.as_of > started

    def overruling(self, key: CacheKey, other: CacheEntry, now: float, settings: CacheSettings) -> LastAnswer | None:
        """Return the answer that overrules *other*, a replica's value, at *now*."""
        answer = self._answers.get(key)
        if answer is None or now - answer.as_of >= settings.max_stale:
            return None
        same = isinstance(answer.result, CacheEntry) and _values(answer.result) == _values(other)
        return None if same else answer

    def forget(self, keys: Iterable[CacheKey]) -> None:
        """Drop the answers for *keys*."""
        for key in keys:
            del self._answers[key]


def _values(entry: CacheEntry) -> tuple[str | None, tuple[str, ...]]:
    return entry.value, entry.older
