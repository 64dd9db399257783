"""Create a store file, and configure git for it."""

import os
from pathlib import Path

from tailorsecrets_file.store_file import StoreFile


def set_up(file: StoreFile) -> str:
    """Create the file and its key, and configure git; return a message, or "" if there was nothing to do."""
    made = "" if file.exists() else _make(file)
    configured = _configure_git(Path(os.path.realpath(file.path)))
    return made or (f"configured git to merge {file.path}" if configured else "")


def _make(file: StoreFile) -> str:
    with file.writing(create=True) as draft:
        if draft.slots:  # another process was first
            return ""
        draft.changed = True
    slot = draft.slots[0]
    opener = f"the key {slot.label}" if slot.label else f"a {slot.kind}"
    return f"created the store file {file.path}; {opener} opens it"


def _configure_git(real: Path) -> bool:
    """Add the missing lines to git's files; return whether any was missing."""
    merge = _add(real.parent / ".gitattributes", f"{_quoted(_pattern(real.name))} merge=union -text")
    beside = f"{_pattern(f'.{real.name}.')}*"  # the lock file, and temporary files
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
    """Return a pattern for .gitattributes, which needs quotes where .gitignore has none."""
    if not any(char.isspace() or char == '"' for char in pattern):
        return pattern
    escaped = pattern.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
