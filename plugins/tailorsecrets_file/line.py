"""One version of one secret as a line of the file, and back. Pure: time, id and nonce are arguments.

A line is ``HEAD,"nonce":"…","data":"…","sum":"…"}``. HEAD describes the version in the clear; it is the associated data
of the encryption byte for byte, so a reader needs no canonical JSON to check it.
"""

import json
import re
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal, NamedTuple
from zlib import crc32

from tailorsecrets.errors import ValueInvalid
from tailorsecrets.secret import Secret
from tailorsecrets_file.crypto import FileKey

NAME: Final = b'{"name":'  # the start of a version
NUMBER: Final = b',"number":'  # follows the name; cannot appear inside a JSON string, where quotes are escaped
SUM: Final = b',"sum":"%08x"}'  # the end of headers and versions: CRC-32 of the bytes before
SUM_SIZE: Final = 18
NONCE: Final = 12  # bytes
_LENGTH: Final = 4  # bytes of the length of the stamp

LineState = Literal["live", "deleted", "purged"]

_STRING = rb'"(?:[ !#-\[\]-~]|\\["\\/bfnrt]|\\u[0-9a-f]{4})*+"'
_TIME = rb'"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"'
_ID = rb'"[0-9a-f]{12}"'
_FORM = re.compile(
    rb'(\{"name":' + _STRING + rb',"number":[1-9]\d{0,17},"id":' + _ID + rb',"after":\[(?:' + _ID + rb"(?:," + _ID
    + rb')*+)?\],"state":"(?:live|deleted|purged)","time":' + _TIME + rb',"created":' + _TIME
    + rb',"tags":\{(?:' + _STRING + rb":" + _STRING + rb"(?:," + _STRING + rb":" + _STRING
    + rb')*+)?\},"key":"[0-9a-f]{16}"),"nonce":"([A-Za-z0-9+/]{16})","data":"([A-Za-z0-9+/]*={0,2})"'
    + rb',"sum":"[0-9a-f]{8}"\}'
)  # fmt: skip


class Damaged(ValueError):
    """A line that is damaged or altered."""


class Metadata(NamedTuple):
    """Everything about a version except its value. The stamp is encrypted with the value, the rest is in the clear."""

    name: str
    number: int  # counts the versions of a name, including deletes
    id: str  # 12 random hex digits; with the number, the version token
    after: tuple[str, ...]  # ids of the versions that this one replaces, nearest first
    state: LineState
    time: str  # of this version, ISO 8601 UTC with microseconds and Z
    created: str  # of the secret's first version
    tags: Mapping[str, str] = {}
    stamp: str = ""  # empty until ``unseal``; in the clear it would show that an old value is used again


class Line(NamedTuple):
    """A line as read. Its metadata is authenticated only after ``unseal``."""

    metadata: Metadata
    key: str  # id of the data key that encrypts it
    head: bytes
    nonce: bytes
    data: bytes
    raw: bytes

    @property
    def token(self) -> str:
        """The version token; each write has another one."""
        return f"{self.metadata.number}.{self.metadata.id}"


def encode_name(name: str) -> bytes:
    """Return *name* as in a line, with quotes; the lines of a file are sorted by these bytes."""
    return json.dumps(name).encode()


def seal(metadata: Metadata, value: Secret, key: FileKey, file_id: str, nonce: bytes) -> bytes:
    """Return the line of one version, without the newline; ValueInvalid for lone surrogates."""
    head = _head(metadata, key.id)
    data = key.seal(nonce, packed(metadata.stamp, _octets(value)), _about(file_id, head))
    return with_checksum(b'%b,"nonce":"%b","data":"%b"' % (head, _base64(nonce), _base64(data)))


def packed(stamp: str, value: bytes) -> bytes:
    """Return the plaintext of a line."""
    octets = stamp.encode("utf-8", "surrogatepass")
    return len(octets).to_bytes(_LENGTH, "big") + octets + value


def with_checksum(body: bytes) -> bytes:
    """Return a line that ends with the checksum of *body*."""
    return body + SUM % crc32(body)


def checksum_fits(raw: bytes) -> bool:
    """Return whether a line matches its checksum, which finds accidents, not attacks."""
    return raw.endswith(SUM % crc32(raw[:-SUM_SIZE]))


def parse(raw: bytes) -> Line:
    """Parse a line; Damaged if it is not of this format."""
    match = _FORM.fullmatch(raw)
    if match is None:
        raise Damaged("not a line of this format")
    head, nonce, data = match.groups()
    name, number, id_, after, state, time, created, tags, key = json.loads(f"{head.decode()}}}").values()
    _check_times(time, created)
    metadata = Metadata(name, number, id_, tuple(after), state, time, created, tags)
    return Line(metadata, key, head, nonce, data, raw)


def unseal(line: Line, key: FileKey, file_id: str) -> tuple[str, Secret]:
    """Authenticate a line and return its stamp and its value, "" for a delete; Damaged if it was altered."""
    from cryptography.exceptions import InvalidTag

    try:
        return _unpacked(key.open(a2b_base64(line.nonce), a2b_base64(line.data), _about(file_id, line.head)))
    except (InvalidTag, Base64Error, ValueError):
        pass
    raise Damaged("it does not decrypt")  # outside of the except block: a UnicodeDecodeError holds the value


def _check_times(*times: str) -> None:
    try:
        for time in times:
            datetime.fromisoformat(time)
    except ValueError as error:
        raise Damaged("it has a time that does not exist") from error


def _unpacked(plain: bytes) -> tuple[str, Secret]:
    end = _LENGTH + int.from_bytes(plain[:_LENGTH], "big")
    if end > len(plain):
        raise ValueError("the stamp is cut short")
    return plain[_LENGTH:end].decode("utf-8", "surrogatepass"), Secret(plain[end:].decode())


def _head(metadata: Metadata, key_id: str) -> bytes:
    fields = {**metadata._asdict(), "tags": dict(sorted(metadata.tags.items())), "key": key_id}
    del fields["stamp"]
    return json.dumps(fields, separators=(",", ":")).encode()[:-1]


def _about(file_id: str, head: bytes) -> bytes:
    return b"tailorsecrets line\n" + file_id.encode() + b"\n" + head


def _octets(value: Secret) -> bytes:
    try:
        return value.reveal().encode()
    except UnicodeEncodeError:
        pass
    raise ValueInvalid(
        "the value is not text: it contains half of a surrogate pair"
    )  # not in except: that error holds it


def _base64(octets: bytes) -> bytes:
    return b2a_base64(octets, newline=False)
