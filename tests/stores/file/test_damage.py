"""A file that is not what was written: Corrupt or Unauthenticated, never a wrong value."""

import json
import random
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tailorsecrets.driver import Driver
from tailorsecrets.errors import Corrupt, NotFound, SecretsError, StoreNotFound, Unauthenticated, Unsupported
from tailorsecrets.secret import Secret
from tailorsecrets_file import keys, line
from tests.support.file.opening import NAME, opened, store_type, target_in, text

Mutation = Callable[[random.Random, bytes], bytes]

SECRETS = ("w/a/one", "w/a/two", "w/b/gone", "w/b/three")


@pytest.fixture
def content(tmp_path: Path) -> bytes:
    """Return a file with several versions, a tombstone, a stamp and tags, which tmp_path holds as well."""
    driver = opened(tmp_path)
    for number in range(3):
        for name in SECRETS:
            driver.put(name, Secret(f"canary {name} {number}"), stamp=f"stamp {number}", tags={"tag": str(number)})
    driver.delete("w/b/gone")
    return (tmp_path / NAME).read_bytes()


def readings(driver: Driver) -> Iterator[Callable[[], object]]:
    """Yield what reads a file of this module from every side."""
    yield from listings(driver)
    yield from authenticated(driver)


def listings(driver: Driver) -> Iterator[Callable[[], object]]:
    """Yield what lists a file: needs no key, so it notices accidents but authenticates nothing."""
    yield lambda: list(driver.list(""))
    yield lambda: list(driver.list("", deleted=True))


def authenticated(driver: Driver) -> Iterator[Callable[[], object]]:
    """Yield what reads a file with its key."""
    for name in SECRETS:
        yield partial(text, driver, name)
        yield partial(driver.stat, name)
        yield partial(every_version, driver, name)


def every_version(driver: Driver, name: str) -> list[str]:
    """Return the values of all versions of a secret."""
    return [text(driver, name, entry.version) for entry in driver.versions(name)]


def outcomes(driver: Driver) -> list[object]:
    """Return what each reading gives, an error as its class; anything but a SecretsError breaks the test."""
    return [outcome(read) for read in readings(driver)]


def answers(driver: Driver) -> set[object]:
    """Return what the readings give that need the key; no listing may break on anything but a SecretsError."""
    for listing in listings(driver):
        outcome(listing)
    return {outcome(read) for read in authenticated(driver)}


def outcome(read: Callable[[], object]) -> object:
    """Return what *read* returns, or the class of its SecretsError, which holds no value."""
    try:
        return read()
    except SecretsError as error:
        caught = error
    assert "canary" not in f"{caught} {caught.hint} {caught.__cause__} {caught.__context__}"
    return type(caught)


def flip(rng: random.Random, content: bytes) -> bytes:
    """Change one byte."""
    place = rng.randrange(len(content) - 1)
    return content[:place] + bytes([content[place] ^ rng.randrange(1, 256)]) + content[place + 1 :]


def truncate(rng: random.Random, content: bytes) -> bytes:
    """Cut the file anywhere but at its last newline."""
    return content[: rng.randrange(len(content) - 1)]


def cut(rng: random.Random, content: bytes) -> bytes:
    """Take out a piece within a line."""
    lines = content.split(b"\n")
    which = rng.randrange(len(lines) - 1)
    start, stop = sorted(rng.sample(range(len(lines[which]) + 1), 2))
    lines[which] = lines[which][:start] + lines[which][stop:]
    return b"\n".join(lines) if lines[which] else flip(rng, content)


def scribble(rng: random.Random, content: bytes) -> bytes:
    """Put random bytes over a piece of the file."""
    start = rng.randrange(len(content) - 50)
    return content[:start] + rng.randbytes(40) + content[start + 40 :]


@pytest.mark.parametrize(("mutation", "times"), [(flip, 1200), (truncate, 400), (cut, 300), (scribble, 300)])
def test_accidents(tmp_path: Path, content: bytes, mutation: Mutation, times: int) -> None:
    """Every reading of a file with flipped, cut or missing bytes fails, and says that the file is damaged."""
    rng = random.Random(1)
    for _ in range(times):
        damaged = mutation(rng, content)
        (tmp_path / NAME).write_bytes(damaged)
        seen = set(outcomes(opened(tmp_path)))
        assert seen in ({Corrupt}, {Unsupported}), damaged
        assert Unsupported not in seen or damaged[:18] != content[:18]  # the format number itself


