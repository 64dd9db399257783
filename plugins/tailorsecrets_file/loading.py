"""Load a store file: from its bytes to a snapshot, with the headers that a git merge left."""

import os
from collections.abc import Sequence

from tailorsecrets.driver import Target
from tailorsecrets.errors import Conflict, Corrupt, Unsupported
from tailorsecrets_file import document, header
from tailorsecrets_file.crypto import FileKey
from tailorsecrets_file.document import Document
from tailorsecrets_file.header import Header, Slot
from tailorsecrets_file.line import Damaged
from tailorsecrets_file.snapshot import Snapshot, restore_hint


def opened(content: bytes, path: str, target: Target, known: Snapshot | None) -> Snapshot:
    """Return the snapshot of *content*. *known*, an earlier one, saves a search for the key if the key is the same."""
    lines_ = lines(content, path)
    found, _ = headers(lines_, path)
    before = known.known if known else None
    key = before if before and all(each.is_authentic(before) for each in found) else None
    header_ = merged(found)
    return Snapshot(path, header_, lines_, lambda: _key(found, header_, path, target), key)


def lines(content: bytes, path: str) -> Document:
    """Parse a file; Corrupt if it is damaged or cut short, Unsupported if its format is newer."""
    header.check_format(content[:100])
    try:
        return document.parse(content)
    except Damaged as error:
        raise Corrupt(f"{path} is damaged: {error}", hint=restore_hint(path)) from None


def headers(found: Document, path: str) -> tuple[list[Header], list[Header]]:
    """Return the current headers, and the old ones, whose data key another header replaced.

    Raises Corrupt if there is no current header, Conflict if two have different data keys.
    """
    parsed = [_header(raw, path) for raw in found.headers]
    replaced = {key_id for each in parsed for key_id in each.after}
    newest = [each for each in parsed if each.key_id not in replaced]
    if not newest:
        raise Corrupt(f"{path} is damaged: it has no header", hint=restore_hint(path))
    if len({(each.file_id, each.key_id) for each in newest}) > 1:
        raise Conflict(
            f"{path} was rekeyed on two branches, and the merge kept the headers of both",
            hint=f"take the file of one branch: {_checkout(path)}; then write the changes of the other branch again",
        )
    if not header.within_limits(merged(newest).slots):
        raise Corrupt(f"{path} has too many slots in all its headers together", hint=restore_hint(path))
    return newest, [each for each in parsed if each.key_id in replaced]


def lost(newest: Header, older: Sequence[Header]) -> tuple[Slot, ...]:
    """Return the slots of old headers whose keys have no slot now: one branch added them while another rekeyed."""
    held = {slot.holder for slot in newest.slots}
    missing = {slot.holder: slot for each in older for slot in each.slots if slot.holder not in held}
    return tuple(missing.values())


def merged(found: Sequence[Header]) -> Header:
    """Return one header with the slots of all current ones: two branches may each have added a slot."""
    slots = {slot.id: slot for each in found for slot in each.slots}
    return found[0]._replace(slots=tuple(slots.values()))


def check(content: bytes, path: str, key: FileKey) -> None:
    """Raise Unsupported if a reader with *key* would refuse *content*, which is about to be written."""
    try:
        found, _ = headers(lines(content, path), path)
    except (Corrupt, Conflict) as error:
        raise Unsupported(f"no reader would accept this change to {path}, so it was not written: {error}") from error
    if not all(each.is_authentic(key) for each in found):
        raise Unsupported(f"no reader would accept this change to {path}, so it was not written")


def _checkout(path: str) -> str:
    """Return the command that takes the file of the first parent of a merge commit."""
    from shlex import quote

    folder, name = os.path.split(os.path.realpath(path))
    return f"git -C {quote(folder)} checkout HEAD^1 -- {quote(name)}"


def _header(raw: bytes, path: str) -> Header:
    header.check_format(raw)
    try:
        return header.parse(raw)
    except Damaged as error:
        raise Corrupt(f"{path} is damaged: {error}", hint=restore_hint(path)) from None


def _key(found: Sequence[Header], header_: Header, path: str, target: Target) -> FileKey:
    from tailorsecrets_file.key_search import KeySearch

    key = KeySearch(header_, target.environ, path, target.timeout).find()
    if not all(each.is_authentic(key) for each in found):
        raise Corrupt(f"a header of {path} was altered", hint=restore_hint(path))
    return key
