"""Running a command line, on the streams of the process or on given ones."""

import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import BinaryIO, cast

from tailorsecrets.cli import exits
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.program import COMPLETE, PROGRAM
from tailorsecrets.cli.streams import Io

# click is imported where it is used: `run` may not need it


def run(argv: Sequence[str], io: Io) -> int:
    """Run *argv* and return the exit code. Errors go to ``io.stderr``."""
    invocation = Invocation(io)
    try:
        code = _invoke(argv, invocation)
        invocation.wait_notice.stop()
        io.flush()
    except BaseException as exc:  # noqa: BLE001  # the last place that can report it
        invocation.wait_notice.stop()
        return _report(exc, argv, invocation)
    return code or exits.DONE


def _invoke(argv: Sequence[str], invocation: Invocation) -> int | None:
    if argv[:1] == ["run"]:
        from tailorsecrets.cli.running import plain_line, run_line

        line = plain_line(argv[1:])
        if line is not None:
            return run_line(line, invocation)
    from tailorsecrets.cli.root import root

    with root.make_context(PROGRAM, list(argv) or ["--help"], obj=invocation) as context:
        code: int | None = root.invoke(context)
    return code


def _report(exc: BaseException, argv: Sequence[str], invocation: Invocation) -> int:
    import click

    from tailorsecrets.cli.failures import show_error

    if isinstance(exc, click.UsageError):  # --json may be after the word that cannot be parsed
        invocation.take("json", invocation.json or not {"--json", "-j"}.isdisjoint(argv))
    return show_error(exc, invocation)


def run_process(argv: Sequence[str]) -> int:
    """Run *argv* on the streams of this process, or complete the line that a shell passes."""
    _open_closed_streams()
    io = Io(sys.stdin.buffer, sys.stdout, sys.stderr, os.environ, _folder())
    if COMPLETE in os.environ:
        from click.shell_completion import shell_complete

        from tailorsecrets.cli.root import root

        return shell_complete(root, {"obj": Invocation(io)}, PROGRAM, COMPLETE, os.environ[COMPLETE])
    cast("TextIOWrapper[BinaryIO]", sys.stdout).reconfigure(encoding="utf-8")  # a value is written as its exact bytes
    code = run(argv, io)
    _drop_unread()
    return code


def _open_closed_streams() -> None:
    """Replace a stream that the caller has closed (``<&-``) by the null device."""
    sys.stdin = sys.stdin or open(os.devnull)  # noqa: SIM115
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115


def _folder() -> str:
    """Return the working directory. If it was deleted, relative paths are not found."""
    try:
        return os.getcwd()
    except FileNotFoundError:
        return os.environ.get("PWD", os.sep)


def _drop_unread() -> None:
    """Keep the end of the process quiet when stdout cannot be written."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
