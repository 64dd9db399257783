"""The header: the file's id, the id of its data key, and the slots that open it. Pure.

A header is ``HEAD,"check":"…","sum":"…"}``. The check value is a MAC of HEAD; before it is verified, nothing in a
header can be trusted, and no number in it is used beyond the bounds in this file.
"""

import json
import re
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal, NamedTuple

from tailorsecrets.errors import Unsupported
from tailorsecrets_file.crypto import FileKey
from tailorsecrets_file.line import SUM_SIZE, Damaged, checksum_fits, with_checksum

FORMAT: Final = 1  # increased when an old reader would misread the file
PREFIX: Final = b'{"tailorsecrets":'  # the start of a header, in every future format
MAX_BYTES: Final = 1_048_576  # of a header
MAX_SLOTS: Final = 1024  # of a file, over all its headers
MAX_PASSPHRASES: Final = 32  # of those; each may cost a reader an Argon2id run

_ENDING: Final = len(b',"check":""') + 44 + SUM_SIZE

_SALT: Final = range(16, 65)  # bytes
_PASSES: Final = range(1, 17)
_LANES: Final = range(1, 17)
_MAX_MEMORY: Final = 262_144  # KiB

_LABEL: Final = re.compile("[^\x00-\x1f\x7f-\x9f\ud800-\udfff]*")

SlotKind = Literal["key", "passphrase", "age"]


class Argon2(NamedTuple):
    """The cost of a passphrase. The defaults are the second choice of RFC 9106: 64 MiB, about 0.1 s."""

    salt: bytes
    iterations: int = 3
    lanes: int = 4
    memory: int = 65_536  # KiB

    def bounded(self) -> bool:
        """Return whether the cost is within the limits: at most 16 passes over 256 MiB."""
        memory = range(8 * self.lanes, _MAX_MEMORY + 1)  # the minimum of RFC 9106
        return len(self.salt) in _SALT and self.iterations in _PASSES and self.lanes in _LANES and self.memory in memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One way to open the file."""

    id: str
    kind: SlotKind
    label: str  # the path of the key file, the age recipient, or empty
    created: datetime
    data: bytes = field(repr=False)  # the data key, encrypted to this slot; for age also the origin key
    public: bytes = field(default=b"", repr=False)  # X25519; empty for age
    origin: bytes = field(default=b"", repr=False)  # a nonce, and the origin key encrypted with the slot's own key
    argon2: Argon2 | None = field(default=None, repr=False)  # for passphrases

    @property
    def holder(self) -> bytes | str:
        """The public key or recipient; slots of the same key, passphrase or identity share it."""
        return self.public or " ".join(self.label.split()[:2])  # an ssh public key may end with a comment


class Header(NamedTuple):
    """A header as read, before it is authenticated."""

    file_id: str
    key_id: str
    after: tuple[str, ...]  # ids of the data keys that this one replaces, newest first
    slots: tuple[Slot, ...]
    head: bytes
    check: bytes
    raw: bytes

    def is_authentic(self, key: FileKey) -> bool:
        """Return whether a holder of *key* wrote the header."""
        return self.key_id == key.id and key.is_check(self.check, self.head)


def encode(file_id: str, key: FileKey, slots: Iterable[Slot], after: Iterable[str] = ()) -> bytes:
    """Return the header line, without the newline; *after* are the ids of earlier data keys."""
    listed = [_fields(slot) for slot in sorted(slots, key=lambda slot: slot.id)]
    fields = {"tailorsecrets": FORMAT, "id": file_id, "key": key.id, "after": list(after), "slots": listed}
    octets = json.dumps(fields, separators=(",", ":")).encode()[:-1]
    return with_checksum(octets + b',"check":"' + _base64(key.check(octets)).encode() + b'"')


def within_limits(slots: Sequence[Slot]) -> bool:
    """Return whether a file may have these slots."""
    return len(slots) <= MAX_SLOTS and sum(slot.argon2 is not None for slot in slots) <= MAX_PASSPHRASES


def printable(text: str) -> str:
    """Return *text* as a label: characters that do not print, such as raw bytes of a path, are escaped."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def check_format(raw: bytes) -> None:
    """Raise Unsupported for a header of a newer format, whatever else it contains."""
    match = re.match(rb"\{\"tailorsecrets\":(\d{1,9})[,}]", raw)
    if match and int(match[1]) > FORMAT:
        raise Unsupported(
            f"the store file has format {int(match[1])}; this version of tailorsecrets supports {FORMAT}",
            hint="upgrade tailorsecrets",
        )


