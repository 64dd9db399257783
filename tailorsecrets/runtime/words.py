"""What the first target of a vault said last about each secret: a replica's value does not displace it in an outage."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tailorsecrets.errors import Denied, Unavailable
from tailorsecrets.runtime.answers import CacheKey, Result
from tailorsecrets.runtime.freshness import CacheEntry, disputed
from tailorsecrets.targets.cache_settings import CacheSettings


class Word(NamedTuple):
    """A value, that there is none, or that it is denied."""

    said: CacheEntry | Denied
    as_of: float

    @property
    def disputed(self) -> CacheEntry | None:
        """The value that is answered while a replica has another one."""
        return disputed(self.said) if isinstance(self.said, CacheEntry) and not self.said.missing else None

    def error(self, key: CacheKey, other: CacheEntry) -> Unavailable:
        """Return why *other*, a replica's value, is no answer."""
        if isinstance(self.said, Denied):
            before = f"the store before it denied it, and does not answer now: {self.said.store}"
        elif self.said.missing:
            before = f"it was missing in the store before it, which does not answer now: {self.said.store}"
        else:
            before = f"it is not the value of the store before it, which does not answer now: {self.said.store}"
        message = f"secret {key.vault}/{key.secret}: the value at {other.store} is not used: {before}"
        return Unavailable(message, op="get", store=other.store, vault=key.vault, secret=key.secret)


class Words:
    """The last word of the first target about each key."""

    def __init__(self) -> None:
        self._words: dict[CacheKey, Word] = {}

    def __iter__(self) -> Iterator[CacheKey]:
        return iter(self._words)

    def say(self, key: CacheKey, said: Result, as_of: float, size: int) -> None:
        """Note what the first target *said*, if it is about the secret; keep at most *size* words."""
        if isinstance(said, CacheEntry | Denied):
            self._words.pop(key, None)
            self._words[key] = Word(said, as_of)
            while len(self._words) > size:
                del self._words[next(iter(self._words))]

    def is_newer(self, key: CacheKey, started: float) -> bool:
        """Tell whether the last word about *key* is of a call after *started*."""
        word = self._words.get(key)
        return word is not None and word.as_of > started

    def against(self, key: CacheKey, other: CacheEntry, now: float, settings: CacheSettings) -> Word | None:
        """Return the word that *other*, a replica's value, must not displace at *now*."""
        word = self._words.get(key)
        if word is None or now - word.as_of >= settings.max_stale:
            return None
        same = isinstance(word.said, CacheEntry) and _values(word.said) == _values(other)
        return None if same else word

    def forget(self, keys: Iterable[CacheKey]) -> None:
        """Drop the words about *keys*."""
        for key in keys:
            del self._words[key]


def _values(entry: CacheEntry) -> tuple[str | None, tuple[str, ...]]:
    return entry.value, entry.older
