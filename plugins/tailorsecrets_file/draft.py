"""The next state of a store file, before it is written."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from tailorsecrets.secret import Secret
from tailorsecrets_file import document, header, line, loading, slots
from tailorsecrets_file.history import ANCESTORS, TOMBSTONE_DAYS, History, pruned
from tailorsecrets_file.line import Line, LineState, Metadata
from tailorsecrets_file.snapshot import Snapshot

_LIVE = b',"state":"live",'  # cannot appear inside a JSON string, where quotes are escaped
_NONE: Mapping[str, str] = {}


class Draft(Snapshot):
    """A snapshot that one writer changes. It is written as a whole or not at all."""

    def __init__(self, base: Snapshot) -> None:
        super().__init__(base.path, base.header, base.document, lambda: base.key, base.key)
        self.slots, self.after = base.header.slots, base.header.after
        self.names = dict(base.names)
        self.changed = False
        self._rekeyed = False

    def write(self, name: str, value: Secret, stamp: str = "", tags: Mapping[str, str] | None = None) -> Line:
        """Add a version that replaces all heads, and return its line."""
        return self._add(name, "live", value, stamp, tags or {})

    def delete(self, name: str) -> None:
        """Add a tombstone."""
        self._add(name, "deleted", Secret(""))

    def purge(self, name: str) -> None:
        """Replace all lines by one, so that no merge brings them back and the numbers continue."""
        last = self._add(name, "purged", Secret(""), generations=None)
        self.names[line.encode_name(name)] = [last.raw]

    def rekey(self) -> None:
        """Change to a new data key: encrypt each line again and keep its metadata, and so its version token."""
        old = Snapshot(self.path, self.header, self.document._replace(names=self.names), lambda: self.key, self.key)
        self.known = old.key.renewed()
        self.after = (old.key.id, *self.after)[:ANCESTORS]
        self.header = self.header._replace(key_id=self.key.id, after=self.after)
        self.slots = tuple(slots.with_data_key(slot, self.file_id, self.key) for slot in self.slots)
        self.names = {name: self._resealed(old, name) for name in old.names}
        self.changed = self._rekeyed = True

    def render(self, keep: int) -> bytes:
        """Return the bytes of the file, with *keep* versions of each name and without expired tombstones."""
        cutoff = _text(datetime.now(UTC) - timedelta(days=TOMBSTONE_DAYS))
        names = {name: self._kept(name, keep, cutoff) for name in self.names}
        head = header.encode(self.file_id, self.key, self.slots, self.after)
        return document.render([head, *self._lost()], {name: lines for name, lines in names.items() if lines})

    def _lost(self) -> list[bytes]:
        """Return the old headers that hold keys which a merge dropped, so that ``file keys list`` still shows them."""
        if self._rekeyed or not self.document.headers:
            return []
        _, older = loading.headers(self.document, self.path)
        return [each.raw for each in older if loading.lost(self.header._replace(slots=self.slots), [each])]

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
        metadata = Metadata(
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
        raw = line.seal(metadata, value, self.key, self.file_id, os.urandom(line.NONCE))
        self.names[line.encode_name(name)] = [raw, *(each.raw for each in history.lines)]
        self.changed = True
        return line.parse(raw)._replace(metadata=metadata)

    def _resealed(self, old: Snapshot, name: bytes) -> list[bytes]:
        history = old.history_of(name)
        sealed = [
            line.seal(each.metadata, old.value(each), self.key, self.file_id, os.urandom(line.NONCE))
            for each in history.lines
        ]
        return sealed + [stranger.raw for stranger in history.unreadable]

    def _kept(self, name: bytes, keep: int, cutoff: str) -> list[bytes]:
        lines = self.names[name]
        if len(lines) <= keep and all(_LIVE in raw for raw in lines):
            return lines  # nothing to drop
        return [each.raw for each in pruned(self.history_of(name), keep, cutoff)]


def _created(history: History, now: str) -> str:
    return now if history.state == "missing" else min((each.metadata.created for each in history.lines), default=now)


def _text(time: datetime) -> str:
    return time.isoformat(timespec="microseconds").replace("+00:00", "Z")
