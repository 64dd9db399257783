"""HPKE (RFC 9180), base mode, one message: encrypt to a public key.

Suite: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM; the encapsulated key is before the ciphertext.
"""

from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def public(private: bytes) -> bytes:
    """Return the public key of a 32-byte X25519 *private* key."""
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def seal(recipient: bytes, plain: bytes, info: bytes) -> bytes:
    """Encrypt *plain* to the public key *recipient* and bind it to *info*."""
    return _SUITE.encrypt(plain, X25519PublicKey.from_public_bytes(recipient), info=info)


def unseal(private: bytes, message: bytes, info: bytes) -> bytes:
    """Decrypt a message to the holder of *private*; InvalidTag or ValueError if that fails."""
    return _SUITE.decrypt(message, X25519PrivateKey.from_private_bytes(private), info=info)
