"""Masking values in a stream: every form, every border of chunks, and nothing else."""

import os
import random
import re
import time
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Iterable, Sequence
from json import dumps
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tailorsecrets import Secret
from tailorsecrets.variables.forms import forms
from tailorsecrets.variables.masking import Masker, Texts

VALUE = "p@ss/w+rd?{}=& \U0001f511"
PEM = "-----BEGIN KEY-----\n" + "\n".join("x" * 20 + str(number) for number in range(40)) + "\n-----END KEY-----\n"


def masked(texts: Iterable[bytes], chunks: Sequence[bytes]) -> bytes:
    """Return what a masker makes of *chunks*."""
    masker = Masker(Texts(texts))
    return b"".join([*map(masker.feed, chunks), masker.end()])


def shown(value: str, output: bytes) -> bytes:
    """Return *output* with *value* masked in all its forms."""
    return masked(forms([Secret(value)]), [output])


@pytest.mark.parametrize("value", ["12345678", "a-value-of-24-characters", VALUE, PEM])
def test_a_value_cut_at_every_byte(value: str) -> None:
    """Wherever a chunk ends, in the value or around it, the value is replaced and its neighbours stay."""
    texts = Texts(forms([Secret(value)]))
    output = b"before " + value.encode() + b" after"
    for cut in range(len(output) + 1):
        masker = Masker(texts)
        assert masker.feed(output[:cut]) + masker.feed(output[cut:]) + masker.end() == b"before *** after"


@pytest.mark.parametrize("offset", range(17))
@pytest.mark.parametrize("value", ["12345678", "a-value-of-24-characters"])
def test_a_value_byte_by_byte(value: str, offset: int) -> None:
    """A value that arrives in single bytes is replaced, wherever in the stream it begins."""
    output = b"x" * offset + value.encode() + value.encode() + b"y"
    chunks = [output[place : place + 1] for place in range(len(output))]
    assert masked(forms([Secret(value)]), chunks) == b"x" * offset + b"******y"


def test_the_longest_value_wins() -> None:
    """Of values that begin alike, or are parts of others, the longest one that is there is replaced."""
    values = ["abcdefgh", "abcdefgh-ijklmnop", "abcdefgh-ijklmnop-qrstuvwx", "ijklmnop-q"]
    texts = forms(map(Secret, values))
    for text in values:
        assert masked(texts, [text.encode()]) == b"***"
    assert masked(texts, [b"abcdefgh-ijklmnop-qrstuvw!"]) == b"***rstuvw!"
    for cut in range(27):
        whole = b"abcdefgh-ijklmnop-qrstuvwx"
        assert masked(texts, [whole[:cut], whole[cut:]]) == b"***"


def test_values_that_overlap() -> None:
    """Where the end of one value is the beginning of another, no part of either is left."""
    texts = forms([Secret("first-half-middle"), Secret("middle-other-half")])
    output = b"<first-half-middle-other-half>"
    for cut in range(len(output)):
        assert masked(texts, [output[:cut], output[cut:]]) == b"<***>"


@pytest.mark.parametrize("before", range(4))
@pytest.mark.parametrize("after", range(4))
@pytest.mark.parametrize("value", ["12345678", VALUE, "k" * 23])
def test_base64(value: str, before: int, after: int) -> None:
    """In the base64 of a text with the value in it, at each alignment, no byte of the value is left whole."""
    for encode in (b64encode, urlsafe_b64encode):
        output = encode(os.urandom(before) + value.encode() + os.urandom(after))
        left = shown(value, output)
        assert b"***" in left
        assert len(left) <= (before + after + 2) * 8 // 6 + 8  # what is left are the neighbours and the padding
        plain = b64decode(left.split(b"***")[0].ljust(8, b"A")[:8].translate(bytes.maketrans(b"-_", b"+/")))
        assert value.encode()[:2] not in plain


def test_base64_alone() -> None:
    """The base64 of the value alone is replaced with its padding, or without it."""
    for length in range(8, 14):
        value = "v" * length
        for encoded in (b64encode(value.encode()), b64encode(value.encode()).rstrip(b"=")):
            assert shown(value, b"<" + encoded + b">") == b"<***>"


@pytest.mark.parametrize("columns", [64, 76])
def test_base64_in_lines(columns: int) -> None:
    """The base64 of a long value is replaced also in lines, as openssl and base64 print it, but for its last bits."""
    for text in (PEM, PEM + "\n"):
        encoded = b64encode(text.encode())
        lines = b"\n".join(encoded[start : start + columns] for start in range(0, len(encoded), columns))
        assert re.fullmatch(rb"\*\*\*[A-Za-z0-9]{0,2}={0,2}", shown(PEM, lines))


