"""Stamps and tags beside the values, for a store that keeps no metadata: a second name for each secret."""

import hashlib
import hmac
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

from tailorsecrets.secret import Secret


class Noted(NamedTuple):
    """What a side-car says about the current value."""

    stamp: str = ""
    tags: Mapping[str, str] = {}


class SideCar:
    """The texts that a driver keeps beside its values; *suffix* follows a secret's name and is outside the grammar.

    A driver with ``caps.stamps`` and ``caps.stamps_apart`` writes the value first and then ``text`` under
    ``name(secret)``; it deletes both, the side-car last, and leaves out of its lists what ``is_one`` says is a
    side-car. A side-car counts only for the write that it describes: another tool's write has another *version*, so
    its stamp is "".

    *version* is the store's own for that write. A store that has none passes the value instead: the side-car then holds
    a keyed hash of it, with the key. Whoever may read the side-car can test guesses against that hash. So use it only
    where one right covers a value and its side-car, as in a file or a keyring.
    """

    def __init__(self, suffix: str = ".tailorsecrets") -> None:
        self._suffix = suffix

    def name(self, secret: str) -> str:
        """Return the native name of the side-car of *secret*."""
        return secret + self._suffix

    def is_one(self, name: str) -> bool:
        """Tell whether *name* is that of a side-car."""
        return name.endswith(self._suffix)

    def text(self, version: str | Secret, *, stamp: str = "", tags: Mapping[str, str] | None = None) -> str:
        """Return what to keep beside the value of *version*."""
        key = os.urandom(16).hex()
        return json.dumps({"of": _mark(version, key), "key": key, "stamp": stamp, "tags": dict(tags or {})})

    def read(self, text: str, version: str | Secret) -> Noted:
        """Return the stamp and the tags that *text* notes for *version*; nothing where it is of another, or damaged."""
        with suppress(ValueError, KeyError, TypeError, AttributeError):
            noted = json.loads(text)
            if hmac.compare_digest(noted["of"], _mark(version, noted["key"])):
                return Noted(str(noted["stamp"]), {str(key): str(value) for key, value in noted["tags"].items()})
        return Noted()


def _mark(version: str | Secret, key: str) -> str:
    if isinstance(version, str):
        return version
    return hmac.new(key.encode(), version.reveal().encode(errors="surrogatepass"), hashlib.sha256).hexdigest()
