"""Whether a target is asked: after an outage it is skipped for 1, 2, 4 … 60 seconds, and then one read probes it."""

from math import inf
from typing import Final, Literal

LONGEST_PAUSE: Final = 60.0  # seconds between two attempts

Attempt = Literal["ask", "probe", "skip"]


class Breaker:
    """The outages of one target. Times are those of one clock, in seconds; *patience* is how long a probe may take."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._failures = 0  # in a row
        self._since = -inf  # when it was last skipped
        self._until = -inf  # no attempt before that time
        self._known = False  # it has answered before
        self._probe_until: float | None = None  # when the running probe counts as failed

    @property
    def is_open(self) -> bool:
        """Whether the target is skipped."""
        return self._failures > 0

    def decide(self, now: float) -> Attempt:
        """Return what a read does at *now*; "probe" is returned once, and the next reads skip the target."""
        if not self.is_open:
            return "ask"
        if now < self.next_attempt():
            return "skip"
        self._probe_until = now + self._patience
        return "probe"

    def next_attempt(self) -> float:
        """Return when a read may ask again, if that is known."""
        return self._until if self._probe_until is None else self._probe_until

    def failed(self, now: float, began: float = inf) -> bool:
        """Skip the target, unless the failed call *began* before it was last skipped; tell whether it is skipped."""
        if began <= self._since:
            return False
        pause = min(2.0 ** min(self._failures, 10), LONGEST_PAUSE)
        self._failures += 1
        self._since, self._until, self._probe_until = now, now + pause, None
        return True

    def answered(self, now: float, began: float) -> None:
        """Ask the target again, if the call *began* since it was skipped, and was not longer than readers wait.

        The first answer of all may have taken longer, since that call also made the client and signed in.
        """
        in_time = began >= self._since and now - began < self._patience
        if in_time or not self._known:
            self._failures, self._until, self._probe_until, self._known = 0, -inf, None, True
