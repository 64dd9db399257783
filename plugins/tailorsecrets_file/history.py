"""The history of one name: which of its lines are current. Pure.

Each line names those that it replaces, some generations back (``after``). A line that no other replaces is a head.
One branch of history has one head, the highest number. Two branches that both changed a name leave two: a conflict,
until a later version replaces them all.
"""

from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple

from tailorsecrets_file.line import Line

TOMBSTONE_DAYS: Final = 90
ANCESTORS: Final = 32  # ids in ``after``: with them, a merge that brings back old versions does not look like a change


class History(NamedTuple):
    """The lines of one name, and the current ones among them."""

    lines: tuple[Line, ...]  # in the file's data key, newest first, without purged ones
    heads: tuple[Line, ...]  # empty if the name never existed
    unreadable: tuple[Line, ...] = ()  # heads in an older data key: a branch wrote them while another rekeyed

    @property
    def state(self) -> Literal["missing", "live", "deleted", "conflict"]:
        """The state of the name."""
        states = {head.metadata.state for head in self.heads}
        if self.unreadable or (len(self.heads) > 1 and "live" in states):
            return "conflict"
        if states <= {"purged"}:
            return "missing"
        return "live" if states == {"live"} else "deleted"

    @property
    def branches(self) -> tuple[str, ...]:
        """The version tokens of the heads; more than one are in conflict."""
        return tuple(line.token for line in (*self.heads, *self.unreadable))

    @property
    def token(self) -> str:
        """The version token; in a conflict, those of all heads joined."""
        return "+".join(self.branches)

    @property
    def live(self) -> list[Line]:
        """The versions that have a value, newest first."""
        return [line for line in self.lines if line.metadata.state == "live"]

    def next_number(self) -> int:
        """Return the number of the next version."""
        return self.lines[0].metadata.number + 1 if self.lines else 1

    def ancestry(self) -> tuple[str, ...]:
        """Return the ids that the next version replaces: the heads first, then older ones, newest first."""
        ids = [line.metadata.id for line in (*self.heads, *self.unreadable, *self.lines)]
        older = (replaced for line in self.lines for replaced in line.metadata.after)
        return tuple(dict.fromkeys([*ids, *older]))


def trace(lines: Sequence[Line], key_id: str) -> History:
    """Return the history of the *lines* of one name; *key_id* is that of the file."""
    if len(lines) == 1 and lines[0].key == key_id:
        return History(tuple(lines), tuple(lines))
    own = sorted((line for line in lines if line.key == key_id), key=_newest_first)
    replaced = _replaced(own)
    purged = _replaced(line for line in own if line.metadata.state == "purged")
    kept = tuple(line for line in own if line.metadata.id not in purged)
    known = replaced | {line.metadata.id for line in own}
    unreadable = tuple(line for line in lines if line.key != key_id and line.metadata.id not in known)
    return History(kept, tuple(line for line in kept if line.metadata.id not in replaced), unreadable)


def pruned(history: History, keep: int, cutoff: str) -> list[Line]:
    """Return the lines that a rewrite keeps: heads, *keep* live versions, and tombstones newer than *cutoff*."""
    if not history.unreadable and all(_expired(head, cutoff) for head in history.heads):
        return []
    kept = {line.raw for line in (*history.heads, *history.live[:keep])}
    kept |= {line.raw for line in history.lines if line.metadata.state != "live" and not _expired(line, cutoff)}
    return [line for line in history.lines if line.raw in kept] + list(history.unreadable)


def _replaced(lines: Iterable[Line]) -> set[str]:
    return {replaced for line in lines for replaced in line.metadata.after}


def _expired(line: Line, cutoff: str) -> bool:
    return line.metadata.state != "live" and line.metadata.time < cutoff


def _newest_first(line: Line) -> tuple[int, str]:
    return -line.metadata.number, line.metadata.id
