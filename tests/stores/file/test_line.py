"""The codec of a line, the one of a header, and the encryption below them."""

import json
from binascii import b2a_base64
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st

from tailorsecrets.secret import Secret
from tailorsecrets_file import document, header, hpke, line
from tailorsecrets_file.crypto import FileKey, expand
from tailorsecrets_file.header import Argon2, Slot
from tailorsecrets_file.line import Damaged, Metadata

KEY = FileKey(bytes(range(32)), bytes(range(32, 64)))
FILE = "0123456789abcdef" * 2
NONCE = b"twelve bytes"
TIME = "2026-01-02T03:04:05.678901Z"
IDS = st.text("0123456789abcdef", min_size=12, max_size=12)
ANY_TEXT = st.text(st.characters(exclude_categories=[]))  # lone surrogates too: names and tags stand as JSON
VALUES = st.text() | st.sampled_from(["", "\0", "a\r\nb\n", "\ufeffx", "\U0001f511", '"\\', "tailorsecrets:="])
METADATA = st.builds(
    Metadata,
    name=ANY_TEXT,
    number=st.integers(1, 10**17),
    id=IDS,
    after=st.lists(IDS, max_size=3).map(tuple),
    state=st.sampled_from(["live", "deleted", "purged"]),
    time=st.just(TIME),
    created=st.just(TIME),
    stamp=ANY_TEXT,
    tags=st.dictionaries(ANY_TEXT, ANY_TEXT, max_size=3),
)


@given(METADATA, VALUES)
def test_a_line_comes_back(metadata: Metadata, value: str) -> None:
    """Any metadata and any text survive the way into a line and back, and the line is ASCII without a line break."""
    raw = line.seal(metadata, Secret(value), KEY, FILE, NONCE)
    parsed = line.parse(raw)

    assert raw.isascii()
    assert b"\n" not in raw
    assert b"\r" not in raw
    assert line.checksum_fits(raw)
    assert metadata._replace(stamp="") == parsed.metadata
    assert (metadata.stamp, Secret(value)) == line.unseal(parsed, KEY, FILE)


@given(METADATA, VALUES)
def test_a_line_is_json(metadata: Metadata, value: str) -> None:
    """A JSON parser reads the same metadata as ours."""
    fields = json.loads(line.seal(metadata, Secret(value), KEY, FILE, NONCE))

    assert (metadata.name, metadata.number, metadata.state) == (fields["name"], fields["number"], fields["state"])
    assert (metadata.tags, list(metadata.after)) == (fields["tags"], fields["after"])
    assert "stamp" not in fields


@given(METADATA, METADATA, VALUES)
def test_facts_cannot_be_exchanged(metadata: Metadata, others: Metadata, value: str) -> None:
    """A line whose metadata are those of another line does not decrypt, unless they are the same."""
    raw = line.seal(metadata, Secret(value), KEY, FILE, NONCE)
    other = line.parse(line.seal(others, Secret(value), KEY, FILE, NONCE))
    mixed = line.parse(raw)._replace(head=other.head)

    if metadata._replace(stamp="") == others._replace(stamp=""):
        assert line.unseal(mixed, KEY, FILE) == (metadata.stamp, Secret(value))
    else:
        with pytest.raises(Damaged):
            line.unseal(mixed, KEY, FILE)


@pytest.mark.parametrize("plain", [b"", b"\0\0\0", b"\0\0\0\1", b"\xff\xff\xff\xffvalue", b"\0\0\0\1\xffvalue"])
def test_a_stamp_that_is_cut_short(plain: bytes) -> None:
    """A line whose stamp does not end where it says, or is not text, is Damaged."""
    parsed = line.parse(line.seal(Metadata("a", 1, "0" * 12, (), "live", TIME, TIME), Secret("1"), KEY, FILE, NONCE))
    data = b2a_base64(KEY.seal(NONCE, plain, line._about(FILE, parsed.head)), newline=False)

    with pytest.raises(Damaged):
        line.unseal(parsed._replace(data=data), KEY, FILE)


@pytest.mark.parametrize("file_id", ["f" * 32, ""])
def test_a_line_belongs_to_its_file(file_id: str) -> None:
    """A line does not decrypt in another file, even under the same key."""
    metadata = Metadata("a", 1, "0" * 12, (), "live", TIME, TIME)
    parsed = line.parse(line.seal(metadata, Secret("1"), KEY, FILE, NONCE))

    with pytest.raises(Damaged):
        line.unseal(parsed, KEY, file_id)


@given(st.binary(max_size=200) | st.from_regex(rb'\{"name":"[ -~]{0,99}"\}', fullmatch=True))
def test_any_bytes_are_a_line_or_damaged(raw: bytes) -> None:
    """Bytes that are not a line are Damaged, whatever they are."""
    with pytest.raises(Damaged):
        line.parse(raw)


@given(st.binary(max_size=400))
def test_any_bytes_are_a_file_or_damaged(content: bytes) -> None:
    """Bytes that are not a store file are Damaged, whatever they are, or have no header."""
    with suppress(Damaged):
        assert document.parse(content).headers == ()


SLOT = Slot(id="01234567", kind="age", label="age1x", created=datetime(2026, 1, 2, tzinfo=UTC), data=b"d")
KEY_SLOT = Slot(
    id="76543210", kind="key", label="~/k", created=SLOT.created, data=b"d", public=b"p" * 32, origin=b"o" * 60
)
PASSPHRASE_SLOT = Slot(
    id="abcdef00",
    kind="passphrase",
    label="",
    created=SLOT.created,
    data=b"d",
    public=b"p" * 32,
    origin=b"o" * 60,
    argon2=Argon2(salt=b"s" * 16),
)
HEADER = header.encode(FILE, KEY, [SLOT, KEY_SLOT, PASSPHRASE_SLOT], ["0" * 16])


