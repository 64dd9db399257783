"""The exit codes."""

from typing import Final

DONE: Final = 0
ERROR: Final = 1  # also bad usage
CHANGES: Final = 2  # the plan has changes, with --detailed-exitcode
INTERRUPTED: Final = 130
