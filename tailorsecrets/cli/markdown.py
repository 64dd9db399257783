"""Tables in Markdown, for a pull request or a ticket. Pure."""

from collections.abc import Sequence
from typing import Final

_PLAIN: Final = frozenset(" -./,?()")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table of cells that are Markdown already; see ``text`` and ``code``."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def text(words: str) -> str:
    """Return *words* as Markdown shows them literally: no character of theirs is markup, a link or a new line."""
    return "".join(char if char.isalnum() or char in _PLAIN else f"&#{ord(char)};" for char in words)


def code(words: str) -> str:
    """Return *words* as code, literally; sites for code turn no @name or #number in it into a link."""
    return f"<code>{text(words)}</code>"
