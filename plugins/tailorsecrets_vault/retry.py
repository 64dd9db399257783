"""Repeats of the calls that follow a write. The core cannot repeat them: it would repeat the write too."""

from collections.abc import Callable
from typing import Final

from hvac.exceptions import VaultError
from requests import RequestException

from tailorsecrets.driver import Budget
from tailorsecrets.errors import Unavailable
from tailorsecrets_vault.messages import retry_after_of, status_of

_TEMPORARY: Final = (412, 429)  # and all from 500 on


def repeat(do: Callable[[], object], seconds: float) -> None:
    """Call *do*, which may be done twice, until it succeeds; after *seconds* raise Unavailable, not retryable."""
    budget = Budget(seconds)
    while (failure := _temporary_failure(do)) is not None:
        if not budget.wait(retry_after_of(failure)):
            raise Unavailable("the value is written, but not all that goes with it", hint="run it again")


def _temporary_failure(do: Callable[[], object]) -> Exception | None:
    try:
        do()
    except RequestException as exc:
        return exc
    except VaultError as exc:
        if status_of(exc) not in _TEMPORARY and status_of(exc) < 500:  # noqa: PLR2004  # HTTP's own
            raise
        return exc
    return None
