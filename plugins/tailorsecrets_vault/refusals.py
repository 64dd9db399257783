"""What the words of a refusal tell, where its status does not. The words are alike on Vault and OpenBao."""

import re
from typing import Final

from tailorsecrets_vault.hvac_types import VaultError

_STALE: Final = "check-and-set parameter did not match"
_NO_MOUNT: Final = "no handler for route"
_NOT_YET: Final = "Upgrading from non-versioned"
_TAKEN: Final = re.compile(r"path is already in use at (\S+)/$")
_BY_POLICY: Final = "1 error occurred"  # so begins a denial by policy; a bad token has no such count, or is the second
_TOO_LARGE: Final = ("value being too large", "request body too large", "exceeds maximum")


def words(exc: VaultError) -> str:
    """Return what the server says."""
    errors = exc.errors if isinstance(exc.errors, list) else []
    return ", ".join(map(str, errors)) or exc.text or ""


def is_stale(exc: VaultError) -> bool:
    """Tell whether another version is current than the write expected."""
    return _STALE in words(exc)


def is_gone(exc: VaultError) -> bool:
    """Tell whether not even the mount is there."""
    return _NO_MOUNT in words(exc)


def is_not_yet(exc: VaultError) -> bool:
    """Tell whether a new mount is not ready."""
    return _NOT_YET in words(exc)


def is_too_large(exc: VaultError) -> bool:
    """Tell whether the storage or the listener takes no entry of that size."""
    return any(text in words(exc) for text in _TOO_LARGE)


def is_about_the_token(exc: VaultError) -> bool:
    """Tell whether the token itself is refused, and not what it asks for."""
    text = words(exc)
    return not text.startswith(_BY_POLICY) and ("permission denied" in text or "token" in text)


def taken_path(exc: VaultError) -> str:
    """Return the mount that is in the way of a new one, "" where none is."""
    found = _TAKEN.search(words(exc))
    return found[1] if found else ""
