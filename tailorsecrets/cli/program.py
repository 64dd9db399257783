"""The name of the program, and of its completion variable."""

from typing import Final

PROGRAM: Final = "tailorsecrets"
COMPLETE: Final = "_TAILORSECRETS_COMPLETE"  # set by the shell while it completes a word
