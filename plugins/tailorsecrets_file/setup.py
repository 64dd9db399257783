"""Making a store file on purpose, and telling git about it."""

import os
from pathlib import Path

from tailorsecrets_file.storefile import StoreFile


def set_up(file: StoreFile) -> str:
    """Make the file, its key and its line in ``.gitattributes``; return what was made, "" if the file was there."""
    if file.exists():
        return ""
    with file.writing(create=True) as draft:
        if draft.slots:  # another process was first
            return ""
        draft.changed = True
    real = Path(os.path.realpath(file.path))
    _add(real.parent / ".gitattributes", f"{_quoted(_pattern(real.name))} merge=union -text")
    _add(real.parent / ".gitignore", f"{_pattern(f'.{real.name}.')}*")  # the lock, and what a killed writer left
    slot = draft.slots[0]
    opener = f"the key {slot.label}" if slot.label else f"a {slot.kind}"
    return f"made the store file {file.path}, which {opener} opens"


def _add(path: Path, line: str) -> None:
    present = path.read_text() if path.exists() else ""
    if line not in present.splitlines():
        newline = "\n" if present and not present.endswith("\n") else ""
        with path.open("a") as file:
            file.write(f"{newline}{line}\n")


def _pattern(name: str) -> str:
    """Return git's pattern for exactly this name, in the folder of the file that holds the pattern."""
    return "/" + "".join(f"\\{char}" if char in "*?[\\" else char for char in name)


def _quoted(pattern: str) -> str:
    """Return a pattern as .gitattributes wants it; .gitignore knows no quotes."""
    if not any(char.isspace() or char == '"' for char in pattern):
        return pattern
    escaped = pattern.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
