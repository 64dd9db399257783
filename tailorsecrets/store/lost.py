"""Writes without an answer: the store is read again to see whether they were done."""

from collections.abc import Callable
from typing import Final, Literal, TypeVar

from tailorsecrets.errors import SecretsError, Unavailable, reworded

T = TypeVar("T")
Outcome = Literal["not done", "unknown"]

_OUTCOMES: Final = {
    "not done": "the store is as it was before the write",
    "unknown": "whether the write was done is not known",
}


def found_done(error: Unavailable, done: Callable[[], T | None]) -> T:
    """Return what the write would have, if it was done; else raise *error*, which it raised, with its outcome.

    *done* reads the store, and returns None where the write was not done.
    """
    result: T | None = None
    outcome: Outcome = "not done"
    try:
        result = done()
    except SecretsError:
        outcome = "unknown"
    if result is None:
        raise reworded(error, f"{error}; {_OUTCOMES[outcome]}", outcome=outcome)
    return result
