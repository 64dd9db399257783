"""The key of one store file: it encrypts the lines and authenticates the header."""

import os
from typing import Final, Self

# hmac and cryptography are imported where they are used: a list needs neither, and importing them takes 30 ms

SIZE: Final = 32  # bytes of every key in this format


def expand(key: bytes, info: bytes, length: int = SIZE) -> bytes:
    """Return HKDF-Expand (RFC 5869, SHA-256) of a uniform *key*; *length* is at most one hash, 32 bytes."""
    import hmac

    return hmac.digest(key, info + b"\x01", "sha256")[:length]


class FileKey:
    """The two secrets of a file, and everything derived from them.

    The *data* key encrypts the lines; a rekey replaces it. The *origin* key stays for the life of the file. Only people
    who can open the file hand it on, so it shows that a header comes from one of them.
    """

    __slots__ = ("_check", "_lines", "data", "id", "origin", "origin_id")

    def __init__(self, data: bytes, origin: bytes) -> None:
        if len(data) != SIZE or len(origin) != SIZE:
            raise ValueError("a key of the wrong length")
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self.data, self.origin = data, origin
        self.id = expand(data, b"tailorsecrets key id", 8).hex()
        self.origin_id = expand(origin, b"tailorsecrets origin id", 16).hex()  # does not reveal the key
        self._lines = AESGCM(expand(data, b"tailorsecrets lines"))
        self._check = expand(origin + data, b"tailorsecrets header")

    @classmethod
    def generate(cls) -> Self:
        """Return the key of a new file."""
        return cls(os.urandom(SIZE), os.urandom(SIZE))

    def renewed(self) -> "FileKey":
        """Return a key with a new data key and the same origin key."""
        return FileKey(os.urandom(SIZE), self.origin)

    def seal(self, nonce: bytes, plain: bytes, about: bytes) -> bytes:
        """Encrypt *plain* and bind it to *about*; *nonce* is 12 bytes that were never used before."""
        return self._lines.encrypt(nonce, plain, about)

    def open(self, nonce: bytes, data: bytes, about: bytes) -> bytes:
        """Decrypt the result of ``seal``; InvalidTag if anything differs."""
        return self._lines.decrypt(nonce, data, about)

    def check(self, head: bytes) -> bytes:
        """Return the check value of a header."""
        import hmac

        return hmac.digest(self._check, head, "sha256")
