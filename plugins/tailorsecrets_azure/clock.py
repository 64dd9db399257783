"""Azure's clock."""

import time
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import Final

from azure.core.rest import HttpResponse

_HALF: Final = 0.5  # seconds: the middle of the second in a Date header
_TOLERANCE: Final = 1.0  # seconds


class Clock:
    """The time on Azure's clock, to about a second: this machine's time, corrected where Azure's answers differ."""

    def __init__(self) -> None:
        self._ahead = 0.0
        self._last_date: str = ""

    def now(self) -> float:
        """Return the seconds since 1970."""
        return time.time() + self._ahead

    def correct(self, response: HttpResponse) -> None:
        """Correct the clock by the Date of *response*."""
        date = str(response.headers.get("Date", ""))
        if date == self._last_date:
            return
        self._last_date = date
        with suppress(ValueError, TypeError):
            there = parsedate_to_datetime(date).timestamp() + _HALF
            if abs(there - self.now()) > _TOLERANCE:
                self._ahead = there - time.time()
