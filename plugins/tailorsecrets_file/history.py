"""What the lines of one name mean together. Pure.

Each line names those that it replaces, some generations back (``after``). A line that no other replaces is a head.
One branch of history has one head, the highest number. Two branches that both changed a name leave two: a conflict,
until a later version replaces them all.
"""

from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple

from tailorsecrets_file.line import Line

TOMBSTONE_DAYS: Final = 90
ANCESTORS: Final = 32  # ids in ``after``: what a merge may bring back of older versions is told from a change by them


class History(NamedTuple):
    """The lines of one name, and those of them that are the present."""

    lines: tuple[Line, ...]  # in the file's key, newest first, without those that a purge took
    heads: tuple[Line, ...]  # none: the name was never there
    strangers: tuple[Line, ...] = ()  # heads in another key: a branch wrote them while another branch rekeyed

    @property
    def state(self) -> Literal["missing", "live", "deleted", "contested"]:
        """What the name is now."""
        states = {head.facts.state for head in self.heads}
        if self.strangers or (len(self.heads) > 1 and "live" in states):
            return "contested"
        if states <= {"purged"}:
            return "missing"
        return "live" if states == {"live"} else "deleted"

    @property
    def sides(self) -> tuple[str, ...]:
        """The version tokens of the present; more than one are in conflict."""
        return tuple(line.token for line in (*self.heads, *self.strangers))

    @property
    def token(self) -> str:
        """The version token of the present; of a conflict, all of them joined."""
        return "+".join(self.sides)

    @property
    def live(self) -> list[Line]:
        """The versions that hold a value, newest first."""
        return [line for line in self.lines if line.facts.state == "live"]

    def next_number(self) -> int:
        """Return the number of the next version."""
        return self.lines[0].facts.number + 1 if self.lines else 1

    def ancestry(self) -> tuple[str, ...]:
        """Return the ids that the next version replaces: the heads first, then older ones, newest first."""
        ids = [line.facts.id for line in (*self.heads, *self.strangers, *self.lines)]
        older = (replaced for line in self.lines for replaced in line.facts.after)
        return tuple(dict.fromkeys([*ids, *older]))


def trace(lines: Sequence[Line], key_id: str) -> History:
    """Return the history that *lines* of one name make, *key_id* being the file's key."""
    if len(lines) == 1 and lines[0].key == key_id:
        return History(tuple(lines), tuple(lines))
    own = sorted((line for line in lines if line.key == key_id), key=_newest_first)
    replaced = _replaced(own)
    purged = _replaced(line for line in own if line.facts.state == "purged")
    kept = tuple(line for line in own if line.facts.id not in purged)
    known = replaced | {line.facts.id for line in own}
    strangers = tuple(line for line in lines if line.key != key_id and line.facts.id not in known)
    return History(kept, tuple(line for line in kept if line.facts.id not in replaced), strangers)


def pruned(history: History, keep: int, cutoff: str) -> list[Line]:
    """Return the lines that a rewrite keeps: heads, *keep* live versions, tombstones after the time *cutoff*."""
    if not history.strangers and all(_expired(head, cutoff) for head in history.heads):
        return []
    kept = {line.raw for line in (*history.heads, *history.live[:keep])}
    kept |= {line.raw for line in history.lines if line.facts.state != "live" and not _expired(line, cutoff)}
    return [line for line in history.lines if line.raw in kept] + list(history.strangers)


def _replaced(lines: Iterable[Line]) -> set[str]:
    return {replaced for line in lines for replaced in line.facts.after}


def _expired(line: Line, cutoff: str) -> bool:
    return line.facts.state != "live" and line.facts.time < cutoff


def _newest_first(line: Line) -> tuple[int, str]:
    return -line.facts.number, line.facts.id
