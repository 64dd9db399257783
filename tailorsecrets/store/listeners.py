"""Listeners that are dropped when their owner is garbage."""

from itertools import count
from typing import Final, Generic, TypeVar
from weakref import ref

T = TypeVar("T")


class Listeners(Generic[T]):
    """Listeners by weak reference. Changed in single steps and under no lock, since a fork could lose its owner."""

    def __init__(self) -> None:
        self._references: dict[int, ref[T]] = {}
        self._keys: Final = count()

    def add(self, listener: T) -> None:
        """Keep *listener* for as long as somebody else does."""
        key, references = next(self._keys), self._references
        references[key] = ref(listener, lambda _: references.pop(key, None))

    def alive(self) -> list[T]:
        """Return the listeners that are still there."""
        return [listener for reference in list(self._references.values()) if (listener := reference()) is not None]
