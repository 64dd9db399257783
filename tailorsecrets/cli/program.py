"""The names by which the command line is called."""

from typing import Final

PROGRAM: Final = "tailorsecrets"
COMPLETE: Final = "_TAILORSECRETS_COMPLETE"  # set by the shell while it completes a word
