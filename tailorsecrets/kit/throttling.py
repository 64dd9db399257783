"""How a driver whose SDK retries reports throttling to the quota around it."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_throttle_listeners: Final = ContextVar[tuple[Callable[[], None], ...]]("tailorsecrets_throttle", default=())


def throttled() -> None:
    """Report that the store has throttled a call, and that the SDK will try again.

    A driver with ``caps.retries`` calls it each time, in the thread in which its method runs; calls of the same kind
    are then sent at half their rate. Without a quota it does nothing.
    """
    for listener in _throttle_listeners.get():
        listener()


@contextmanager
def on_throttled(listener: Callable[[], None]) -> Generator[None]:
    """Call *listener* for each ``throttled`` in the block."""
    before = _throttle_listeners.set((*_throttle_listeners.get(), listener))
    try:
        yield
    finally:
        _throttle_listeners.reset(before)