@pytest.mark.parametrize("seed", range(10))
def test_moved_lines(tmp_path: Path, content: bytes, seed: int) -> None:
    """The order of the lines, the header included, and exact doubles of them mean nothing."""
    expected = outcomes(opened(tmp_path))
    rng = random.Random(seed)
    lines = content.splitlines()
    lines += rng.sample(lines, 5)
    rng.shuffle(lines)

    (tmp_path / NAME).write_bytes(b"\n".join(lines))

    assert expected == outcomes(opened(tmp_path))


def rewritten(raw: bytes, **changes: object) -> bytes:
    """Return a line with fields changed and a checksum that fits, as somebody without the key can make it."""
    fields = json.loads(raw) | changes
    del fields["sum"]
    return line.with_checksum(json.dumps(fields, separators=(",", ":")).encode()[:-1])


EDITS: list[dict[str, object]] = [
    {"number": 9},
    {"state": "deleted"},
    {"state": "purged"},
    {"state": "live"},
    {"id": "0123456789ab"},
    {"after": []},
    {"after": ["0123456789ab"]},
    {"time": "2020-01-01T00:00:00.000000Z"},
    {"time": "9999-99-99T99:99:99.999999Z"},
    {"created": "2020-01-01T00:00:00.000000Z"},
    {"stamp": "forged"},
    {"tags": {"tag": "forged"}},
    {"tags": {}},
    {"tags": {"tag": "9"}},
    {"nonce": "AAAAAAAAAAAAAAAA"},
    {"data": ""},
    {"data": "="},
    {"data": "AAAAAAAAAAAAAAAAAAAAAA=="},
    {"extra": 1},
    {"number": 10**40},
    {"number": "3"},
    {"tags": {"a": {"b": "c"}}},
]


@pytest.mark.parametrize("changes", EDITS, ids=json.dumps)
def test_edited_lines(tmp_path: Path, content: bytes, changes: dict[str, object]) -> None:
    """Whoever edits any line of a secret, with a fitting checksum, makes the secret Corrupt, and only that one."""
    lines = content.splitlines()
    for place, raw in enumerate(lines):
        if not raw.startswith(b'{"name"') or changes.items() <= json.loads(raw).items():
            continue
        edited = [*lines[:place], rewritten(raw, **changes), *lines[place + 1 :]]
        (tmp_path / NAME).write_bytes(b"\n".join(edited))
        driver = opened(tmp_path)
        for name in SECRETS:
            hit = f'"{name}"'.encode() in raw
            assert outcome(partial(text, driver, name)) in good(name, hit=hit)


def good(name: str, *, hit: bool) -> set[object]:
    """Return what a get may give where the lines of the name were edited, or not."""
    if hit:
        return {Corrupt}
    return {NotFound} if name == "w/b/gone" else {f"canary {name} 2"}


def test_swapped_ciphertexts(tmp_path: Path, content: bytes) -> None:
    """A ciphertext in another line, with its nonce and a fitting checksum, is Corrupt, for each pair of lines."""
    lines = [raw for raw in content.splitlines() if raw.startswith(b'{"name"')]
    for raw in lines:
        for other in lines:
            if raw is not other:
                sealed = {field: json.loads(other)[field] for field in ("nonce", "data")}
                (tmp_path / NAME).write_bytes(content.replace(raw, rewritten(raw, **sealed)))
                assert outcome(partial(text, opened(tmp_path), json.loads(raw)["name"])) is Corrupt


def test_a_line_under_another_name(tmp_path: Path, content: bytes) -> None:
    """A line that was given another name, with a fitting checksum, is Corrupt there."""
    for raw in content.splitlines():
        if raw.startswith(b'{"name"'):
            (tmp_path / NAME).write_bytes(content + rewritten(raw, name="w/x/new") + b"\n")
            assert outcome(lambda: text(opened(tmp_path), "w/x/new")) is Corrupt
            assert outcome(lambda: opened(tmp_path).stat("w/x/new")) is Corrupt


