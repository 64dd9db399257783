"""Access to a store without the driver under test, for the conformance suite."""

import abc
from collections.abc import Mapping, Sequence
from typing import Final


class Lacking(NotImplementedError):
    """The backdoor has no such ability."""

    def __init__(self, ability: str) -> None:
        super().__init__(f"the backdoor lacks {ability}: implement it, or name it in the suite's `cannot`")


class Backdoor(abc.ABC):
    """Another tool, which writes to and reads from the store through the raw SDK or the file itself.

    ``write`` and ``read`` are required. Each other method is an *ability*: implement it, or name it in the suite's
    ``cannot``. Names are native names. For an HTTP store, ``tailorsecrets.testing.proxy.HttpBackdoor`` has the
    abilities that a proxy can have.
    """

    @abc.abstractmethod
    def write(self, name: str, text: str) -> None:
        """Store *text* under *name*, as a new version if *name* exists, without a stamp."""

    @abc.abstractmethod
    def read(self, name: str) -> str:
        """Return the plain text that another tool reads under *name*."""

    def write_bytes(self, name: str, octets: bytes) -> None:
        """Store *octets*, which are not UTF-8, under *name*, or damage the value that is there."""
        raise Lacking("write_bytes")

    def bare(self, name: str) -> None:
        """Make *name* without any value."""
        raise Lacking("bare")

    def disable(self, name: str) -> None:
        """Disable the current version of *name*, which exists."""
        raise Lacking("disable")

    def deny(self, name: str) -> None:
        """Forbid the driver's login to read the value of *name*, which exists."""
        raise Lacking("deny")

    def deny_purge(self, name: str) -> None:
        """Forbid the driver's login to delete *name*, which exists, for good."""
        raise Lacking("deny_purge")

    def unreachable(self) -> None:
        """Make the store unreachable for the driver until ``recover``."""
        raise Lacking("unreachable")

    def expire_login(self) -> None:
        """Make the driver's login invalid until ``recover``."""
        raise Lacking("expire_login")

    def edit_tags(self, name: str, tags: Mapping[str, str]) -> None:
        """Add *tags* to *name*, which exists; write no value."""
        raise Lacking("edit_tags")

    def rollback(self, name: str, version: str) -> None:
        """Make the old *version* of *name* the current value, as the store's own tools do."""
        raise Lacking("rollback")

    def throttle(self, times: int) -> None:
        """Let the store throttle the driver's next *times* calls."""
        raise Lacking("throttle")

    def lose_answers(self) -> None:
        """Let the store do each write of the driver without answering, until ``recover``."""
        raise Lacking("lose_answers")

    def crash(self, *, after: int) -> None:
        """Let *after* calls of the driver reach the store; raise faults.Crash instead of the next, until ``recover``.

        A call is a point where the process can die: an API call, or a step on the disk.
        """
        raise Lacking("crash")

    def calls(self) -> int:
        """Return the number of calls of drivers that have reached the store so far."""
        raise Lacking("calls")

    def hang(self) -> None:
        """Let the store accept each call of the driver and answer none, until ``recover``."""
        raise Lacking("hang")

    def forbid(self) -> None:
        """Take all rights from the driver's login, which the store still knows, until ``recover``."""
        raise Lacking("forbid")

    def fail_after(self, calls: int) -> None:
        """Let *calls* more calls of the driver reach the store, which is then unreachable until ``recover``."""
        raise Lacking("fail_after")

    def cut_answers(self) -> None:
        """Let each answer to the driver end before its end, until ``recover``."""
        raise Lacking("cut_answers")

    def expire_versions(self, name: str) -> None:
        """Remove the old versions of *name*, as the store's own compaction, pruning or destroying does."""
        raise Lacking("expire_versions")

    def answers(self) -> Sequence[bytes]:
        """Return what the store has answered to the driver since the last call."""
        raise Lacking("answers")

    def credentials(self) -> Sequence[str]:
        """Return the texts that have signed the driver in, such as its token or password."""
        raise Lacking("credentials")

    def recover(self) -> None:  # noqa: B027 - nothing to do without these abilities
        """End the faults of the store: all that say "until ``recover``", and ``throttle``."""

    def settle(self) -> None:  # noqa: B027 - nothing to do where lists do not lag
        """Wait until lists show all writes; only where ``caps.list_lag`` is over 0."""


LATER: Final = frozenset(
    {"hang", "forbid", "fail_after", "cut_answers", "expire_versions", "answers", "credentials"}
)  # a backdoor may lack them without naming them in `cannot`: they are newer than some suites
ABILITIES: Final = LATER | {
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
