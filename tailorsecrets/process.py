"""What happens in this process that a holder of values must hear of: a write by any Store, and a fork."""

import os
from itertools import count
from typing import Final, Protocol, TypeVar
from weakref import ref

from tailorsecrets.names import Place

T = TypeVar("T")


class Writes(Protocol):
    """Who hears of writes."""

    def wrote(self, workspace: str, place: Place | None) -> None:
        """Hear that *place*, or with None anything in *workspace*, was written, or may have been; raise nothing."""


class Forks(Protocol):
    """Who hears of forks."""

    def forked(self) -> None:
        """Hear that this is a forked child, where threads and locks are those of the parent; raise nothing."""


# Each is read and changed in single steps and under no lock: a thread that a fork loses could hold it.
_writes: Final[dict[int, ref[Writes]]] = {}
_forks: Final[dict[int, ref[Forks]]] = {}
_keys: Final = count()


def on_write(listener: Writes) -> None:
    """Tell *listener*, while it lives, of each write by any Store of this process."""
    _remember(_writes, listener)


def on_fork(listener: Forks) -> None:
    """Tell *listener*, while it lives, in each forked child."""
    _remember(_forks, listener)


def tell_of_write(workspace: str, place: Place | None) -> None:
    """Say that *place*, or with None anything in *workspace*, was written, or may have been."""
    for listener in _living(_writes):
        listener.wrote(workspace, place)


def _tell_of_fork() -> None:
    for listener in _living(_forks):
        listener.forked()


def _remember(listeners: dict[int, ref[T]], listener: T) -> None:
    key = next(_keys)
    listeners[key] = ref(listener, lambda _: listeners.pop(key, None))


def _living(listeners: dict[int, ref[T]]) -> list[T]:
    return [listener for reference in list(listeners.values()) if (listener := reference()) is not None]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_tell_of_fork)
