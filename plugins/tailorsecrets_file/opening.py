"""From the bytes of a store file to a snapshot: take apart, and settle what a git merge left."""

import os
from collections.abc import Sequence
from shlex import quote

from tailorsecrets.driver import Target
from tailorsecrets.errors import Conflict, Corrupt, Unsupported
from tailorsecrets_file import document, header
from tailorsecrets_file.crypto import FileKey
from tailorsecrets_file.document import Document
from tailorsecrets_file.header import Header, Slot
from tailorsecrets_file.line import Damaged
from tailorsecrets_file.snapshot import Snapshot, restore_hint


def opened(content: bytes, path: str, target: Target, known: Snapshot | None) -> Snapshot:
    """Return the snapshot that *content* is; *known*, an earlier one, may spare finding the key again."""
    lines_ = lines(content, path)
    found, _ = headers(lines_, path)
    before = known.known if known else None
    key = before if before and all(each.vouched(before) for each in found) else None
    header_ = merged(found)
    return Snapshot(path, header_, lines_, lambda: _key(found, header_, path, target), key)


def lines(content: bytes, path: str) -> Document:
    """Take a file apart; Corrupt if a line of it is damaged or missing at the end, Unsupported if it is newer."""
    header.check_format(content[:100])
    try:
        return document.parse(content)
    except Damaged as error:
        raise Corrupt(f"{path} is damaged: {error}", hint=restore_hint(path)) from None


def headers(found: Document, path: str) -> tuple[list[Header], list[Header]]:
    """Return the headers of the newest data key, and those of older ones, which a merge leaves.

    Corrupt if there is none, Conflict if there are two newest keys.
    """
    parsed = [_header(raw, path) for raw in found.headers]
    replaced = {key_id for each in parsed for key_id in each.after}
    newest = [each for each in parsed if each.key_id not in replaced]
    if not newest:
        raise Corrupt(f"{path} is damaged: it has no header", hint=restore_hint(path))
    if len({(each.file_id, each.key_id) for each in newest}) > 1:
        raise Conflict(
            f"{path} was rekeyed on two branches, and a merge left the headers of both",
            hint=f"take the file of one branch: {_checkout(path)}; then write the changes of the other branch again",
        )
    if not header.within_limits(merged(newest).slots):
        raise Corrupt(f"{path} has too many slots, over all its headers", hint=restore_hint(path))
    return newest, [each for each in parsed if each.key_id in replaced]


def lost(newest: Header, older: Sequence[Header]) -> tuple[Slot, ...]:
    """Return the slots of older headers whose keys have none now: a branch added them while another rekeyed."""
    held = {slot.holder for slot in newest.slots}
    missing = {slot.holder: slot for each in older for slot in each.slots if slot.holder not in held}
    return tuple(missing.values())


def merged(found: Sequence[Header]) -> Header:
    """Return one header with the slots of all: two branches may each have added one; removing one changes the key."""
    slots = {slot.id: slot for each in found for slot in each.slots}
    return found[0]._replace(slots=tuple(slots.values()))


def check(content: bytes, path: str, key: FileKey) -> None:
    """Raise Unsupported unless *content*, about to be written, reads as a file of *key*; else nobody could read it."""
    try:
        found, _ = headers(lines(content, path), path)
    except (Corrupt, Conflict) as error:
        raise Unsupported(f"this change to {path} cannot be read again, so it was not written: {error}") from error
    if not all(each.vouched(key) for each in found):
        raise Unsupported(f"this change to {path} cannot be authenticated, so it was not written")


def _checkout(path: str) -> str:
    """Return the command that takes the file of one side of the merge that was just committed."""
    folder, name = os.path.split(os.path.realpath(path))
    return f"git -C {quote(folder)} checkout HEAD^1 -- {quote(name)}"


def _header(raw: bytes, path: str) -> Header:
    header.check_format(raw)
    try:
        return header.parse(raw)
    except Damaged as error:
        raise Corrupt(f"{path} is damaged: {error}", hint=restore_hint(path)) from None


def _key(found: Sequence[Header], header_: Header, path: str, target: Target) -> FileKey:
    from tailorsecrets_file.unlock import KeySearch

    key = KeySearch(header_, target.environ, path, target.timeout).find()
    if not all(each.vouched(key) for each in found):
        raise Corrupt(f"a header of {path} was altered", hint=restore_hint(path))
    return key
