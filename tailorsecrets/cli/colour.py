"""Colour on a terminal. Texts are plain until they are written; the beginning of a line decides its colour."""

from collections.abc import Mapping
from typing import Any, Final, TextIO

_LINES: Final[Mapping[str, Mapping[str, str | bool]]] = {
    r" +\+ .*": {"fg": "green"},
    r" +[~○*] .*": {"fg": "yellow"},
    r" +[-!] .*": {"fg": "red"},
    r"error\[\w+\]:": {"fg": "red", "bold": True},
    r"(warning|note):": {"fg": "yellow", "bold": True},
    r"hint:": {"bold": True},
    r"ok\b": {"fg": "green"},
    r"(FAILED|UNTRIED)\b": {"fg": "red"},
    r"WARNING\b": {"fg": "yellow"},
    r"done:$": {"fg": "green"},
    r"not done:$": {"fg": "red"},
    r"unknown:$": {"fg": "yellow"},
    r" *[A-Z][\w ,]*:$|(Plan|Diff): .*": {"bold": True},
}


def has_colour(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Tell whether *stream* shows colour: a terminal does, and with FORCE_COLOR everything does.

    A non-empty NO_COLOR and TERM=dumb always turn colour off.
    """
    if environ.get("NO_COLOR") or environ.get("TERM") == "dumb":
        return False
    return bool(environ.get("FORCE_COLOR")) or stream.isatty()


def coloured(text: str) -> str:
    """Return *text* with each line, or the word that it begins with, in its colour."""
    return "\n".join(map(_coloured_line, text.split("\n")))


def heading(text: str) -> str:
    """Return *text* as a heading."""
    return _styled(text, bold=True)


def term(text: str) -> str:
    """Return *text* as a word that can be typed, such as an option."""
    return _styled(text, fg="green")


def _coloured_line(line: str) -> str:
    import re

    for pattern, style in _LINES.items():
        if found := re.match(pattern, line):
            return _styled(found[0], **style) + line[found.end() :]
    return line


def _styled(text: str, **style: Any) -> str:
    import click  # only now: a command that prints nothing in colour may need no click

    return click.style(text, **style)
