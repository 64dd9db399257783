"""References to secrets in HTTP headers: ``{"vault": ..., "key": ...}`` in place of a value."""

from tailorsecrets.references.resolving import HeaderValue, Reader, aheaders, auth, headers

__all__ = ["HeaderValue", "Reader", "aheaders", "auth", "headers"]
