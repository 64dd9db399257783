"""A vault's own record: who owns it, and the key of its stamps. Pure, but for the random key of a new one."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple, cast

from tailorsecrets.errors import Corrupt, Unsupported
from tailorsecrets.secret import Secret

_SCHEMA: Final = 1
_OWNER: Final = "owner"
_OWNER_ID: Final = "owner-id"
_STAMP_BYTES: Final = 24
_DAMAGED: Final = "the vault's record is damaged"
_REMEDY: Final = "delete the record with the store's own tools; the next apply creates it again and rewrites the values"


class Owner(NamedTuple):
    """The app whose config manages a vault: its name, and the id that survives a rename."""

    name: str
    id: str = ""

    @property
    def identity(self) -> str:
        """The id, or else the name; the note on a container whose vault has no record yet."""
        return self.id or self.name

    def labels(self) -> dict[str, str]:
        """Return the labels that mark a vault as this owner's; none for an owner without name and id."""
        return {label: text for label, text in ((_OWNER, self.name), (_OWNER_ID, self.id)) if text}

    def owns(self, other: "Owner | None") -> bool:
        """Tell whether *other*, found on a vault, is this owner: by id where the vault has one, else by name."""
        if other is None:
            return False
        return other.id == self.id if other.id else other.name == self.name


@dataclass(frozen=True, slots=True)
class Record:
    """The content of a vault's record.

    ``version`` is that of the record, for compare-and-swap; "" for a new one, PRESENT where the store tells no version.

    ``id`` is random and never copied: two targets that show the same id are one store under two URLs. "": the record
    was written before there were ids.

    ``conflicted``: two branches wrote the record, and this is the part that they agree on. A write ends the conflict.
    """

    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    key: Secret = field(default_factory=lambda: Secret(""))
    version: str = ""
    conflicted: bool = False
    id: str = ""

    @property
    def owner(self) -> Owner | None:
        """Return who manages the vault, None where nobody does."""
        name, identity = self.labels.get(_OWNER, ""), self.labels.get(_OWNER_ID, "")
        return Owner(name, identity) if name or identity else None

    def owned_by(self, owner: Owner | None) -> "Record":
        """Return this record with *owner* on it, or with none; other labels stay."""
        rest = {key: value for key, value in self.labels.items() if key not in (_OWNER, _OWNER_ID)}
        return replace(self, labels=rest | (owner.labels() if owner else {}))

    def stamp(self, secret: str, value: Secret) -> str:
        """Return the keyed fingerprint of *value* under the name *secret*: 32 characters of base64url."""
        import hmac
        from base64 import urlsafe_b64encode

        message = secret.encode() + b"\0" + value.reveal().encode()
        digest = hmac.digest(self.key.reveal().encode(), message, "sha256")
        return urlsafe_b64encode(digest[:_STAMP_BYTES]).decode()

    def dump(self) -> Secret:
        """Return the text that a store keeps: JSON under 1 KB."""
        identity = {"id": self.id} if self.id else {}
        return Secret(
            json.dumps({"schema": _SCHEMA, "labels": dict(self.labels), "key": self.key.reveal(), **identity})
        )


def new_record(labels: Mapping[str, str], key: Secret | None = None) -> Record:
    """Return a record with a random id and with the stamp key *key*; None: a fresh random one."""
    import secrets

    return Record(labels, key or Secret(secrets.token_urlsafe(32)), id=secrets.token_urlsafe(12))


def load_record(text: Secret, version: str) -> Record:
    """Read what *dump* wrote; Corrupt for anything else, Unsupported for the record of a newer tailorsecrets."""
    record = _record(text.reveal())
    if record.get("schema") != _SCHEMA:
        raise Unsupported("the vault's record was written by a newer tailorsecrets", hint="upgrade tailorsecrets")
    labels, key, identity = record.get("labels"), record.get("key"), record.get("id", "")
    if not isinstance(key, str) or not isinstance(labels, dict):
        raise Corrupt(_DAMAGED, hint=_REMEDY)
    texts = {name: str(value) for name, value in cast("dict[str, object]", labels).items()}
    return Record(texts, Secret(key), version, id=str(identity))


def merged(branches: Sequence[Record], version: str) -> Record:
    """Return the record that two branches agree on: it has an owner only where both name the same one.

    The stamp key is that of the first, so the values of the others are written again.
    """
    first = next(iter(branches), Record())
    agreed = first if len({branch.owner for branch in branches}) == 1 else first.owned_by(None)
    return replace(agreed, version=version, conflicted=True)


def _record(text: str) -> dict[str, object]:
    record: object = None
    with suppress(ValueError, RecursionError):
        record = json.loads(text)
    if not isinstance(record, dict) or "schema" not in record:
        raise Corrupt(_DAMAGED, hint=_REMEDY)
    return cast("dict[str, object]", record)
