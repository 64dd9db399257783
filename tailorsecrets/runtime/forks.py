"""Forked children, which lack the threads of the parent and have its locks in any state."""

import os
from typing import Final, Protocol

from tailorsecrets.store.listeners import Listeners


class ForkListener(Protocol):
    """Replaces what a forked child cannot use."""

    def forked(self) -> None:
        """Drop the parent's threads, locks and connections; called in the child, raises nothing."""


listeners: Final = Listeners[ForkListener]()
on_fork: Final = listeners.add


def _after_fork() -> None:
    for listener in listeners.alive():
        listener.forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
