"""The value of ``secret create`` and ``update``, which is read before any contact with the store."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import click

from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.prompts import hidden
from tailorsecrets.errors import Refused, ValueInvalid
from tailorsecrets.secret import Secret

T = TypeVar("T")

_OPTIONS: Final = "--value-stdin, --value-file PATH or --value TEXT"
_VISIBLE: Final = (
    "warning: a value in --value is visible in the process list and in the shell history; "
    "--value-stdin reads it from a pipe"
)


class Given(NamedTuple):
    """The options for the value, of which at most one should be given."""

    text: Secret | None
    stdin: bool
    path: str | None


def value_options(function: Callable[..., T]) -> Callable[..., T]:
    """Add the options for the value; *function* gets them as ``given``."""

    @wraps(function)
    def gathered(*args: Any, value: Secret | None, value_stdin: bool, value_file: str | None, **others: Any) -> T:
        return function(*args, given=Given(value, value_stdin, value_file), **others)

    for option in (
        click.option("--value-file", metavar="PATH", help="Use the exact content of this file."),
        click.option("--value-stdin", is_flag=True, help="Read the value from a pipe, without one newline at its end."),
        click.option(
            "--value",
            "-v",
            type=Secret,
            metavar="TEXT",
            help="The value. It is visible in the process list and in the shell history.",
        ),
    ):
        gathered = option(gathered)
    return gathered


def read_value(invocation: Invocation, given: Given, *, cancelled: str) -> Secret:
    """Return the value of the options, or the one that the user types without echo.

    Raise ValueInvalid for none, for two and for bytes that are not text, Refused with the code *cancelled* where the
    user ends the input.
    """
    text, stdin, path = given
    if (text is not None) + stdin + (path is not None) > 1:
        hint = f"give one of {_OPTIONS}"
        raise ValueInvalid("more than one option gives a value", code="SECRET_VALUE_OPTIONS_CONFLICT", hint=hint)
    if text is not None:
        invocation.io.say(_VISIBLE)
        return text
    if stdin:
        return _filled(_from_stdin(invocation))
    if path is not None:
        return _filled(_decoded(_content(invocation, path)))
    return _typed(invocation, cancelled)


def _from_stdin(invocation: Invocation) -> Secret:
    if invocation.io.stdin.isatty():
        raise ValueInvalid(
            "--value-stdin: stdin is a terminal, which would show the value",
            code="SECRET_VALUE_STDIN_TTY",
            hint="leave the option out: the command then asks for the value and does not show it",
        )
    return piped(invocation)


def piped(invocation: Invocation) -> Secret:
    """Return the text from the pipe, without one newline at its end."""
    return _without_newline(_decoded(invocation.io.stdin.read()))


def _typed(invocation: Invocation, cancelled: str) -> Secret:
    if not invocation.can_ask:
        hint = f"give {_OPTIONS}"
        raise ValueInvalid("no value, and there is no terminal to ask for it", code="SECRET_VALUE_REQUIRED", hint=hint)
    value = hidden("Value", invocation)
    if value is None:
        raise Refused("nothing was changed", code=cancelled)
    return _filled(value)


def _content(invocation: Invocation, path: str) -> bytes:
    try:
        return (Path(invocation.io.cwd) / path).read_bytes()
    except OSError as exc:
        problem = exc.strerror or type(exc).__name__
    raise click.UsageError(f"--value-file {path}: {problem}")


def _decoded(raw: bytes) -> Secret:
    try:
        return Secret(raw.decode())
    except UnicodeDecodeError:
        del raw  # and raise outside: no local and no __context__ keeps it
    raise ValueInvalid("the value is not UTF-8 text", hint="encode it, for example with base64")


def _without_newline(value: Secret) -> Secret:
    text = value.reveal()
    return Secret(text.removesuffix("\r\n") if text.endswith("\r\n") else text.removesuffix("\n"))


def _filled(value: Secret) -> Secret:
    if not value.reveal():
        hint = 'write --value "" for the empty text'
        raise ValueInvalid("the value is empty", code="SECRET_VALUE_EMPTY", hint=hint)
    return value
