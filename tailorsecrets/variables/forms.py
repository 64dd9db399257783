"""The forms in which a value may appear in the output of a program. Pure."""

import json
from base64 import b64encode
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote, quote_plus

from tailorsecrets.secret import Secret

SHORTEST: Final = 8  # characters of a value that is masked; a shorter one would hide much else
_URL_SAFE: Final = ("", "/", "!'()*", "!'()*;,/?:@&=+$-_.~#")  # of RFC 3986, Python, encodeURIComponent and encodeURI
_WRAPPED: Final = (64, 76)  # columns of openssl and of base64
_URL_ALPHABET: Final = bytes.maketrans(b"+/", b"-_")


def forms(values: Iterable[Secret]) -> set[bytes]:
    """Return the forms of each of *values*, as bytes: plain, in base64, URL-encoded and as JSON text.

    A value that others cut at its ends is there without its spaces too.
    """
    texts = {text for value in values for text in (value.reveal(), value.reveal().strip()) if len(text) >= SHORTEST}
    return {form for text in texts for form in _forms(text)}


def _forms(text: str) -> Iterator[bytes]:
    raw = text.encode()
    yield raw
    for ascii_only in (True, False):
        yield json.dumps(text, ensure_ascii=ascii_only)[1:-1].encode()
    for safe in _URL_SAFE:
        yield from _both_cases(quote(text, safe))
    yield from _both_cases(quote_plus(text))
    yield from _both_cases(quote_plus(text, "*").replace("~", "%7E"))  # as forms are sent
    for encoded in _base64(raw):
        yield encoded
        yield encoded.translate(_URL_ALPHABET)


def _both_cases(encoded: str) -> Iterator[bytes]:
    """Yield *encoded* with its hexadecimal digits in upper and in lower case."""
    first, *rest = encoded.split("%")
    yield encoded.encode()
    yield "%".join([first, *(part[:2].lower() + part[2:] for part in rest)]).encode()


def _base64(raw: bytes) -> Iterator[bytes]:
    """Yield the base64 of *raw* alone, and the part that is certainly in the base64 of a text that holds it.

    Characters that also encode a neighbour of the value are left out.
    """
    whole = b64encode(raw)
    yield whole
    yield whole.rstrip(b"=")
    for before in range(3):
        yield b64encode(bytes(before) + raw)[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]
    sure = whole[: len(raw) * 8 // 6]
    for columns in _WRAPPED:
        yield b"\n".join(sure[start : start + columns] for start in range(0, len(sure), columns))
