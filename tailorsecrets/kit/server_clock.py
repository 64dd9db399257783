"""The clock of a server."""

import time
from typing import Final


class ServerClock:
    """The clock of a server, to about a second, from the Date header of its answers. Safe for many threads."""

    TOLERANCE: Final = 1.0  # seconds of difference that count as none: a Date header has whole seconds

    def __init__(self) -> None:
        self.ahead: float | None = None  # seconds by which it is ahead of this machine's clock; None: not known
        self._last = ""

    def now(self) -> float:
        """Return the seconds since 1970 on the server's clock; on this machine's, where the difference is not known."""
        return time.time() + (self.ahead or 0.0)

    def hear(self, date: str) -> None:
        """Take the Date header of an answer that has just come; anything else changes nothing."""
        if not date or date == self._last:
            return
        from email.utils import parsedate_to_datetime

        self._last = date
        try:
            there = parsedate_to_datetime(date).timestamp() + 0.5  # the middle of its second
        except (ValueError, TypeError):
            return
        if abs(there - self.now()) > self.TOLERANCE:
            self.ahead = there - time.time()
        elif self.ahead is None:
            self.ahead = 0.0
