"""The option ``--output``: text that holds values, to stdout or to a private file."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.secret import Secret

F = TypeVar("F", bound=Callable[..., object])


def output_option(function: F) -> F:
    """Add the option."""
    text = "Write to this file, which only you may read. Default: stdout."
    return click.option("--output", metavar="FILE", help=text)(function)


def put_out(invocation: Invocation, text: Secret, output: str | None) -> None:
    """Write *text* to the file *output*, whole or not at all, or to stdout."""
    if output is None:
        invocation.io.write(text.reveal())
        return
    if not output:
        raise click.UsageError("--output is empty: expected a file", click.get_current_context())
    from tailorsecrets.variables.private_file import write_private

    write_private(Path(invocation.io.cwd) / output, text)
    invocation.io.say(f"wrote {output}")


def content(invocation: Invocation, path: str) -> Secret:
    """Return the text of the file *path*, or of stdin for ``-``.

    Raise UsageError where it cannot be read or is not UTF-8.
    """
    try:
        return Secret(_bytes(invocation, path).decode("utf-8"))
    except OSError as exc:
        problem = exc.strerror or type(exc).__name__
    except UnicodeDecodeError:
        problem = "it is not UTF-8 text"  # raised outside: neither a local nor __context__ keeps the bytes
    raise click.UsageError(f"{path}: {problem}", click.get_current_context())


def _bytes(invocation: Invocation, path: str) -> bytes:
    return invocation.io.stdin.read() if path == "-" else (Path(invocation.io.cwd) / path).read_bytes()
