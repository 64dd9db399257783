"""Versions, compared. Pure."""

from tailorsecrets.driver import Entry


def is_version(entry: Entry, expect: str) -> bool:
    """Tell whether *entry* is of version *expect*; either may lack the part from the @ on."""
    here, there = entry.version.partition("@"), expect.partition("@")
    return here == there or (here[0] == there[0] and not (here[2] and there[2]))