@pytest.mark.parametrize("value", [VALUE, "a b/c~d'e(f)g", "100% of it\n#1"])
def test_urls_and_json(value: str) -> None:
    """The URL-encoded value is replaced, in the forms that libraries differ in, and so is the value in JSON."""
    encoded = [quote(value), quote(value, ""), quote_plus(value), quote(value, "!'()*"), dumps(value)[1:-1]]
    encoded += [re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), text) for text in encoded[:4]]
    encoded += [dumps(value, ensure_ascii=False)[1:-1], value.strip()]
    assert [text for text in encoded if shown(value, f"<{text}>".encode()) != b"<***>"] == []


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_values_and_chunks(data: st.DataObject) -> None:
    """With few letters, so that texts overlap and nest: what is left is what no text covers, however it is cut."""
    texts = data.draw(st.sets(st.text("ab", min_size=8, max_size=20).map(str.encode), max_size=5))
    parts = data.draw(st.lists(st.sampled_from([*sorted(texts), b"a", b"ab", b"bbb", b"-"]), max_size=12))
    output = b"".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(output)), max_size=6)))
    chunks = [output[start:end] for start, end in zip([0, *cuts], [*cuts, len(output)], strict=True)]
    assert masked(texts, chunks) == covered(texts, output)


def covered(texts: Iterable[bytes], output: bytes) -> bytes:
    """Return *output* with each run of texts that overlap replaced: the plain way, for comparison."""
    spans = sorted(
        (start, start + len(text)) for text in texts for start in range(len(output)) if output.startswith(text, start)
    )
    merged: list[tuple[int, int]] = []
    for start, end in spans:
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    left, done = b"", 0
    for start, end in merged:
        left, done = left + output[done:start] + b"***", end
    return left + output[done:]


def test_what_holds_no_value_is_not_changed() -> None:
    """Of output without a value no byte is changed: text, random bytes, and pieces of the values."""
    values = [f"secret-number-{number:04}-of-many" for number in range(200)]
    texts = Texts(forms(map(Secret, values)))
    rng = random.Random(7)
    pieces = [value[:-1] for value in values] + [value[1:-3] for value in values]
    outputs = [
        b"".join(rng.choice(pieces).encode() + b"\n" for _ in range(2000)),
        rng.randbytes(200_000),
        b64encode(rng.randbytes(200_000)),
    ]
    for output in outputs:
        masker = Masker(texts)
        chunks = [output[start : start + 4097] for start in range(0, len(output), 4097)]
        assert b"".join([*map(masker.feed, chunks), masker.end()]) == output


def test_what_is_certain_is_not_held_back() -> None:
    """A prompt without a newline is passed on at once, unless it may be the beginning of a value."""
    masker = Masker(Texts(forms([Secret("password-of-mine")])))
    assert masker.feed(b"Your name: ") == b"Your name: "
    assert masker.feed(b"pass") == b""
    assert masker.feed(b"ing on") == b"passing on"


def test_many_values() -> None:
    """Of 2,000 values, each printed in each form, none is left, and the time is linear in the output."""
    values = [f"{number:05}-{random.Random(number).randbytes(15).hex()}" for number in range(2000)]
    texts = Texts(forms(map(Secret, values)))
    output = b"".join(f"{value} {quote(value)} {b64encode(value.encode()).decode()}\n".encode() for value in values)
    assert masked_by(texts, output) == b"*** *** ***\n" * 2000
    short, long = (min(timed(texts, output * times) for _ in range(3)) for times in (1, 4))
    assert long < 4 * short * 2  # four times as much; a quadratic one takes sixteen


def test_one_value_or_many_cost_the_same() -> None:
    """Output without a value is compared with 2,000 values in about the time of one: the texts are in one index."""
    output = b"".join(b"2024-01-01 INFO request %d took 12 ms\n" % number for number in range(40_000))
    values = [random.Random(number).randbytes(20).hex() for number in range(2000)]
    one, many = (Texts(forms(map(Secret, some))) for some in (values[:1], values))
    assert min(timed(many, output) for _ in range(3)) < 5 * min(timed(one, output) for _ in range(3))


@pytest.mark.parametrize("value", ["a" * 5000 + "b", "ab" * 2500 + "c"])
def test_output_that_nearly_matches_everywhere(value: str) -> None:
    """Output in which the value nearly begins at each byte takes linear time too."""
    texts = Texts(forms([Secret(value)]))
    short, long = (min(timed(texts, value[:2].encode() * times) for _ in range(2)) for times in (20_000, 80_000))
    assert long < 4 * short * 2.5


def masked_by(texts: Texts, output: bytes) -> bytes:
    """Return *output*, in chunks of 64 KB, without *texts*."""
    masker = Masker(texts)
    chunks = [output[start : start + 65536] for start in range(0, len(output), 65536)]
    return b"".join([*map(masker.feed, chunks), masker.end()])


def timed(texts: Texts, output: bytes) -> float:
    """Return the CPU seconds of masking *output*."""
    start = time.process_time()
    masked_by(texts, output)
    return time.process_time() - start
