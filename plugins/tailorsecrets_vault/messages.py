"""The error responses of the server. Where the status does not decide, the message does; Vault and OpenBao agree."""

import re
from typing import Final

from hvac.exceptions import VaultError

_VERSION_MISMATCH: Final = "check-and-set parameter did not match"
_UNMOUNTED: Final = "no handler for route"
_NOT_READY: Final = "Upgrading from non-versioned"
_MOUNT_IN_USE: Final = re.compile(r"path is already in use at (\S+)/$")
_BY_POLICY: Final = "1 error occurred"  # a denial by policy begins like this; a message about a bad token does not
_TOO_LARGE: Final = ("value being too large", "request body too large", "exceeds maximum")


def annotate(exc: VaultError, status: int, retry_after: float | None) -> None:
    """Keep the HTTP status and the Retry-After seconds in *exc*, which hvac leaves out."""
    vars(exc).update(status=status, retry_after=retry_after)


def status_of(exc: VaultError) -> int:
    """Return the HTTP status, 0 where there is none."""
    return getattr(exc, "status", 0)


def retry_after_of(exc: Exception) -> float | None:
    """Return the seconds that the server asks to wait, None where it asks for nothing."""
    return getattr(exc, "retry_after", None)


def message_of(exc: VaultError) -> str:
    """Return the server's message."""
    errors = exc.errors if isinstance(exc.errors, list) else []
    return ", ".join(map(str, errors)) or exc.text or ""


def is_version_mismatch(exc: VaultError) -> bool:
    """Tell whether another version is current than the write expected."""
    return _VERSION_MISMATCH in message_of(exc)


def is_unmounted(exc: VaultError) -> bool:
    """Tell whether there is no mount at the path."""
    return _UNMOUNTED in message_of(exc)


def is_not_ready(exc: VaultError) -> bool:
    """Tell whether a new mount is not ready."""
    return _NOT_READY in message_of(exc)


def is_too_large(exc: VaultError) -> bool:
    """Tell whether the value is over a limit of the storage or the listener."""
    return any(text in message_of(exc) for text in _TOO_LARGE)


def is_token_refused(exc: VaultError) -> bool:
    """Tell whether the server refuses the token itself, and not the request."""
    message = message_of(exc)
    return not message.startswith(_BY_POLICY) and ("permission denied" in message or "token" in message)


def mount_in_use(exc: VaultError) -> str:
    """Return the existing mount that prevents a new one, "" for none."""
    found = _MOUNT_IN_USE.search(message_of(exc))
    return found[1] if found else ""