def test_a_line_in_another_key(tmp_path: Path, content: bytes) -> None:
    """A current line that claims another key is Corrupt: this file never had that key."""
    current = next(raw for raw in content.splitlines() if b'"w/a/one","number":3' in raw)
    (tmp_path / NAME).write_bytes(content.replace(current, rewritten(current, key="0" * 16)))

    assert outcome(lambda: text(opened(tmp_path), "w/a/one")) is Corrupt


def test_a_line_of_another_file(tmp_path: Path, content: bytes) -> None:
    """A whole line from another file of the same user is never read as this file's."""
    (tmp_path / "other").mkdir()
    other = opened(tmp_path / "other")
    other.put("w/a/one", Secret("canary other"))
    foreign = next(raw for raw in (tmp_path / "other" / NAME).read_bytes().splitlines() if b'"w/a/one"' in raw)
    (tmp_path / NAME).write_bytes(content + foreign + b"\n")

    assert outcome(lambda: text(opened(tmp_path), "w/a/one")) is Corrupt


@pytest.mark.parametrize("field", ["time", "created"])
@pytest.mark.parametrize("time", ["9999-99-99T99:99:99.999999Z", "2026-02-30T00:00:00.000000Z"])
def test_a_time_that_does_not_exist(tmp_path: Path, content: bytes, field: str, time: str) -> None:
    """A line with a time that is none, and a fitting checksum, is Corrupt for reads by name and for lists."""
    current = next(raw for raw in content.splitlines() if b'"w/a/one","number":3' in raw)
    (tmp_path / NAME).write_bytes(content.replace(current, rewritten(current, **{field: time})))
    driver = opened(tmp_path)

    for read in (lambda: list(driver.list("")), lambda: driver.stat("w/a/one"), lambda: text(driver, "w/a/one")):
        assert outcome(read) is Corrupt


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_slot_with_a_time_beyond_the_calendar(tmp_path: Path, content: bytes, time: str) -> None:
    """A slot whose time cannot be shown in UTC is Corrupt, for the list of keys too."""
    head = content.splitlines()[0]
    slot = json.loads(head)["slots"][0]
    (tmp_path / NAME).write_bytes(content.replace(head, rewritten(head, slots=[slot | {"created": time}])))

    with pytest.raises(Corrupt):
        keys.list_slots(target_in(tmp_path))


HOSTILE = [
    b'{"name":"w/x","number":zzz,',
    b'{"name":"w/x","number":' + b"9" * 5000 + b",",
    b'{"name":"w/x","number":-1,',
    b'{"name":"w/x"',
    b'{"name":',
    b'{"name":"w/x\xff","number":1,',
    b'{"name":"w/\\ud800","number":1,',
    b'{"name":"w/x","number":1,"x":' + b"[" * 50_000,
    b'{"name":["w/x"],"number":1,"id":{}',
    b'{"name":"w/x","number":1,"number":2,"state":"deleted"',
]


