"""The bytes of a store file as lines by name, and back. Pure; reads only the name and the checksum of a line."""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from tailorsecrets_file.header import PREFIX
from tailorsecrets_file.line import NAME, NUMBER, Damaged, checksum_fits

END: Final = b'{"end":true}'  # the last line; without it, the file was cut short
_VERSION: Final = NAME + b'"'
_MARKERS: Final = (b"<<<<<<<", b"=======", b">>>>>>>", b"|||||||")


class Document(NamedTuple):
    """The content of a file. A git merge may leave several headers, duplicate lines, and any order."""

    headers: tuple[bytes, ...]
    names: dict[bytes, list[bytes]]  # encoded name -> its lines; headers, names and lines are each distinct
    content: bytes


def parse(content: bytes) -> Document:
    """Split a file into its lines; Damaged, with the line number, if a line does not match its checksum."""
    lines = content.split(b"\n")
    headers: dict[bytes, None] = {}
    names: dict[bytes, list[bytes]] = {}
    for raw in lines:
        if raw.startswith(_VERSION) and checksum_fits(raw):
            _add(names, raw)
        elif raw.startswith(PREFIX):
            headers[raw] = None
        elif raw not in {END, b""}:
            raise Damaged(_complaint(raw, lines.index(raw) + 1))
    if END not in lines:
        raise Damaged("the file is cut short: its last line is missing")
    return Document(tuple(headers), names, content)


def render(headers: Iterable[bytes], names: Mapping[bytes, Iterable[bytes]]) -> bytes:
    """Return the file: the headers, the lines by name and then newest first, the end."""
    lines = [*headers]
    for name in sorted(names):
        lines += _newest_first(names[name], len(name))
    return b"\n".join([*lines, END, b""])


def _newest_first(lines: Iterable[bytes], name_size: int) -> list[bytes]:
    def number(raw: bytes) -> tuple[int, bytes]:
        digits = raw[start : raw.find(b",", start)]
        return len(digits), digits  # not int(): nobody validated this line

    start = len(NAME) + name_size + len(NUMBER)
    return sorted(sorted(lines), key=number, reverse=True)


def _add(names: dict[bytes, list[bytes]], raw: bytes) -> None:
    lines = names.setdefault(raw[len(NAME) : raw.find(NUMBER)], [])
    if raw not in lines:
        lines.append(raw)


def _complaint(raw: bytes, line_number: int) -> str:
    if raw.startswith(_MARKERS):
        return f"line {line_number} is a conflict marker of git"
    return f"line {line_number} is damaged"
