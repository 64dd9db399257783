"""What a command has of the outside world: its streams, its environment and its folder. Tests hand in their own."""

import json
from collections.abc import Generator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from os import PathLike
from typing import BinaryIO, TextIO

from tailorsecrets.errors import SecretsError


@dataclass(frozen=True, slots=True)
class Io:
    """Data goes to *stdout*, talk to *stderr*; *stdin* is read as bytes, for values must arrive as they are."""

    stdin: BinaryIO
    stdout: TextIO
    stderr: TextIO
    environ: MutableMapping[str, str] = field(repr=False)  # env files are added to it
    cwd: str | PathLike[str]

    def show(self, text: str) -> None:
        """Write a line of data."""
        self.write(f"{text}\n")

    def write(self, text: str) -> None:
        """Write data as it is."""
        with _output_errors():
            self.stdout.write(text)

    def flush(self) -> None:
        """Hand over the data that was written."""
        with _output_errors():
            self.stdout.flush()

    def show_json(self, document: object) -> None:
        """Write data as JSON."""
        self.show(json.dumps(document, indent=2))

    def say(self, text: str) -> None:
        """Write a line of talk."""
        self.stderr.write(f"{printable(text)}\n")
        self.stderr.flush()

    @property
    def terminal(self) -> bool:
        """Whether somebody is there to be asked."""
        return self.stdin.isatty() and self.stderr.isatty()


def printable(text: str) -> str:
    """Return *text* with control characters spelled out: a label in a store must not steer the terminal."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char == "\n" else ascii(char)[1:-1] for char in text)


@contextmanager
def _output_errors() -> Generator[None]:
    """Say why stdout takes no more, such as a full disk; that nobody reads it any more is no error of ours."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as exc:
        problem = exc.strerror or type(exc).__name__
    else:
        return
    raise SecretsError(f"stdout cannot be written: {problem}", code="OUTPUT_FAILED")
