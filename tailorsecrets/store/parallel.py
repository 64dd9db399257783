"""Calls that run at once."""

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from tailorsecrets.driver import Caps

T = TypeVar("T")
R = TypeVar("R")

AT_ONCE: Final = 8  # calls against a store that answers one name a call


def parallel(caps: Caps, do: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """Return the result of *do* for each of *items*, in order; run ``AT_ONCE`` at once, but not for a local store."""
    if len(items) < 2 or caps.local:  # noqa: PLR2004
        return [do(item) for item in items]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(min(AT_ONCE, len(items))) as threads:
        return list(threads.map(do, items))
