"""One thing for each process, such as a client."""

import os
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class PerProcess(Generic[T]):
    """One thing for each process, such as a client: made by *make* at first use, and again in a forked child.

    The parent's thing stays referenced in the child, and is not closed there: two processes share its connection.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._slots: dict[int, _Slot[T]] = {}

    def get(self) -> T:
        """Return this process's thing; one thread makes it while the others wait.

        If that fails, it fails for those who waited too: each would wait for its own attempt after all before it.
        """
        slot = self._slots.get(os.getpid())
        if slot is not None and slot.things:
            return slot.things[0]
        slot = self._slots.setdefault(os.getpid(), _Slot())  # a single step: a fork copies no lock that is held for it
        failures = slot.failures
        with slot.lock:
            if not slot.things:
                slot.attempt(self._make, failures)
            return slot.things[0]

    def drop(self, thing: T | None = None) -> T | None:
        """Forget this process's thing, so that the next use makes another, and return it; None where there is none.

        With *thing*, forget it only if it is still the one in use.
        """
        slot = self._slots.get(os.getpid())
        if slot is None or not slot.things or (thing is not None and slot.things[0] is not thing):
            return None
        with slot.lock:  # where several threads drop one thing, one of them does, and none drops the next thing
            if self._slots.get(os.getpid()) is not slot:
                return None
            del self._slots[os.getpid()]
        return slot.things[0]


class _Slot(Generic[T]):
    def __init__(self) -> None:
        self.lock, self.things = threading.Lock(), list[T]()  # none or one; a list, since the thing may be None
        self.failures, self._failure = 0, list[Exception]()  # their number, and the last one

    def attempt(self, make: Callable[[], T], failures: int) -> None:
        """Make the thing, unless an attempt has failed since there were *failures*."""
        if self.failures != failures:
            raise self._failure[0]
        try:
            self.things.append(make())
        except Exception as exc:
            self.failures, self._failure = self.failures + 1, [exc]
            raise
