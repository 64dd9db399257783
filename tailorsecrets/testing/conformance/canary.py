"""A unique value, and the forms in which it can leak."""

import base64
import json
import uuid
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

MARKS = ' "/+&=\u00e9\\'  # what URLs, JSON and reprs escape


def new_canary() -> str:
    """Return a text that is nowhere else, with characters that URLs and JSON escape."""
    return f"canary{MARKS}{uuid.uuid4().hex}"


def forms(text: str) -> Iterator[tuple[str, str]]:
    """Yield (name, form) of each form of *text*: as it is, and in the encodings of the field."""
    octets = text.encode(errors="surrogatepass")
    yield "plain", text
    yield "plain", text.removeprefix(f"canary{MARKS}")
    yield "repr", repr(text)[1:-1]
    yield "repr", repr(octets)[2:-1]
    yield "JSON", json.dumps(text)[1:-1]
    yield "JSON", json.dumps(text, ensure_ascii=False)[1:-1]
    yield "URL", quote(text, safe="", errors="replace")
    yield "URL", quote_plus(text, errors="replace")
    yield "hex", octets.hex()
    for shift in range(3):  # the form depends on the text before
        inner = base64.b64encode(b"\0" * shift + octets).decode()[4 if shift else 0 : -4]
        yield "base64", inner
        yield "base64", inner.replace("+", "-").replace("/", "_")


def shows(secret: str, *texts: object) -> str:
    """Return the name of a form of *secret* that one of *texts* holds, "" for none; octets are read as UTF-8."""
    joined = "\n".join(text.decode(errors="replace") if isinstance(text, bytes) else str(text) for text in texts)
    folded = joined.lower()
    for name, form in forms(secret):
        if form in joined or (name in {"hex", "URL"} and form.lower() in folded):
            return name
    return ""
