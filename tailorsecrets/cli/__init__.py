"""The command line. ``--version`` is handled here, before anything else is loaded."""

import gc
import sys
from collections.abc import Sequence

from tailorsecrets import __version__
from tailorsecrets.cli.program import PROGRAM


def main(argv: Sequence[str] | None = None) -> int:
    """Run *argv* (default: the arguments of this process) and return the exit code."""
    words = sys.argv[1:] if argv is None else list(argv)
    if words == ["--version"]:
        sys.stdout.write(f"{PROGRAM} {__version__}\n")
        return 0
    was_on = gc.isenabled()
    gc.disable()  # collecting garbage takes a tenth of a short command, which ends before it matters
    try:
        from tailorsecrets.cli.process import run_process

        return run_process(words)
    except BaseException as exc:
        from tailorsecrets.errors import interrupted

        if not interrupted(exc):
            raise
        sys.stderr.write("error[INTERRUPTED]: interrupted\n")  # while still loading
        return 130
    finally:
        if argv is None:
            gc.freeze()  # so that the interpreter does not collect at its end either
        if was_on:
            gc.enable()  # for a program that called this
        else:
            gc.disable()
