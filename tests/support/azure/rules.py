"""The rules for names, values, tags and requests of Azure Key Vault, and its words for each refusal.

Texts marked *recorded* are those of the live service in Microsoft's published recordings or in reports of its users;
the other texts are ours, with the service's status and codes.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

LONGEST_VALUE: Final = 25 * 1024  # bytes
LONGEST_TEXT: Final = 256  # characters of a tag's name and of its value
LONGEST_TYPE: Final = 255  # characters of a content type
MOST_TAGS: Final = 15
PAGE: Final = 25
API_VERSIONS: Final = frozenset(
    {"2016-10-01", "7.0", "7.1", "7.2", "7.3", "7.4", "7.5", "7.6", "2025-07-01", "2026-04-01"}
)
_NAME: Final = re.compile(r"[0-9A-Za-z-]{1,127}")


class Refusal(Exception):
    """An error as the answer: *status*, a code, a text, and the more precise *inner* code where there is one."""

    def __init__(
        self, status: int, code: str, message: str, inner: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(code)
        self.status, self.headers = status, dict(headers or {})
        self.error: dict[str, Any] = {"code": code, "message": message}
        if inner:
            self.error["innererror"] = {"code": inner}


def check_name(name: str) -> None:
    """Refuse an invalid name (*recorded*)."""
    if not _NAME.fullmatch(name):
        raise Refusal(400, "BadParameter", f"The request URI contains an invalid name: {name}")


def check_api_version(version: str) -> None:
    """Refuse a request without a known API version."""
    if version not in API_VERSIONS:
        raise Refusal(400, "BadParameter", f"The specified version ({version}) is not recognized.")


def page_size(text: str) -> int:
    """Return the number of items on a page; refuse more than the service gives."""
    if not text:
        return PAGE
    if not text.isdecimal() or not 0 < int(text) <= PAGE:
        raise Refusal(400, "BadParameter", "Property maxresults has invalid value")
    return int(text)


def check_value(value: object) -> str:
    """Return the value of a request; it may be empty (*recorded*)."""
    if not isinstance(value, str):
        raise Refusal(400, "BadParameter", "Property value has invalid value")
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        size = LONGEST_VALUE + 1
    if size > LONGEST_VALUE:
        raise Refusal(400, "BadParameter", "Property value has invalid value: over the maximum size")
    return value


def check_tags(tags: object) -> dict[str, str]:
    """Return the tags of a request."""
    if not isinstance(tags, dict) or len(tags) > MOST_TAGS:
        raise Refusal(400, "BadParameter", "Property tags has invalid value: too many")
    for name, text in tags.items():
        if not (isinstance(text, str) and 0 < len(name) <= LONGEST_TEXT and len(text) <= LONGEST_TEXT):
            raise Refusal(400, "BadParameter", "Property tags has invalid value: too long")
    return dict(tags)


def check_content_type(text: object) -> str:
    """Return the content type of a request."""
    if not isinstance(text, str) or len(text) > LONGEST_TYPE:
        raise Refusal(400, "BadParameter", "Property contentType has invalid value")
    return text


def unauthorized(tenant: str) -> Refusal:
    """Return the challenge (*recorded*)."""
    challenge = f'Bearer authorization="https://login.windows.net/{tenant}", resource="https://vault.azure.net"'
    text = "AKV10000: Request is missing a Bearer or PoP token."
    return Refusal(401, "Unauthorized", text, headers={"WWW-Authenticate": challenge})


def expired(tenant: str) -> Refusal:
    """Return the answer to a token that is no longer valid."""
    answer = unauthorized(tenant)
    answer.error["message"] = "[TokenExpired] Error validating token: 'S2S12086'."
    answer.headers["WWW-Authenticate"] += ', error="invalid_token"'
    return answer


def not_found(name: str) -> Refusal:
    """Return the answer for a missing name (*recorded*)."""
    text = f"A secret with (name/id) {name} was not found in this key vault."
    return Refusal(404, "SecretNotFound", text)


def no_deleted(name: str) -> Refusal:
    """Return the answer for a name that is not among the deleted (*recorded*)."""
    return Refusal(404, "SecretNotFound", f"Deleted Secret not found: {name}")


def is_deleted(name: str) -> Refusal:
    """Return the answer to a write of a deleted name (*recorded*)."""
    text = f"Secret {name} is currently in a deleted but recoverable state, and its name cannot be reused; in this "
    text += "state, the secret can only be recovered or purged."
    return Refusal(409, "Conflict", text, "ObjectIsDeletedButRecoverable")


def is_being(done: str, name: str) -> Refusal:
    """Return the answer while a secret is being *done*: deleted or recovered (*recorded*)."""
    text = f"Secret {name} is currently being {done} and cannot be re-created; retry later."
    return Refusal(409, "Conflict", text, f"ObjectIsBeing{done.capitalize()}")


def is_disabled() -> Refusal:
    """Return the answer to a read of a disabled version (*recorded*)."""
    return Refusal(403, "Forbidden", "Operation get is not allowed on a disabled secret.", "SecretDisabled")


def is_protected() -> Refusal:
    """Return the answer to a purge under purge protection (*recorded*)."""
    text = 'Operation "purge" is not allowed because purge protection is enabled for this vault. Key Vault service '
    text += "will automatically purge it after the retention period has passed.\r\nVault: test;location=test"
    return Refusal(403, "Forbidden", text)


def denied(action: str) -> Refusal:
    """Return the answer to a login without the role for *action* (*recorded*)."""
    text = "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role "
    text += f"definitions were changed recently, please observe propagation time.\r\nAction: '{action}'"
    return Refusal(403, "Forbidden", text, "ForbiddenByRbac")


def firewalled() -> Refusal:
    """Return the answer to an address that the firewall blocks (*recorded*)."""
    text = "Client address is not authorized and caller is not a trusted service.\r\nClient address: 127.0.0.1"
    return Refusal(403, "Forbidden", text, "ForbiddenByFirewall")


def throttled(seconds: float | None = None) -> Refusal:
    """Return the answer over the quota; *seconds* is the wait that it asks for."""
    text = "Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached"
    return Refusal(429, "Throttled", text, headers={} if seconds is None else {"Retry-After": str(seconds)})


def down(status: int = 503) -> Refusal:
    """Return the answer during an outage."""
    return Refusal(status, "ServiceUnavailable", "The service is temporarily unavailable.")
