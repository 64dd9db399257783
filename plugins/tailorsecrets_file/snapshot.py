"""A store file in memory. The search for its key starts when the first line is authenticated."""

from collections.abc import Callable, Iterator
from typing import Final

from tailorsecrets.errors import Corrupt
from tailorsecrets.secret import Secret
from tailorsecrets_file import line
from tailorsecrets_file.crypto import FileKey
from tailorsecrets_file.document import Document
from tailorsecrets_file.header import Header
from tailorsecrets_file.history import History, trace
from tailorsecrets_file.line import Line

_ESCAPES: Final = {ord(char): f"%{ord(char):02X}" for char in "%?#"}  # in a URL these end the path


class Snapshot:
    """One state of a store file. It never changes, so threads share it."""

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
        """The key of the file; Unauthenticated if no available key opens it, Corrupt if somebody altered its header."""
        if self.known is None:
            self.known = self._unlock()
        return self.known

    def history(self, name: str) -> History:
        """Return the history of *name*, with each line authenticated; Corrupt if somebody altered one."""
        return self.history_of(line.encode_name(name))

    def history_of(self, encoded: bytes) -> History:
        """Return the same for an encoded name."""
        self._authenticate()
        return trace([self._authenticated(raw) for raw in self.names.get(encoded, ())], self.header.key_id)

    def histories(self, prefix: str) -> Iterator[tuple[str, History]]:
        """Yield the names under *prefix* in order, with their histories; needs no key and authenticates nothing."""
        start = line.encode_name(prefix)[:-1]
        for encoded in sorted(name for name in self.names if name.startswith(start)):
            history = trace([self._parse(raw) for raw in self.names[encoded]], self.header.key_id)
            if history.heads or history.unreadable:
                yield (history.heads or history.unreadable)[0].metadata.name, history

    def value(self, version: Line) -> Secret:
        """Return the value of a line; Corrupt if somebody altered it."""
        return self._opened(version)[1]

    def _authenticate(self) -> None:
        """Authenticate the header; before that, a missing name and the key of a line prove nothing."""
        _ = self.key

    def _authenticated(self, raw: bytes) -> Line:
        """Return a line with its stamp. A line in an older data key is returned as it is; its value is unreadable."""
        parsed = self._parse(raw)
        if parsed.key == self.header.key_id:
            return parsed._replace(metadata=parsed.metadata._replace(stamp=self._opened(parsed)[0]))
        if parsed.key not in self.header.after:
            raise self._corrupt(raw, "its key is not a key of this file")
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
    """Return the remedy for a damaged file."""
    return f"restore {path} from git or from a backup"


def store_option(path: str) -> str:
    """Return the option of a command that names the store file at *path*."""
    from shlex import quote

    return f"--store {quote('file:' + path.translate(_ESCAPES))}"
