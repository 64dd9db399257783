"""The world outside of a command: streams, environment and working directory. Tests pass their own."""

import os
import signal
from collections.abc import Callable, Generator, Mapping, MutableMapping
from contextlib import contextmanager
from os import PathLike
from typing import BinaryIO, TextIO

from tailorsecrets.cli.colour import coloured, has_colour
from tailorsecrets.errors import SecretsError


def replace_process(words: tuple[str, ...], environ: Mapping[str, str]) -> int:
    """Replace this process by the command *words* in *environ*; return only by an OSError."""
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # which Python ignores, and the command would too
        signal.signal(number, signal.SIG_DFL)
    os.execvpe(words[0], words, environ)  # noqa: S606  # no shell is the point


class Io:
    """Data goes to *stdout*, messages go to *stderr*. *stdin* is read as bytes, so that values arrive unchanged.

    Env files are added to *environ*. *execute* runs a command; by default it takes the place of this process. With
    ``plain`` nothing is in colour. This is not a dataclass, as those take longer
    to define than the help takes to write.
    """

    def __init__(
        self,
        stdin: BinaryIO,
        stdout: TextIO,
        stderr: TextIO,
        environ: MutableMapping[str, str],
        cwd: str | PathLike[str],
        *,
        execute: Callable[[tuple[str, ...], Mapping[str, str]], int] = replace_process,
    ) -> None:
        self.stdin, self.stdout, self.stderr = stdin, stdout, stderr
        self.environ, self.cwd, self.execute = environ, cwd, execute
        self.plain = False

    def show(self, text: str) -> None:
        """Write a line of data."""
        self.write(f"{text}\n")

    def show_coloured(self, text: str) -> None:
        """Write lines for people, in colour where stdout shows it."""
        self.show(self._coloured(printable(text), self.stdout))

    def write(self, text: str) -> None:
        """Write data unchanged."""
        with _output_errors():
            self.stdout.write(text)

    def flush(self) -> None:
        """Flush stdout."""
        with _output_errors():
            self.stdout.flush()

    def show_json(self, document: object) -> None:
        """Write data as JSON."""
        from json import dumps

        self.show(dumps(document, indent=2))

    def say(self, text: str) -> None:
        """Write a message, in colour where stderr shows it."""
        self.stderr.write(f"{self._coloured(printable(text), self.stderr)}\n")
        self.stderr.flush()

    @property
    def terminal(self) -> bool:
        """Whether a prompt reaches a person."""
        return self.stdin.isatty() and self.stderr.isatty()

    @property
    def coloured(self) -> bool:
        """Whether stdout shows colour."""
        return not self.plain and has_colour(self.stdout, self.environ)

    def _coloured(self, text: str, stream: TextIO) -> str:
        return coloured(text) if not self.plain and has_colour(stream, self.environ) else text


def printable(text: str) -> str:
    """Return *text* with control characters escaped: a label in a store must not control the terminal."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char == "\n" else ascii(char)[1:-1] for char in text)


@contextmanager
def _output_errors() -> Generator[None]:
    """Turn an error of stdout, such as a full disk, into OUTPUT_FAILED. A reader that has left is not an error."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as exc:
        problem = exc.strerror or type(exc).__name__
    else:
        return
    raise SecretsError(f"stdout cannot be written: {problem}", code="OUTPUT_FAILED")