def test_a_header_comes_back() -> None:
    """Slots of all kinds survive the way into a header and back, and the key vouches for it."""
    parsed = header.parse(HEADER)

    assert (FILE, KEY.id, ("0" * 16,)) == (parsed.file_id, parsed.key_id, parsed.after)
    assert parsed.slots == (SLOT, KEY_SLOT, PASSPHRASE_SLOT)
    assert parsed.is_authentic(KEY)
    assert not parsed.is_authentic(KEY.renewed())
    assert not parsed.is_authentic(FileKey(KEY.data, bytes(32)))


def test_a_field_that_a_reader_does_not_know() -> None:
    """A header with a field more is authentic if its writer had the key: a later writer of this format may add one."""
    head = HEADER[: HEADER.rindex(b',"check"')] + b',"new":{"check":"x"}'
    raw = line.with_checksum(head + b',"check":"' + b2a_base64(KEY.check(head), newline=False) + b'"')

    assert header.parse(raw).is_authentic(KEY)
    assert header.parse(raw).slots == header.parse(HEADER).slots


@pytest.mark.parametrize("change", [("number", "id"), ("time", "created"), ("state", "stamp")])
def test_a_line_has_its_fields_in_order(change: tuple[str, str]) -> None:
    """A line with two fields exchanged, or with one more, is Damaged."""
    fields = json.loads(line.seal(Metadata("a", 1, "0" * 12, (), "live", TIME, TIME), Secret("1"), KEY, FILE, NONCE))
    del fields["sum"]
    one, other = change
    order = [{one: other, other: one}.get(name, name) for name in fields] if other in fields else [*fields, other]
    raw = json.dumps({name: fields.get(name, "") for name in order}, separators=(",", ":")).encode()[:-1]

    with pytest.raises(Damaged):
        line.parse(line.with_checksum(raw))


HOSTILE = [
    '{"iterations":%s}' % ("9" * 5000),
    *(f'{{"memory":{number}}}' for number in ("262145", "1e400", "true", "-1", '"1"', "null", "31", "[]")),
    *(f'{{"iterations":{number}}}' for number in ("0", "17", "NaN", "1.0")),
    *(f'{{"lanes":{number}}}' for number in ("0", "17", "{}")),
    *(f'{{"salt":{salt}}}' for salt in ('""', '"AAAA"', '"é"', "1", f'"{"A" * 400}"')),
    *(f'{{"kind":{kind}}}' for kind in ('"pgp"', "[]", "1")),
    *(f'{{"created":{time}}}' for time in ('"x"', "1", '"2026-01-02T03:04:05"')),
    *(f'{{"label":{label}}}' for label in ("1", '"\\u001b[2J"', '"\\ud800"')),
    '{"id":"01"}',
    '{"public":5}',
]


@pytest.mark.parametrize("change", HOSTILE)
def test_a_hostile_slot_is_damaged(change: str) -> None:
    """A slot with a number out of bounds, of the wrong type or kind is refused before it costs anything."""
    slot = json.loads(HEADER)["slots"][2]
    body = HEADER.replace(json.dumps(slot, separators=(",", ":")).encode(), b"@")
    body = body.replace(b"@", merged(slot, change).encode())

    with pytest.raises(Damaged):
        header.parse(line.with_checksum(body[: -line.SUM_SIZE]))


def merged(slot: dict[str, object], change: str) -> str:
    """Return *slot* as JSON with the raw text of one field in it changed."""
    field, _, raw = change[1:-1].partition(":")
    rest = {name: value for name, value in slot.items() if name != json.loads(field)}
    return json.dumps(rest)[:-1] + f",{field}:{raw}}}"


@pytest.mark.parametrize(
    "slots",
    [
        "[" * 100_000,
        "1",
        "null",
        '"x"',
        "[1]",
        "[[]]",
        "{}",
        json.dumps([json.loads(HEADER)["slots"][0]] * 1025),
        '"' + "x" * 1_100_000 + '"',
    ],
)
def test_hostile_slots_are_damaged(slots: str) -> None:
    """Slots that are not a list of slots, or too deep, too many or too long, are refused."""
    raw = line.with_checksum(
        f'{{"tailorsecrets":1,"id":"{FILE}","key":"{KEY.id}","after":[],"slots":{slots},"check":"AAAA"'.encode()
    )

    with pytest.raises(Damaged):
        header.parse(raw)


def test_33_passphrases_are_too_many() -> None:
    """A header cannot make its reader stretch a passphrase more than 32 times; four branches may add 8 each."""
    assert header.parse(header.encode(FILE, KEY, [PASSPHRASE_SLOT] * 32))
    with pytest.raises(Damaged):
        header.parse(header.encode(FILE, KEY, [PASSPHRASE_SLOT] * 33))


def test_hpke_binds_everything() -> None:
    """A message for another key or with other information does not open."""
    private, other = b"k" * 32, b"l" * 32
    sealed = hpke.seal(hpke.public(private), b"text", b"info")

    for args in ((other, sealed, b"info"), (private, sealed, b"")):
        with pytest.raises(InvalidTag):
            hpke.unseal(*args)


def test_expand_is_hkdf() -> None:
    """Our one-block HKDF-Expand is that of cryptography."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

    for length in (8, 12, 32):
        assert HKDFExpand(SHA256(), length, b"info").derive(b"k" * 32) == expand(b"k" * 32, b"info", length)
