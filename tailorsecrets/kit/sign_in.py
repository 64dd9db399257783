"""Signing in once, and once more when the store no longer accepts the login."""

from collections.abc import Callable
from typing import Generic, TypeVar

from tailorsecrets.kit.per_process import PerProcess

T = TypeVar("T")
R = TypeVar("R")


class SignIn(Generic[T]):
    """One login for all threads of a process, such as a token or a client; *sign_in* makes it at the first call.

    *refused* tells whether an exception says that the store no longer accepts the login, such as an answer of HTTP 401.
    *sign_in* runs in one thread while the others wait, and again in a forked child.
    """

    def __init__(self, sign_in: Callable[[], T], refused: Callable[[Exception], bool]) -> None:
        self._logins, self._refused = PerProcess(sign_in), refused

    def __repr__(self) -> str:
        return "SignIn(***)"

    def call(self, do: Callable[[T], R]) -> R:
        """Return what *do* returns for the login; if the store refuses that, sign in again and call *do* once more.

        A refused call was not done, so a write is safe to repeat. A second refusal is raised.
        """
        return again_after_login(self._logins.get, do, self._refused, self._renew)

    def forget(self) -> T | None:
        """Forget the login of this process and return it; None where there is none. The next call signs in."""
        return self._logins.drop()

    def _renew(self, refused: T) -> bool:
        self._logins.drop(refused)  # unless another thread has replaced it
        return True


def again_after_login(
    login: Callable[[], T], do: Callable[[T], R], refused: Callable[[Exception], bool], renew: Callable[[T], bool]
) -> R:
    """Return what *do* returns for *login*; where the store refused that, *renew* it and call *do* once more.

    *renew* gets the refused login and tells whether ``login`` now returns another one. Where it does not, as for a
    token that the user gave, the exception is raised.
    """
    used = login()
    try:
        return do(used)
    except Exception as exc:
        if not (refused(exc) and renew(used)):
            raise
    return do(login())
