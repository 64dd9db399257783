"""The key of one store file: it encrypts the lines and authenticates the header."""

import os
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.hmac import HMAC

# cryptography is imported where it is used: a list does not need it, and importing it takes 30 ms. It has its own
# OpenSSL; hashlib and hmac would load that of Python as well

SIZE: Final = 32  # bytes of every key in this format


def expand(key: bytes, info: bytes, length: int = SIZE) -> bytes:
    """Return *length* bytes of HKDF-Expand (RFC 5869, SHA-256) of a uniform *key*."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

    return HKDFExpand(SHA256(), length, info).derive(key)


class FileKey:
    """The two secrets of a file, and everything derived from them.

    The *data* key encrypts the lines; a rekey replaces it. The *origin* key stays for the life of the file. Only people
    who can open the file know it, so it shows that a header comes from one of them.
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
        return self._mac(head).finalize()

    def is_check(self, check: bytes, head: bytes) -> bool:
        """Tell, in constant time, whether *check* is the check value of a header."""
        from cryptography.exceptions import InvalidSignature

        try:
            self._mac(head).verify(check)
        except InvalidSignature:
            return False
        return True

    def _mac(self, head: bytes) -> "HMAC":
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.hmac import HMAC

        mac = HMAC(self._check, SHA256())
        mac.update(head)
        return mac
