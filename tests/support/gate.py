"""A store whose calls wait until a test lets them go on."""

import threading
from collections.abc import Callable
from typing import TypeVar

from tailorsecrets.driver import Driver
from tailorsecrets.store.layers import Call, Layer

T = TypeVar("T")


class Gate(Layer):
    """A driver whose calls (of the name ``only``, if given) wait while the gate is shut.

    ``most`` is how many have waited at once.
    """

    only = ""

    def __init__(self, inner: Driver) -> None:
        super().__init__(inner)
        self.is_open, self.reached = threading.Event(), threading.Event()
        self.is_open.set()
        self.inside = self.most = 0
        self._lock = threading.Lock()

    def shut(self) -> None:
        """Let the calls from now on wait."""
        self.is_open.clear()
        self.reached.clear()

    def around(self, call: Call, do: Callable[[], T]) -> T:
        """Wait for the gate."""
        if self.only not in {"", call.name}:
            return do()
        with self._lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        self.reached.set()
        assert self.is_open.wait(30)
        with self._lock:
            self.inside -= 1
        return do()
