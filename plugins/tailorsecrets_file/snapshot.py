"""A store file in memory: what a reader looks at. Its key is looked for when the first line is authenticated."""

from collections.abc import Callable, Iterator

from tailorsecrets.errors import Corrupt
from tailorsecrets.secret import Secret
from tailorsecrets_file import line
from tailorsecrets_file.crypto import FileKey
from tailorsecrets_file.document import Document
from tailorsecrets_file.header import Header
from tailorsecrets_file.history import History, trace
from tailorsecrets_file.line import Line


class Snapshot:
    """One state of a store file. Threads share it: nothing in it ever changes."""

    def __init__(
        self, path: str, header: Header, lines: Document, unlock: Callable[[], FileKey], known: FileKey | None = None
    ) -> None:
        self.path = path
        self.header = header
        self.file_id = header.file_id
        self._unlock, self.known = unlock, known
        self.document = lines
        self.names = lines.names

    @property
    def key(self) -> FileKey:
        """The key of the file; Unauthenticated if nothing at hand opens it, Corrupt if its header was altered."""
        if self.known is None:
            self.known = self._unlock()
        return self.known

    def history(self, name: str) -> History:
        """Return what stands under *name*, each line authenticated; Corrupt if one is not what was written."""
        return self.history_of(line.encode_name(name))

    def history_of(self, encoded: bytes) -> History:
        """Return the same for a name as it stands in the lines."""
        self._vouch()
        return trace([self._authenticated(raw) for raw in self.names.get(encoded, ())], self.header.key_id)

    def histories(self, prefix: str) -> Iterator[tuple[str, History]]:
        """Yield the names under *prefix* in order, with their histories; needs no key, so none is authenticated."""
        start = line.encode_name(prefix)[:-1]
        for encoded in sorted(name for name in self.names if name.startswith(start)):
            history = trace([self._parse(raw) for raw in self.names[encoded]], self.header.key_id)
            if history.heads or history.strangers:
                yield (history.heads or history.strangers)[0].facts.name, history

    def value(self, version: Line) -> Secret:
        """Return the value of a line; Corrupt, naming it, if it is not what was written."""
        return self._opened(version)[1]

    def _vouch(self) -> None:
        """Have the header authenticated, so that a missing name is one, and no line is taken for another key's."""
        _ = self.key

    def _authenticated(self, raw: bytes) -> Line:
        """Return a line with its stamp; one that a branch wrote before a rekey of another is returned as it is."""
        parsed = self._parse(raw)
        if parsed.key == self.header.key_id:
            return parsed._replace(facts=parsed.facts._replace(stamp=self._opened(parsed)[0]))
        if parsed.key not in self.header.after:
            raise self._corrupt(raw, "no data key of this file sealed it")
        return parsed

    def _opened(self, version: Line) -> tuple[str, Secret]:
        try:
            return line.unseal(version, self.key, self.file_id)
        except line.Damaged as error:
            raise self._corrupt(version.raw, str(error)) from None

    def _parse(self, raw: bytes) -> Line:
        try:
            return line.parse(raw)
        except line.Damaged as error:
            raise self._corrupt(raw, str(error)) from None

    def _corrupt(self, raw: bytes, why: str) -> Corrupt:
        number = _line_number(self.document.content, raw)
        name = raw[len(line.NAME) : raw.find(line.NUMBER)][:200].decode("ascii", "replace")
        return Corrupt(f"line {number} of {self.path} ({name}) was altered: {why}", hint=restore_hint(self.path))


def _line_number(content: bytes, raw: bytes) -> int:
    return content.count(b"\n", 0, content.find(raw)) + 1


def restore_hint(path: str) -> str:
    """Return what to do about a damaged file."""
    return f"restore {path} from git or from a backup"
