"""Access to a store without the driver under test, for the conformance suite."""

import abc
from collections.abc import Mapping
from typing import Final


class Backdoor(abc.ABC):
    """Another tool, which writes to and reads from the store through the raw SDK or the file itself.

    ``write`` and ``read`` are required. Each other method is an *ability*: implement it, or name it in the suite's
    ``cannot``. Names are native names.
    """

    @abc.abstractmethod
    def write(self, name: str, text: str) -> None:
        """Store *text* under *name*, as a new version if *name* exists, without a stamp."""

    @abc.abstractmethod
    def read(self, name: str) -> str:
        """Return the plain text that another tool reads under *name*."""

    def write_bytes(self, name: str, octets: bytes) -> None:
        """Store *octets*, which are not UTF-8, under *name*, or damage the value that is there."""
        raise NotImplementedError

    def bare(self, name: str) -> None:
        """Make *name* without any value."""
        raise NotImplementedError

    def disable(self, name: str) -> None:
        """Disable the current version of *name*, which exists."""
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
        """Make the driver's login invalid until ``recover``."""
        raise NotImplementedError

    def edit_tags(self, name: str, tags: Mapping[str, str]) -> None:
        """Add *tags* to *name*, which exists; write no value."""
        raise NotImplementedError

    def rollback(self, name: str, version: str) -> None:
        """Make the old *version* of *name* the current value, as the store's own tools do."""
        raise NotImplementedError

    def throttle(self, times: int) -> None:
        """Let the store refuse the driver's next *times* calls as too many."""
        raise NotImplementedError

    def lose_answers(self) -> None:
        """Let the store do each write of the driver without answering, until ``recover``."""
        raise NotImplementedError

    def crash(self, *, after: int) -> None:
        """Let *after* calls of the driver reach the store; raise faults.Crash instead of the next, until ``recover``.

        A call is a point where the process can die: an API call, or a step on the disk.
        """
        raise NotImplementedError

    def calls(self) -> int:
        """Return the number of calls of drivers that have reached the store so far."""
        raise NotImplementedError

    def recover(self) -> None:  # noqa: B027 - nothing to do without these abilities
        """End the effects of ``unreachable``, ``expire_login``, ``throttle``, ``lose_answers`` and ``crash``."""

    def settle(self) -> None:  # noqa: B027 - nothing to do where lists do not lag
        """Wait until lists show all writes; only where ``caps.list_lag`` is over 0."""


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
