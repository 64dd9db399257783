"""The meaning of HTTP and gRPC statuses, for ``Driver.explain``.

A driver whose store uses a status in another sense has its own table, and calls these functions for the rest.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from tailorsecrets.errors import (
    AlreadyExists,
    ConfigError,
    Conflict,
    Corrupt,
    Denied,
    NotFound,
    Problem,
    SecretsError,
    Throttled,
    TooLarge,
    Unauthenticated,
    Unavailable,
    Unsupported,
)

_SERVER_ERROR: Final = 500
_HTTP: Final[Mapping[int, type[SecretsError]]] = {
    304: Conflict,
    401: Unauthenticated,
    403: Denied,
    404: NotFound,
    405: Unsupported,
    408: Unavailable,
    409: Conflict,
    410: NotFound,
    412: Conflict,
    413: TooLarge,
    423: Conflict,
    425: Unavailable,
    429: Throttled,
    501: Unsupported,
}
_GRPC: Final[Mapping[str, type[SecretsError]]] = {
    "CANCELLED": Unavailable,
    "UNKNOWN": Unavailable,
    "INVALID_ARGUMENT": ConfigError,
    "DEADLINE_EXCEEDED": Unavailable,
    "NOT_FOUND": NotFound,
    "ALREADY_EXISTS": AlreadyExists,
    "PERMISSION_DENIED": Denied,
    "RESOURCE_EXHAUSTED": Throttled,
    "FAILED_PRECONDITION": Conflict,
    "ABORTED": Conflict,
    "OUT_OF_RANGE": ConfigError,
    "UNIMPLEMENTED": Unsupported,
    "INTERNAL": Unavailable,
    "UNAVAILABLE": Unavailable,
    "DATA_LOSS": Corrupt,
    "UNAUTHENTICATED": Unauthenticated,
}


def http_kind(status: int) -> type[SecretsError]:
    """Return what an answer of HTTP *status* means.

    500 and above are Unavailable, except 501. What is not listed in RFC 9110 as a state of the resource or of the
    caller is ConfigError: the request is wrong, or the server is not the store.
    """
    return _HTTP.get(status) or (Unavailable if status >= _SERVER_ERROR else ConfigError)


def http_problem(status: int, headers: Mapping[str, str] | None = None, *, hint: str = "", reason: str = "") -> Problem:
    """Return the Problem of an answer of HTTP *status*; ``Retry-After`` is read from *headers*.

    *hint* and *reason* are as in Problem. The reason code is ``HTTP`` and the number.
    """
    return Problem(http_kind(status), hint, retry_after(headers), reason, f"HTTP {status}")


def grpc_kind(code: str) -> type[SecretsError]:
    """Return what the gRPC status *code* means, given by name, as ``grpc.StatusCode.name`` has it.

    Raise KeyError for a name that gRPC does not have, and for OK.
    """
    return _GRPC[code]


def retry_after(headers: Mapping[str, str] | None) -> float | None:
    """Return the seconds that the header ``Retry-After`` asks to wait, None where it is absent or not a number.

    The name is found in any case. A date is read too, against the ``Date`` of the answer or the clock of this machine.
    """
    found = {name.lower(): text for name, text in (headers or {}).items() if name.lower() in {"retry-after", "date"}}
    text = found.get("retry-after", "")
    with suppress(ValueError):
        seconds = float(text)
        return max(0.0, seconds) if seconds < float("inf") else None
    return _until(text, found.get("date", "")) if text else None


def _until(text: str, now: str) -> float | None:
    from datetime import UTC, datetime
    from email.utils import parsedate_to_datetime  # slow to import, and rarely needed

    with suppress(ValueError, TypeError):
        start = parsedate_to_datetime(now) if now else datetime.now(UTC)
        return max(0.0, (parsedate_to_datetime(text) - start).total_seconds())
    return None
