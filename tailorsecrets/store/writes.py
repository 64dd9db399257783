"""Writes by any Store of this process, for code that holds values in memory."""

from typing import Final, Protocol

from tailorsecrets.store.listeners import Listeners
from tailorsecrets.store.names import Place


class WriteListener(Protocol):
    """Forgets the values that a write may have changed."""

    def wrote(self, place: Place | None) -> None:
        """Note that *place*, or with None anything, was written or may have been; raise nothing."""


_listeners: Final = Listeners[WriteListener]()
on_write: Final = _listeners.add


def notify_write(place: Place | None) -> None:
    """Call every listener: *place*, or with None anything, was written or may have been."""
    for listener in _listeners.alive():
        listener.wrote(place)
