"""The command line. ``--version`` is answered here, before anything else is loaded."""

import gc
import sys
from collections.abc import Sequence

from tailorsecrets import __version__

PROGRAM = "tailorsecrets"
COMPLETE = "_TAILORSECRETS_COMPLETE"


def main(argv: Sequence[str] | None = None) -> int:
    """Run *argv*, default: the arguments of this process, and return the exit code."""
    words = sys.argv[1:] if argv is None else list(argv)
    if words == ["--version"]:
        sys.stdout.write(f"{PROGRAM} {__version__}\n")
        return 0
    gc.disable()  # a command ends before its garbage matters, and looking for it is a tenth of a short one
    try:
        from tailorsecrets.cli.process import run_process

        return run_process(words)
    except KeyboardInterrupt:  # while still loading
        return 130
    finally:
        gc.freeze()  # nor does the interpreter look for it at the end
