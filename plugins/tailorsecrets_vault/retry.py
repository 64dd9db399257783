"""Repeating what follows a write. The core cannot: it would repeat the write with it."""

import time
from collections.abc import Callable
from typing import Final

from requests import RequestException

from tailorsecrets.errors import Unavailable
from tailorsecrets_vault.hvac_types import VaultError

_FIRST_PAUSE: Final = 0.1  # seconds; doubled for each further one
_LONGEST_PAUSE: Final = 5.0
_MAY_PASS: Final = (412, 429)  # and all from 500 on


def insist(do: Callable[[], object], seconds: float) -> None:
    """Do what may be done twice until it succeeds; Unavailable, which no one repeats, after *seconds*."""
    end, pause = time.monotonic() + seconds, _FIRST_PAUSE
    while (asked := _asked_to_wait(do)) is not None:
        wait = max(pause, asked)
        if time.monotonic() + wait > end:
            raise Unavailable("the value is written, but not all that goes with it", hint="run it again")
        time.sleep(wait)
        pause = min(2 * pause, _LONGEST_PAUSE)


def _asked_to_wait(do: Callable[[], object]) -> float | None:
    """Do it and return None; or the seconds that the server asks to wait, where it may succeed later."""
    try:
        do()
    except RequestException:
        return 0.0
    except VaultError as exc:
        status = getattr(exc, "status", 0)
        if status not in _MAY_PASS and status < 500:  # noqa: PLR2004 - HTTP's own
            raise
        return exc.retry_after or 0.0
    return None
