"""The next state of a store file, while it is being written."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from tailorsecrets.secret import Secret
from tailorsecrets_file import document, header, line, opening, slots
from tailorsecrets_file.history import ANCESTORS, TOMBSTONE_DAYS, History, pruned
from tailorsecrets_file.line import Facts, Line, LineState
from tailorsecrets_file.snapshot import Snapshot

_LIVE = b',"state":"live",'  # inside a JSON string its quotes would be escaped
_NONE: Mapping[str, str] = {}


class Draft(Snapshot):
    """A snapshot that one writer changes; it is written as a whole, or dropped."""

    def __init__(self, base: Snapshot) -> None:
        super().__init__(base.path, base.header, base.document, lambda: base.key, base.key)
        self.slots, self.after = base.header.slots, base.header.after
        self.names = dict(base.names)
        self.changed = False
        self._renewed = False

    def write(self, name: str, value: Secret, stamp: str = "", tags: Mapping[str, str] | None = None) -> Line:
        """Add a version in the place of all that is there now, and return its line."""
        return self._add(name, "live", value, stamp, tags or {})

    def bury(self, name: str) -> None:
        """Add a tombstone."""
        self._add(name, "deleted", Secret(""))

    def purge(self, name: str) -> None:
        """Put one line in the place of all others, so that no merge brings them back and the numbers go on."""
        last = self._add(name, "purged", Secret(""), generations=None)
        self.names[line.encode_name(name)] = [last.raw]

    def renew(self) -> None:
        """Change to a new data key: seal each line again, its facts and so its version token as they are."""
        old = Snapshot(self.path, self.header, self.document._replace(names=self.names), lambda: self.key, self.key)
        self.known = old.key.renewed()
        self.after = (old.key.id, *self.after)[:ANCESTORS]
        self.header = self.header._replace(key_id=self.key.id, after=self.after)
        self.slots = tuple(slots.renewed(slot, self.file_id, self.key) for slot in self.slots)
        self.names = {name: self._resealed(old, name) for name in old.names}
        self.changed = self._renewed = True

    def render(self, keep: int) -> bytes:
        """Return the file that this draft is, with *keep* versions a name and without expired tombstones."""
        cutoff = _text(datetime.now(UTC) - timedelta(days=TOMBSTONE_DAYS))
        names = {name: self._kept(name, keep, cutoff) for name in self.names}
        head = header.encode(self.file_id, self.key, self.slots, self.after)
        return document.render([head, *self._lost()], {name: lines for name, lines in names.items() if lines})

    def _lost(self) -> list[bytes]:
        """Return the older headers with keys that a merge dropped, so that ``file keys list`` goes on showing them."""
        if self._renewed or not self.document.headers:
            return []
        _, older = opening.headers(self.document, self.path)
        return [each.raw for each in older if opening.lost(self.header._replace(slots=self.slots), [each])]

    def _add(
        self,
        name: str,
        state: LineState,
        value: Secret,
        stamp: str = "",
        tags: Mapping[str, str] = _NONE,
        *,
        generations: int | None = ANCESTORS,
    ) -> Line:
        history = self.history(name)
        now = _text(datetime.now(UTC))
        facts = Facts(
            name=name,
            number=history.next_number(),
            id=os.urandom(6).hex(),
            after=history.ancestry()[:generations],
            state=state,
            time=now,
            created=_created(history, now),
            stamp=stamp,
            tags=dict(tags),
        )
        raw = line.seal(facts, value, self.key, self.file_id, os.urandom(line.NONCE))
        self.names[line.encode_name(name)] = [raw, *(each.raw for each in history.lines)]
        self.changed = True
        return line.parse(raw)._replace(facts=facts)

    def _resealed(self, old: Snapshot, name: bytes) -> list[bytes]:
        history = old.history_of(name)
        sealed = [
            line.seal(each.facts, old.value(each), self.key, self.file_id, os.urandom(line.NONCE))
            for each in history.lines
        ]
        return sealed + [stranger.raw for stranger in history.strangers]

    def _kept(self, name: bytes, keep: int, cutoff: str) -> list[bytes]:
        lines = self.names[name]
        if len(lines) <= keep and all(_LIVE in raw for raw in lines):
            return lines  # nothing to drop, and no need to look inside
        return [each.raw for each in pruned(self.history_of(name), keep, cutoff)]


def _created(history: History, now: str) -> str:
    return now if history.state == "missing" else min((each.facts.created for each in history.lines), default=now)


def _text(time: datetime) -> str:
    return time.isoformat(timespec="microseconds").replace("+00:00", "Z")
