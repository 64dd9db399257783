"""Calls that run at once."""

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from tailorsecrets.driver import Caps
from tailorsecrets.errors import SecretsError

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


def at_once(calls: Sequence[Callable[[], T]]) -> list[T]:
    """Return the results of *calls*, in order; run all at the same time, each in its own thread."""
    if len(calls) < 2:  # noqa: PLR2004
        return [call() for call in calls]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(len(calls)) as threads:
        return [future.result() for future in [threads.submit(call) for call in calls]]


def attempt(call: Callable[[], T]) -> T | SecretsError:
    """Return the result of *call*, or the error that it raises."""
    try:
        return call()
    except SecretsError as error:
        return error.with_traceback(None)
