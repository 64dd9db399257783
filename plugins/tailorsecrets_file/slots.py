"""Slots: each lets one key, passphrase or age identity open the file.

A key slot has a public key; a passphrase derives its private key with Argon2id. The data key is encrypted to the public
key (HPKE), so any holder of the file can rekey every slot. The origin key is encrypted with the private key when the
slot is created, so nobody else can put another origin key there.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tailorsecrets.errors import Corrupt, ValueInvalid
from tailorsecrets.secret import Secret
from tailorsecrets_file import age, hpke
from tailorsecrets_file.crypto import SIZE, FileKey, expand
from tailorsecrets_file.header import Argon2, Slot, SlotKind, printable

_NONCE: Final = 12
_MIN_LENGTH: Final = 12  # characters of a passphrase


def key_slot(secret: bytes, label: str, file_id: str, key: FileKey, now: datetime) -> Slot:
    """Return a slot that the 32-byte *secret* of a key file opens."""
    slot = Slot(id=_new_id(), kind="key", label=printable(label), created=now, data=b"", public=hpke.public(secret))
    return _filled(slot, secret, file_id, key)


def passphrase_slot(passphrase: Secret, file_id: str, key: FileKey, now: datetime) -> Slot:
    """Return a slot that a passphrase opens, with the default cost."""
    argon2 = Argon2(salt=_salt(file_id))
    secret = private_key_of(passphrase, argon2)
    public = hpke.public(secret)
    slot = Slot(id=_new_id(), kind="passphrase", label="", created=now, data=b"", public=public, argon2=argon2)
    return _filled(slot, secret, file_id, key)


def age_slot(recipient: str, key: FileKey, now: datetime) -> Slot:
    """Return a slot that the age identity of *recipient* opens; ConfigError if it is not a recipient."""
    data = age.encrypt(key.data + key.origin, recipient)
    return Slot(id=_new_id(), kind="age", label=printable(recipient), created=now, data=data)


def with_data_key(slot: Slot, file_id: str, key: FileKey) -> Slot:
    """Return the slot with another data key; this needs no private key."""
    if slot.kind == "age":
        return replace(slot, data=age.encrypt(key.data + key.origin, slot.label))
    return replace(slot, data=hpke.seal(slot.public, key.data, _about(slot, file_id)))


def opened(slot: Slot, secret: bytes, file_id: str) -> FileKey:
    """Open a key or passphrase slot with its private key *secret*; Corrupt if it was altered."""
    about = _about(slot, file_id)
    try:
        data = hpke.unseal(secret, slot.data, about)
        origin = _origin_cipher(secret).decrypt(slot.origin[:_NONCE], slot.origin[_NONCE:], about)
        return FileKey(data, origin)
    except (InvalidTag, ValueError) as error:
        raise Corrupt(f"the {slot.kind} slot {slot.id} is damaged") from error


def opened_by_age(slot: Slot, identities: list[str]) -> FileKey | None:
    """Open an age slot; None if no identity fits, Corrupt if it holds no key."""
    secrets = age.decrypt(slot.data, identities)
    if secrets is None:
        return None
    if len(secrets) != 2 * SIZE:
        raise Corrupt(f"the age slot {slot.id} is damaged")
    return FileKey(secrets[:SIZE], secrets[SIZE:])


def private_key_of(passphrase: Secret, argon2: Argon2) -> bytes:
    """Derive the private key of a passphrase. This takes memory and time on purpose."""
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    argon2id = Argon2id(
        salt=argon2.salt,
        length=SIZE,
        iterations=argon2.iterations,
        lanes=argon2.lanes,
        memory_cost=argon2.memory,
    )
    return argon2id.derive(_normalized(passphrase).encode("utf-8", "surrogatepass"))


def of_kind(slots: Sequence[Slot], kind: SlotKind) -> Iterator[Slot]:
    """Yield the slots of one kind."""
    return (slot for slot in slots if slot.kind == kind)


def check_strong(passphrase: Secret) -> None:
    """Raise ValueInvalid for a short passphrase: whoever has the file can try guesses."""
    if len(_normalized(passphrase)) < _MIN_LENGTH:
        raise ValueInvalid(
            f"the passphrase has less than {_MIN_LENGTH} characters",
            code="PASSPHRASE_WEAK",
            hint="use a longer one, such as five random words; or add it with: "
            "tailorsecrets file keys add --passphrase --allow-weak",
        )


def _normalized(passphrase: Secret) -> str:
    """Return a passphrase in NFC, because keyboards and systems compose characters differently."""
    from unicodedata import normalize

    return normalize("NFC", passphrase.reveal())


def _filled(slot: Slot, secret: bytes, file_id: str, key: FileKey) -> Slot:
    nonce = os.urandom(_NONCE)
    about = _about(slot, file_id)
    origin = nonce + _origin_cipher(secret).encrypt(nonce, key.origin, about)
    return with_data_key(replace(slot, origin=origin), file_id, key)


def _salt(file_id: str) -> bytes:
    """Return the salt for all passphrases of a file; with it, two slots of the same passphrase are recognized."""
    return expand(bytes.fromhex(file_id), b"tailorsecrets salt", 16)


def _origin_cipher(secret: bytes) -> AESGCM:
    return AESGCM(expand(secret, b"tailorsecrets origin"))


def _about(slot: Slot, file_id: str) -> bytes:
    return f"tailorsecrets slot\n{file_id}\n{slot.kind}\n{slot.id}".encode()


def _new_id() -> str:
    return os.urandom(4).hex()