def parse(raw: bytes) -> Header:
    """Parse a header; Damaged if it is not of this format or beyond a limit."""
    try:
        fields = json.loads(raw) if len(raw) <= MAX_BYTES else None
        return _header(fields, raw)
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError) as error:
        raise Damaged("not a header of this format") from error


def _header(fields: Any, raw: bytes) -> Header:
    _require(checksum_fits(raw) and fields["tailorsecrets"] == FORMAT and isinstance(fields["slots"], list))
    slots = tuple(_slot(each) for each in fields["slots"])
    _require(within_limits(slots))
    ending = raw.rindex(b',"check":"')
    _require(len(raw) - ending == _ENDING)  # the check value covers everything before it
    after = tuple(_hex(each, 16) for each in fields["after"])
    return Header(
        _hex(fields["id"], 32), _hex(fields["key"], 16), after, slots, raw[:ending], _octets(fields["check"]), raw
    )


def _slot(fields: Any) -> Slot:
    return Slot(
        id=_hex(fields["id"], 8),
        kind=fields["kind"],
        label=_label(fields["label"]),
        created=_time(fields["created"]),
        data=_octets(fields["data"]),
        **_KINDS[fields["kind"]](fields),
    )


def _key(fields: Any) -> dict[str, Any]:
    return {"public": _octets(fields["public"]), "origin": _octets(fields["origin"])}


def _passphrase(fields: Any) -> dict[str, Any]:
    cost = {name: _number(fields[name]) for name in ("iterations", "lanes", "memory")}
    argon2 = Argon2(salt=_octets(fields["salt"]), **cost)
    _require(argon2.bounded())
    return {**_key(fields), "argon2": argon2}


_KINDS: Final[dict[str, Callable[[Any], dict[str, Any]]]] = {
    "key": _key,
    "passphrase": _passphrase,
    "age": lambda _: {},
}  # the other fields of each kind


def _fields(slot: Slot) -> dict[str, Any]:
    created = slot.created.isoformat().replace("+00:00", "Z")
    fields: dict[str, Any] = {"id": slot.id, "kind": slot.kind, "label": slot.label, "created": created}
    if slot.argon2:
        cost = slot.argon2
        fields |= {"salt": _base64(cost.salt)}
        fields |= {"iterations": cost.iterations, "lanes": cost.lanes, "memory": cost.memory}
    if slot.public:
        fields |= {"public": _base64(slot.public), "origin": _base64(slot.origin)}
    return fields | {"data": _base64(slot.data)}


def _require(holds: bool) -> None:
    if not holds:
        raise ValueError("out of bounds")


def _label(value: Any) -> str:
    _require(isinstance(value, str) and _LABEL.fullmatch(value) is not None)
    return str(value)


def _time(value: Any) -> datetime:
    time = datetime.fromisoformat(value)
    _require(time.utcoffset() == timedelta(0))
    return time


def _number(value: Any) -> int:
    _require(type(value) is int)
    return int(value)


def _hex(value: Any, digits: int) -> str:
    _require(re.fullmatch(f"[0-9a-f]{{{digits}}}", value) is not None)
    return str(value)


def _octets(value: Any) -> bytes:
    return a2b_base64(value, strict_mode=True)


def _base64(octets: bytes) -> str:
    return b2a_base64(octets, newline=False).decode()
