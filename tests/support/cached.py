"""A source of answers for a cache: a function that reads many keys in one call."""

from collections.abc import Callable, Mapping, Sequence

from tailorsecrets.errors import SecretsError
from tailorsecrets.runtime.answers import Answer, Begin, CacheKey, Deliver, Result
from tailorsecrets.runtime.freshness import CacheEntry

Fetch = Callable[[Sequence[CacheKey]], Mapping[CacheKey, CacheEntry | SecretsError]]


def begin_by(fetch: Fetch, run: Callable[[Callable[[], None]], None], clock: Callable[[], float]) -> Begin:
    """Return a ``Begin`` that reads all keys by one call of *fetch*, when *run* does it."""

    def begin(keys: Sequence[CacheKey], deliver: Deliver, *, anyway: bool = False) -> None:
        del anyway

        def work() -> None:
            started, results = clock(), dict[CacheKey, Result]()
            try:
                found = fetch(keys)
                results.update({key: found[key] for key in keys})
            except Exception as exc:  # noqa: BLE001  # as the product does
                results = dict.fromkeys(keys, exc)
            for key, result in results.items():
                deliver(key, Answer(result, started))

        run(work)

    return begin


def read_threads() -> int:
    """Return the number of threads of this process that read stores or call hooks."""
    import threading

    return sum(thread.name == "tailorsecrets" for thread in threading.enumerate())
