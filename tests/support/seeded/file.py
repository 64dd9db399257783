"""The other tool at the file of the poor driver."""

import json
from pathlib import Path

from tailorsecrets.testing.backdoor import Backdoor


class FileBackdoor(Backdoor):
    """An editor of the JSON file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, name: str, text: str) -> None:
        """Set one name."""
        self._set(name, text)

    def read(self, name: str) -> str:
        """Read one name."""
        text: str = json.loads(self._path.read_text())[name]
        return text

    def write_bytes(self, name: str, octets: bytes) -> None:
        """Write what is not text."""
        self._set(name, list(octets))

    def unreachable(self) -> None:
        """Let the file be a folder."""
        if self._path.exists():
            self._path.rename(self._away)
        self._path.mkdir()

    def cut_answers(self) -> None:
        """Cut the file in half."""
        octets = self._path.read_bytes()
        self._path.rename(self._away)
        self._path.write_bytes(octets[: len(octets) // 2])

    def recover(self) -> None:
        """Bring the file back."""
        if self._path.is_dir():
            self._path.rmdir()
        if self._away.exists():
            self._away.replace(self._path)

    @property
    def _away(self) -> Path:
        return self._path.with_suffix(".away")

    def _set(self, name: str, text: object) -> None:
        texts = json.loads(self._path.read_text()) if self._path.exists() else {}
        self._path.write_text(json.dumps({**texts, name: text}))
