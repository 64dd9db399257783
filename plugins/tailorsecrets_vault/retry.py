"""Retries of the calls that follow a write. The core cannot retry them: it would repeat the write too."""

from collections.abc import Callable
from typing import Final

from hvac.exceptions import VaultError
from requests import RequestException

from tailorsecrets.driver import Budget
from tailorsecrets.errors import SecretsError
from tailorsecrets_vault.messages import retry_after_of, status_of

_TEMPORARY: Final = (412, 429)  # and all statuses from 500


def failure_of(do: Callable[[], object], seconds: float) -> Exception | None:
    """Call *do*, which may be done twice, until it succeeds or *seconds* are over; return the last failure, if any."""
    budget = Budget(seconds)
    while True:
        try:
            do()
        except (VaultError, RequestException, SecretsError) as exc:
            failure = exc
        else:
            return None
        if not _is_temporary(failure) or not budget.wait(retry_after_of(failure)):
            return failure


def _is_temporary(failure: Exception) -> bool:
    if isinstance(failure, VaultError):
        return status_of(failure) in _TEMPORARY or status_of(failure) >= 500  # noqa: PLR2004  # HTTP's own
    return isinstance(failure, RequestException)