@pytest.mark.parametrize("body", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_lines(tmp_path: Path, content: bytes, body: bytes) -> None:
    """A line that is none, with a fitting checksum, makes lists and writes Corrupt, and is never read."""
    hostile = content + line.with_checksum(body) + b"\n"
    (tmp_path / NAME).write_bytes(hostile)
    driver = opened(tmp_path)

    assert outcome(lambda: list(driver.list(""))) is Corrupt
    assert outcome(lambda: driver.put("w/a/one", Secret("canary new"))) is Corrupt
    assert outcome(partial(text, driver, "w/x")) in {Corrupt, NotFound}
    assert outcome(partial(text, driver, "w/a/one")) in {Corrupt, "canary w/a/one 2"}
    assert (tmp_path / NAME).read_bytes() == hostile


HEADERS: list[dict[str, object]] = [
    {"id": "0" * 32},
    {"key": "0" * 16},
    {"after": ["0" * 16]},
    {"after": "0" * 16},
    {"slots": []},
    {"check": ""},
    {"check": "A" * 43 + "="},
    {"extra": 1},
    {"tailorsecrets": 0},
    {"tailorsecrets": 1.0},
    {"tailorsecrets": True},
]


@pytest.mark.parametrize("changes", HEADERS, ids=json.dumps)
def test_edited_headers(tmp_path: Path, content: bytes, changes: dict[str, object]) -> None:
    """Whoever edits the header, with a fitting checksum, makes the whole file Corrupt or Unauthenticated."""
    head = content.splitlines()[0]
    (tmp_path / NAME).write_bytes(content.replace(head, rewritten(head, **changes)))

    assert answers(opened(tmp_path)) <= {Corrupt, Unauthenticated}


@pytest.mark.parametrize("field", ["id", "kind", "label", "created", "public", "origin", "data"])
def test_edited_slots(tmp_path: Path, content: bytes, field: str) -> None:
    """Whoever edits a slot, with a fitting checksum, makes the whole file Corrupt or Unauthenticated."""
    head = content.splitlines()[0]
    slot = json.loads(head)["slots"][0]
    changed = {"kind": "age", "created": "2020-01-01T00:00:00Z", "id": "01234567"}.get(field, "A" * 43 + "=")
    (tmp_path / NAME).write_bytes(content.replace(head, rewritten(head, slots=[slot | {field: changed}])))

    assert answers(opened(tmp_path)) <= {Corrupt, Unauthenticated}


def test_a_file_made_for_the_victim(tmp_path: Path, content: bytes) -> None:
    """Somebody who knows the public half of a slot but no key of the file cannot make a file that it opens."""
    from tailorsecrets_file import header, hpke, slots
    from tailorsecrets_file.crypto import FileKey

    victim = header.parse(content.splitlines()[0])
    forged = FileKey.generate()
    slot = slots.with_data_key(victim.slots[0], victim.file_id, forged)
    assert hpke.public(bytes(32)) != slot.public
    (tmp_path / NAME).write_bytes(header.encode(victim.file_id, forged, [slot]) + b'\n{"end":true}\n')

    assert answers(opened(tmp_path)) == {Corrupt}


def test_removed_lines(tmp_path: Path, content: bytes) -> None:
    """The stated limit: without some lines a file reads as it once was, and never as anything else."""
    lines = content.splitlines()
    for place, raw in enumerate(lines):
        if raw.startswith(b'{"name"'):
            (tmp_path / NAME).write_bytes(b"\n".join(lines[:place] + lines[place + 1 :]))
            for name in SECRETS:
                seen = outcome(partial(text, opened(tmp_path), name))
                assert seen in {f"canary {name} {number}" for number in range(3)} | {NotFound}


@pytest.mark.parametrize("junk", [b"", b"\n", b"{}", b"\xff\xfe", b"[" * 10_000, b"\0" * 100, b'{"end":true}\n'])
def test_what_was_never_a_store(tmp_path: Path, junk: bytes) -> None:
    """A file of another kind, an empty one too, is Corrupt, and a write leaves it alone."""
    (tmp_path / NAME).write_bytes(junk)
    driver = opened(tmp_path)

    assert {Corrupt} == answers(driver)
    with pytest.raises(Corrupt):
        driver.put("a", Secret("1"))
    assert junk == (tmp_path / NAME).read_bytes()


def test_conflict_markers(tmp_path: Path, content: bytes) -> None:
    """What git leaves without merge=union is Corrupt, and the message names the marker and its line."""
    (tmp_path / NAME).write_bytes(b"<<<<<<< HEAD\n" + content)

    with pytest.raises(Corrupt, match="line 1 is a conflict marker of git"):
        opened(tmp_path).get("w/a/one")


def test_a_damaged_line_is_named(tmp_path: Path, content: bytes) -> None:
    """The message for an altered line gives its number and the secret, and the hint a remedy."""
    lines = content.splitlines()
    lines[1] = rewritten(lines[1], tags={"tag": "forged"})
    (tmp_path / NAME).write_bytes(b"\n".join(lines))

    with pytest.raises(Corrupt, match=r'line 2 of .*"w/a/one"') as caught:
        opened(tmp_path).get("w/a/one")

    assert "restore" in caught.value.hint


def test_no_key_at_hand(tmp_path: Path, content: bytes) -> None:
    """Without the key every reading is Unauthenticated; without the file, StoreNotFound."""
    stranger = store_type().open(target_in(tmp_path, environ={"XDG_CONFIG_HOME": str(tmp_path / "elsewhere")}))
    assert {Unauthenticated} == answers(stranger)

    (tmp_path / NAME).unlink()
    assert {StoreNotFound} == set(outcomes(opened(tmp_path)))
