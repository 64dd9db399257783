"""The error of a preload: which secrets could not be read."""

from collections.abc import Sequence

from tailorsecrets.errors import Denied, Disabled, SecretNotFound
from tailorsecrets.runtime.answers import CacheKey, Result
from tailorsecrets.runtime.cache import entry_or_raise
from tailorsecrets.runtime.freshness import CacheEntry


def check_all(keys: Sequence[CacheKey], answers: Sequence[Result]) -> None:
    """Raise one error that lists each of *keys* whose answer is missing or denied; raise any other error as it is.

    The error is Denied if one secret is denied or disabled, else SecretNotFound.
    """
    problems = [(key, answer) for key, answer in zip(keys, answers, strict=True) if not _is_there(answer)]
    for _, answer in problems:
        if not isinstance(answer, CacheEntry | Denied):
            entry_or_raise(answer)
    if problems:
        denied = [answer for _, answer in problems if isinstance(answer, Denied)]
        kind = Denied if denied else SecretNotFound
        listed = "; ".join(f"{key.vault}/{key.secret} is {_state(answer)}" for key, answer in problems)
        raise kind(f"{len(problems)} of {len(keys)} secrets cannot be read: {listed}", op="preload")


def _is_there(answer: Result) -> bool:
    return isinstance(answer, CacheEntry) and not answer.missing


def _state(answer: Result) -> str:
    if isinstance(answer, CacheEntry):
        return "missing"
    return "disabled" if isinstance(answer, Disabled) else "denied"
