"""HPKE (RFC 9180), base mode, one message: encrypt to a public key.

Suite: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. ``cryptography`` has the same
in its latest versions only; the tests hold this against it.
"""

import hmac
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tailorsecrets_file.crypto import expand

_KEM: Final = b"KEM\x00\x20"
_SUITE: Final = b"HPKE\x00\x20\x00\x01\x00\x02"
_ENC: Final = 32  # bytes of the encapsulated key in front of a message


def public(private: bytes) -> bytes:
    """Return the public key of a 32-byte X25519 *private* key."""
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def seal(recipient: bytes, plain: bytes, info: bytes) -> bytes:
    """Return *plain* encrypted to the public key *recipient* and bound to *info*."""
    ephemeral = X25519PrivateKey.generate()
    enc = ephemeral.public_key().public_bytes_raw()
    shared = _shared(ephemeral, recipient, enc + recipient)
    key, nonce = _schedule(shared, info)
    return enc + AESGCM(key).encrypt(nonce, plain, b"")


def unseal(private: bytes, message: bytes, info: bytes) -> bytes:
    """Return what was sealed to the owner of *private*; InvalidTag or ValueError if it was not or is damaged."""
    enc = message[:_ENC]
    shared = _shared(X25519PrivateKey.from_private_bytes(private), enc, enc + public(private))
    key, nonce = _schedule(shared, info)
    return AESGCM(key).decrypt(nonce, message[_ENC:], b"")


def _shared(private: X25519PrivateKey, peer: bytes, context: bytes) -> bytes:
    secret = private.exchange(X25519PublicKey.from_public_bytes(peer))
    return _expand(_KEM, _extract(_KEM, b"", b"eae_prk", secret), b"shared_secret", context, 32)


def _schedule(shared: bytes, info: bytes) -> tuple[bytes, bytes]:
    context = b"\x00" + _extract(_SUITE, b"", b"psk_id_hash", b"") + _extract(_SUITE, b"", b"info_hash", info)
    secret = _extract(_SUITE, shared, b"secret", b"")
    return _expand(_SUITE, secret, b"key", context, 32), _expand(_SUITE, secret, b"base_nonce", context, 12)


def _extract(suite: bytes, salt: bytes, label: bytes, secret: bytes) -> bytes:
    return hmac.digest(salt, b"HPKE-v1" + suite + label + secret, "sha256")


def _expand(suite: bytes, key: bytes, label: bytes, info: bytes, length: int) -> bytes:
    return expand(key, length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info, length)
