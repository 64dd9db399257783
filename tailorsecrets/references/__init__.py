"""References to secrets in HTTP headers: ``{"vault": ..., "key": ...}`` in place of a value."""

from tailorsecrets.references.auth import auth
from tailorsecrets.references.ref import SecretRef
from tailorsecrets.references.resolving import HeaderValue, Reader, aheaders, cover, headers

__all__ = ["HeaderValue", "Reader", "SecretRef", "aheaders", "auth", "cover", "headers"]
