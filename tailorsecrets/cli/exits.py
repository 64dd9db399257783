"""The exit codes."""

from typing import Final

DONE: Final = 0
ERROR: Final = 1  # also bad usage
CHANGES: Final = 2  # the plan has changes, with --detailed-exitcode
NOT_RUNNABLE: Final = 126  # the command of run cannot be run, as a shell has it
NOT_FOUND: Final = 127  # the command of run is not found
INTERRUPTED: Final = 130
