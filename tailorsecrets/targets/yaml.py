"""Writing YAML: mappings, lists and texts, as people write them. Pure.

It does only what the manifests of ``where`` need, so it needs no library: no text has characters beyond U+FFFF.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")
_LINES: Final = re.compile(r"[!-~][ -~]*\n([ -~]+\n)*")  # printable, each with its end
_WORDS: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})  # YAML 1.1 reads no text there


def to_yaml(*documents: Mapping[str, Any]) -> str:
    """Return *documents*, whose leaves are texts, each as a separate document."""
    return "---\n".join("".join(f"{line}\n" for line in _mapping(document)) for document in documents)


def _mapping(mapping: Mapping[str, Any]) -> Iterator[str]:
    for key, value in mapping.items():
        yield from _entry(f"{_text(key)}:", value)


def _entry(head: str, value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield head
        yield from (f"  {line}" for line in _mapping(cast("Mapping[str, Any]", value)))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        yield head
        for item in cast("Sequence[Mapping[str, Any]]", value):
            first, *rest = _mapping(item)
            yield f"  - {first}"
            yield from (f"    {line}" for line in rest)
    elif _LINES.fullmatch(value):
        yield f"{head} |"
        yield from (f"  {line}" for line in value[:-1].split("\n"))
    else:
        yield f"{head} {_text(value)}"


def _text(text: str) -> str:
    """Return *text* plain where YAML reads it as text, else in quotes."""
    is_plain = _PLAIN.fullmatch(text) and text.lower() not in _WORDS
    return text if is_plain else json.dumps(text)
