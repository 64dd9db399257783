"""Making a store file on purpose, and telling git about it."""

import os
from pathlib import Path

from tailorsecrets_file.storefile import StoreFile


def set_up(file: StoreFile) -> str:
    """Make the file and its key, and tell git how to merge it; return what was made, "" if all that was there."""
    made = "" if file.exists() else _make(file)
    told = _tell_git(Path(os.path.realpath(file.path)))
    return made or (f"told git how to merge {file.path}" if told else "")


def _make(file: StoreFile) -> str:
    with file.writing(create=True) as draft:
        if draft.slots:  # another process was first
            return ""
        draft.changed = True
    slot = draft.slots[0]
    opener = f"the key {slot.label}" if slot.label else f"a {slot.kind}"
    return f"made the store file {file.path}, which {opener} opens"


def _tell_git(real: Path) -> bool:
    """Add what is missing of the lines that git needs; tell whether anything was."""
    merge = _add(real.parent / ".gitattributes", f"{_quoted(_pattern(real.name))} merge=union -text")
    beside = f"{_pattern(f'.{real.name}.')}*"  # the lock, and what a killed writer left
    ignore = _add(real.parent / ".gitignore", beside)
    return merge or ignore


def _add(path: Path, line: str) -> bool:
    present = path.read_bytes() if path.exists() else b""
    if line.encode() in present.splitlines():
        return False
    newline = b"\n" if present and not present.endswith(b"\n") else b""
    with path.open("ab") as file:
        file.write(newline + line.encode() + b"\n")
    return True


def _pattern(name: str) -> str:
    """Return git's pattern for exactly this name, in the folder of the file that holds the pattern."""
    return "/" + "".join(f"\\{char}" if char in "*?[\\" else char for char in name)


def _quoted(pattern: str) -> str:
    """Return a pattern as .gitattributes wants it; .gitignore knows no quotes."""
    if not any(char.isspace() or char == '"' for char in pattern):
        return pattern
    escaped = pattern.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
