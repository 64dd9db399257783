"""Errors on stderr, and their exit codes. The message of an unexpected exception is never shown."""

from collections.abc import Mapping
from types import TracebackType
from typing import Final

import click

from tailorsecrets.cli import exits
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.nearest import suggestion
from tailorsecrets.cli.program import PROGRAM
from tailorsecrets.errors import SecretsError, interrupted

_BUG: Final = "this is a bug in tailorsecrets or in a plugin; --verbose shows where it is"


class Failed(SecretsError):
    """A command that did a part of its work. ``details`` are beside the error in JSON, and before the error in text."""

    def __init__(
        self,
        message: str,
        *,
        code: str,
        hint: str,
        details: Mapping[str, object] | None = None,
        exit_code: int = exits.ERROR,
    ) -> None:
        super().__init__(message, code=code, hint=hint)
        self.details, self.exit_code = details or {}, exit_code


def show_error(exc: BaseException, invocation: Invocation) -> int:
    """Write the error for *exc* to stderr and return the exit code."""
    match exc:
        case click.exceptions.Exit():
            return exc.exit_code
        case BrokenPipeError():
            return exits.ERROR  # the reader of the output has left, as head does
        case SecretsError():
            _write_error(
                invocation,
                exc.code,
                str(exc),
                suggestion(exc, invocation),
                exc.details if isinstance(exc, Failed) else {},
            )
        case click.ClickException():
            _write_error(invocation, "USAGE", " ".join(exc.format_message().split()), _usage(exc))
        case _ if isinstance(exc, click.Abort) or interrupted(exc):
            _write_error(invocation, "INTERRUPTED", "interrupted")
            return exits.INTERRUPTED
        case _:
            _write_error(invocation, "INTERNAL", f"{type(exc).__name__} at {_place(exc.__traceback__)}", _BUG)
    if invocation.common.verbose:
        invocation.io.say("\n".join([*_reason(exc), *getattr(exc, "__notes__", []), *_frames(exc.__traceback__)]))
    return exc.exit_code if isinstance(exc, Failed) else exits.ERROR


def _reason(exc: BaseException) -> list[str]:
    if not isinstance(exc, SecretsError):
        return []
    return [f"{title}: {text}" for title, text in (("reason", exc.reason), ("raised", exc.origin)) if text]


def _write_error(
    invocation: Invocation, code: str, message: str, hint: str = "", details: Mapping[str, object] | None = None
) -> None:
    if invocation.json:
        from json import dumps

        error = {"code": code, "message": message, "suggestion": hint or None}
        invocation.io.say(dumps({"error": error, **(details or {})}))
    else:
        invocation.io.say(f"error[{code}]: {message}" + (f"\nhint: {hint}" if hint else ""))


def _usage(exc: click.ClickException) -> str:
    context = exc.ctx if isinstance(exc, click.UsageError) else None
    return f"run: {context.command_path if context else PROGRAM} --help"


def _place(trace: TracebackType | None) -> str:
    from traceback import extract_tb

    frames = extract_tb(trace)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "an unknown place"


def _frames(trace: TracebackType | None) -> list[str]:
    """Return the frames without their lines of code, which may hold a value."""
    from traceback import extract_tb

    return [f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in extract_tb(trace)]
