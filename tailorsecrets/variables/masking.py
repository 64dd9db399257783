"""Replacing values in a stream of bytes, across the borders of its chunks. Pure.

Most output holds no value, so the stream is first compared in words of 4 or 8 bytes with the words of the texts to
replace, by a set, which costs the same for one text as for thousands. Each text holds at least one aligned word of the
stream, wherever it begins. Only where a word is known, the texts are compared themselves.
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

MASK: Final = b"***"
_HEAD: Final = 8  # bytes by which texts are found; none is shorter
_BLOCK: Final = 4096  # bytes that are searched for known words at once
_LONG_WORD: Final = 8


class _Match(NamedTuple):
    """What begins at a place: a text of *length* bytes, 0 for none; *open*: a longer one, if more bytes follow."""

    length: int
    open: bool


class _Group:
    """The texts with the same head, sorted; the parent of each is the longest other one that it begins with."""

    def __init__(self, texts: list[bytes]) -> None:
        self.texts = texts
        self.longest = max(map(len, texts))
        self._parents: list[int] = []
        stack: list[int] = []
        for number, text in enumerate(texts):
            while stack and not text.startswith(texts[stack[-1]]):
                stack.pop()
            self._parents.append(stack[-1] if stack else -1)
            stack.append(number)

    def match(self, rest: bytes) -> _Match:
        """Return the longest text that *rest* begins with; *rest* is longer than each, or ends with the stream."""
        place = bisect_right(self.texts, rest)
        is_open = place < len(self.texts) and self.texts[place].startswith(rest)
        number = place - 1
        while number >= 0 and not rest.startswith(self.texts[number]):
            number = self._parents[number]
        return _Match(len(self.texts[number]) if number >= 0 else 0, is_open)


class Texts:
    """The texts to replace, each of at least 8 bytes. Many streams may share them."""

    def __init__(self, texts: Iterable[bytes]) -> None:
        groups: dict[bytes, list[bytes]] = {}
        for text in sorted(texts):
            groups.setdefault(text[:_HEAD], []).append(text)
        self._groups = {head: _Group(same) for head, same in groups.items()}
        shortest = min((len(text) for same in groups.values() for text in same), default=_HEAD)
        self._word = _LONG_WORD if shortest >= 2 * _LONG_WORD - 1 else _LONG_WORD // 2
        self._type = "Q" if self._word == _LONG_WORD else "I"
        self._beginnings = {head[:size] for head in groups for size in range(1, _HEAD)}
        self._words = self._known_words(text for same in groups.values() for text in same)

    def _known_words(self, texts: Iterable[bytes]) -> dict[int, list[int]]:
        """Return each word that a text may have at its first border of words, with its offsets in texts, descending."""
        found: dict[int, set[int]] = {}
        for text in texts:
            for offset in range(self._word):
                (word,) = array(self._type, text[offset : offset + self._word])
                found.setdefault(word, set()).add(offset)
        return {word: sorted(offsets, reverse=True) for word, offsets in found.items()}

    def beginnings(self, data: bytes) -> Iterator[int]:
        """Yield where a text may begin in *data*, ascending, but for its last bytes, which hold no whole word."""
        size = self._word
        whole = array(self._type, data[: len(data) // size * size])
        known = self._words.keys()
        step = _BLOCK // size
        for first in range(0, len(whole), step):
            block = whole[first : first + step]
            if known.isdisjoint(block):
                continue
            for number, word in enumerate(block, first):
                for offset in self._words.get(word, ()):
                    if number * size >= offset:
                        yield number * size - offset

    def match(self, data: bytes, start: int) -> _Match:
        """Return what begins at *start* in *data*, as far as *data* shows it."""
        head = data[start : start + _HEAD]
        if len(head) < _HEAD:
            return _Match(0, head in self._beginnings)
        group = self._groups.get(head)
        return group.match(data[start : start + group.longest]) if group else _Match(0, open=False)

    def unseen(self, data: bytes) -> int:
        """Return where the last bytes of *data* begin a text, of which no whole word is there; its length for none."""
        whole = len(data) // self._word * self._word
        starts = range(max(whole - self._word + 1, 0), len(data))
        return next((start for start in starts if self.match(data, start).open), len(data))


class Masker:
    """Replaces *texts* in one stream: give it all chunks, then the end."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._held = b""  # what may be the beginning of a text

    def feed(self, chunk: bytes) -> bytes:
        """Return what is sure to follow, now that *chunk* is there."""
        data = self._held + chunk
        first = self._texts.match(data, 0)
        if self._held and first.open:
            self._held = data
            return b""
        return self._masked(data, ended=False)

    def end(self) -> bytes:
        """Return the rest: the stream has ended."""
        return self._masked(self._held, ended=True)

    def _masked(self, data: bytes, *, ended: bool) -> bytes:
        """Return *data* without its texts, and hold back what is not decided yet. Texts that overlap become one."""
        parts: list[bytes] = []
        done, begin, until = 0, 0, 0  # what is written; the last text
        limit = len(data) if ended else self._texts.unseen(data)
        for start in self._texts.beginnings(data):
            if start >= limit:
                break
            length, is_open = self._texts.match(data, start)
            if is_open and not ended:
                limit = start
                break
            if not length:
                continue
            if start >= until:
                parts += [data[done:begin], MASK] if until else []
                done, begin = until, start
            until = max(until, start + length)
        if until > limit:
            limit = begin
        elif until:
            parts += [data[done:begin], MASK]
            done = until
        self._held = data[limit:]
        return b"".join([*parts, data[done:limit]])
