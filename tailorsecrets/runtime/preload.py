"""What a preload says of the secrets that it could not read."""

from collections.abc import Sequence

from tailorsecrets.errors import Denied, Disabled, SecretNotFound
from tailorsecrets.runtime.cache import Result, Want, held_of
from tailorsecrets.runtime.freshness import Held


def check_all(wants: Sequence[Want], answers: Sequence[Result]) -> None:
    """Raise one error that lists each missing and denied one of *wants*, by their *answers*; any other error as it is.

    It is Denied where one is denied or disabled, else SecretNotFound.
    """
    problems = [(want, answer) for want, answer in zip(wants, answers, strict=True) if not _is_there(answer)]
    for _, answer in problems:
        if not isinstance(answer, Held | Denied):
            held_of(answer)
    if problems:
        denied = [answer for _, answer in problems if isinstance(answer, Denied)]
        kind = Denied if denied else SecretNotFound
        listed = "; ".join(f"{want.vault}/{want.secret} is {_trouble(answer)}" for want, answer in problems)
        raise kind(f"{len(problems)} of {len(wants)} secrets cannot be read: {listed}", op="preload")


def _is_there(answer: Result) -> bool:
    return isinstance(answer, Held) and not answer.missing


def _trouble(answer: Result) -> str:
    if isinstance(answer, Held):
        return "missing"
    return "disabled" if isinstance(answer, Disabled) else "denied"
