"""The other tool: what the conformance suite uses to reach a store without the driver under test."""

import abc
from collections.abc import Mapping
from typing import Final


class Backdoor(abc.ABC):
    """Writes to and reads from the store as another tool would, through the raw SDK or the bare file.

    ``write`` and ``read`` are required. Each other method is an *ability*: implement it, or name it in the suite's
    ``cannot``. Names are native names.
    """

    @abc.abstractmethod
    def write(self, name: str, text: str) -> None:
        """Store *text* under *name*, as a new version where there is one already; no stamp goes with it."""

    @abc.abstractmethod
    def read(self, name: str) -> str:
        """Return the plain text that another tool finds under *name*."""

    def write_bytes(self, name: str, octets: bytes) -> None:
        """Store *octets*, which are no UTF-8, under *name*, or damage what is stored there."""
        raise NotImplementedError

    def bare(self, name: str) -> None:
        """Make *name* without any value."""
        raise NotImplementedError

    def disable(self, name: str) -> None:
        """Switch off the current version of *name*, which exists."""
        raise NotImplementedError

    def deny(self, name: str) -> None:
        """Forbid the driver's login to read the value of *name*, which exists."""
        raise NotImplementedError

    def deny_purge(self, name: str) -> None:
        """Forbid the driver's login to delete *name*, which exists, for good."""
        raise NotImplementedError

    def unreachable(self) -> None:
        """Make the store unreachable for the driver until ``recover``."""
        raise NotImplementedError

    def expire_login(self) -> None:
        """Make the driver's login worthless until ``recover``."""
        raise NotImplementedError

    def edit_tags(self, name: str, tags: Mapping[str, str]) -> None:
        """Add *tags* to *name*, which exists; write no value."""
        raise NotImplementedError

    def rollback(self, name: str, version: str) -> None:
        """Make the old *version* of *name* the current value, the way that the store's own tools do."""
        raise NotImplementedError

    def throttle(self, times: int) -> None:
        """Let the store refuse the driver's next *times* calls as too many."""
        raise NotImplementedError

    def lose_answers(self) -> None:
        """Let the store do each write of the driver and never answer it, until ``recover``."""
        raise NotImplementedError

    def crash(self, *, after: int) -> None:
        """Let *after* calls of the driver reach the store; raise faults.Crash instead of the next, until ``recover``.

        A call is what the process can die before: an API call, or a step on the disk.
        """
        raise NotImplementedError

    def calls(self) -> int:
        """Return how many calls of drivers have reached the store so far."""
        raise NotImplementedError

    def recover(self) -> None:  # noqa: B027 - nothing, where none of them is able
        """End what ``unreachable``, ``expire_login``, ``throttle``, ``lose_answers`` and ``crash`` began."""

    def settle(self) -> None:  # noqa: B027 - nothing, where lists do not lag
        """Wait until lists show all that was written; only where ``caps.list_lag`` is over 0."""


ABILITIES: Final = frozenset(
    {
        "write_bytes",
        "bare",
        "disable",
        "deny",
        "deny_purge",
        "unreachable",
        "expire_login",
        "edit_tags",
        "rollback",
        "throttle",
        "lose_answers",
        "crash",
        "calls",
    }
)
