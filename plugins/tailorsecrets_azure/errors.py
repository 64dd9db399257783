"""What each exception of azure.core and azure.identity means, and what to do about it.

Key Vault tells most things by a code inside of its error. No text of an exception is passed on from a write: what was
to be written may stand in it.
"""

import ssl
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from azure.core import exceptions as core

from tailorsecrets.driver import Problem
from tailorsecrets.errors import (
    AlreadyExists,
    ConfigError,
    Conflict,
    Denied,
    Disabled,
    NotFound,
    SecretsError,
    Throttled,
    Unauthenticated,
    Unavailable,
)

DELETED: Final = "ObjectIsDeletedButRecoverable"
PASSING: Final = ("ObjectIsBeingDeleted", "ObjectIsBeingRecovered")

_SIGN_IN: Final = "sign in: az login, AZURE_TENANT_ID with AZURE_CLIENT_ID and a secret, or a managed identity"
_SIGN_IN_AGAIN: Final = "the login has run out, was revoked, or is of another tenant than the Key Vault"
_NO_LOGIN_SERVICE: Final = "the service that signs in does not answer; check the network and the option authority"
_NETWORK: Final = "check the name of the Key Vault, the network and a proxy"
_CERTIFICATE: Final = "the server's certificate is not trusted; name its authority in the option ca_bundle"
_NO_SERVICE: Final = "what answers is no Key Vault; check the host in the store URL"
_REQUEST: Final = "Azure refuses the request; check the options tags, content_type and api_version"
_SDK: Final = "azure-keyvault-secrets cannot work with these settings"
_PASSING: Final = "Azure is still deleting or recovering it; try again in a minute"
_DELETED: Final = "it is deleted; tailorsecrets secret restore brings it back"
_FIREWALL: Final = "the firewall of the Key Vault does not let this address in"
_PROTECTED: Final = "purge protection keeps it until its days are over; it is deleted and can be restored"
_PURGE: Final = "the login may not purge; it is deleted and can be restored"
_RIGHT: Final = "the login may not {}"

_RIGHTS: Final[Mapping[str, str]] = {
    "get": "read values: role Key Vault Secrets User, or Get in an access policy",
    "stat": "list: role Key Vault Reader, or List in an access policy",
    "list": "list: role Key Vault Reader, or List in an access policy",
    "versions": "list: role Key Vault Reader, or List in an access policy",
    "put": "write: role Key Vault Secrets Officer, or Set and Recover in an access policy",
    "delete": "delete: role Key Vault Secrets Officer, or Delete in an access policy",
    "restore": "recover: role Key Vault Secrets Officer, or Recover in an access policy",
}
_UNANSWERED: Final = (core.ServiceRequestError, core.ServiceResponseError)
_WRITES: Final = {"put", "delete", "restore"}
_LONGEST_QUOTE: Final = 200  # characters

CODES: Final[Mapping[str, Problem]] = {
    "SecretDisabled": Problem(Disabled),
    "ForbiddenByFirewall": Problem(Denied, _FIREWALL),
    "ForbiddenByConnection": Problem(Denied, _FIREWALL),
    "SecretNotFound": Problem(NotFound),
    DELETED: Problem(Conflict, _DELETED),
    **dict.fromkeys(PASSING, Problem(Unavailable, _PASSING)),
}
STATUSES: Final[Mapping[int, Problem]] = {
    304: Problem(Conflict),
    400: Problem(ConfigError, _REQUEST),
    401: Problem(Unauthenticated, _SIGN_IN_AGAIN),
    403: Problem(Denied),
    408: Problem(Unavailable, _NETWORK),
    409: Problem(Conflict),
    412: Problem(Conflict),
    429: Problem(Throttled),
}
CLASSES: Final[Mapping[type[Exception], Problem]] = {
    core.AzureError: Problem(Unavailable, _NETWORK),
    core.HttpResponseError: Problem(ConfigError, _NO_SERVICE),
    core.DecodeError: Problem(Unavailable, _NETWORK),
    core.ClientAuthenticationError: Problem(Unauthenticated, _SIGN_IN),
    core.ResourceExistsError: Problem(AlreadyExists),
    core.ResourceNotFoundError: Problem(ConfigError, _NO_SERVICE),
    core.ResourceModifiedError: Problem(Conflict),
    core.ResourceNotModifiedError: Problem(Conflict),
    core.TooManyRedirectsError: Problem(ConfigError, _NO_SERVICE),
    core.DeserializationError: Problem(Unavailable, _NETWORK),
    ValueError: Problem(ConfigError, _SDK),
    NotImplementedError: Problem(ConfigError, _SDK),
    OSError: Problem(ConfigError, _CERTIFICATE),
}


def explain(exc: Exception, op: str) -> Problem:
    """Return what *exc*, raised by method *op* of the driver, means."""
    if is_certificate(exc):
        return Problem(ConfigError, _CERTIFICATE)
    if isinstance(exc, core.HttpResponseError) and exc.status_code and not _is_of_login(exc):
        return _answered(exc, exc.status_code, op)
    if isinstance(exc, core.ClientAuthenticationError) and isinstance(exc.__cause__, _UNANSWERED):
        return Problem(Unavailable, _NO_LOGIN_SERVICE)
    known = next((CLASSES[kind] for kind in type(exc).__mro__ if kind in CLASSES), Problem(SecretsError))
    return _quoted(known, exc, op) if known.hint in {_SIGN_IN, _SDK} else known


def inner_code(exc: core.HttpResponseError) -> str:
    """Return the most precise code in the error of Key Vault, "" where there is none."""
    error = exc.error
    inner = error.innererror if error else None
    return str(inner["code"]) if inner and inner.get("code") else str(error.code or "") if error else ""


def is_missing(exc: core.HttpResponseError) -> bool:
    """Tell whether Key Vault says that there is no such secret; a proxy's 404 says no such thing."""
    return inner_code(exc) == "SecretNotFound"


def retry_after(response: Any) -> float | None:
    """Return the seconds that *response*, if any, asks to wait; None where it does not say."""
    with suppress(ValueError, TypeError, AttributeError):
        return max(0.0, float(response.headers.get("Retry-After")))
    return None


def is_certificate(exc: BaseException | None) -> bool:
    """Tell whether *exc* comes of a server certificate that is not trusted."""
    while exc is not None:
        if isinstance(exc, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in str(exc):
            return True
        exc = exc.__cause__ or exc.__context__
    return False


def _answered(exc: core.HttpResponseError, status: int, op: str) -> Problem:
    code = inner_code(exc)
    if status == 403 and op == "delete" and code not in CODES:  # noqa: PLR2004
        return _purging(exc)
    problem = CODES.get(code) or STATUSES.get(status)
    if problem is None:
        return Problem(Unavailable, _NETWORK) if status >= 500 else CLASSES[core.HttpResponseError]  # noqa: PLR2004
    if problem.kind is Throttled:
        return Problem(Throttled, retry_after=retry_after(exc.response))
    if problem.kind is Denied and not problem.hint:
        return Problem(Denied, _RIGHT.format(_RIGHTS.get(op, "do that")))
    return problem


def _purging(exc: core.HttpResponseError) -> Problem:
    """Return why a delete, or the purge that followed it, is denied."""
    if "purge protection" in str(exc.message):
        return Problem(Denied, _PROTECTED)
    return Problem(Denied, _PURGE if "/deletedsecrets/" in _address(exc) else _RIGHT.format(_RIGHTS["delete"]))


def _is_of_login(exc: core.HttpResponseError) -> bool:
    """Tell whether *exc* is an answer of the service that signs in, not of Key Vault."""
    return isinstance(exc, core.ClientAuthenticationError) and "api-version=" not in _address(exc)


def _address(exc: core.HttpResponseError) -> str:
    response: Any = exc.response  # whose stub leaves out the request
    return str(response.request.url) if response else ""


def _quoted(problem: Problem, exc: Exception, op: str) -> Problem:
    """Return *problem* with the first line of *exc* behind the hint, unless it comes of a write."""
    quote = "" if op in _WRITES else str(exc).partition("\n")[0].strip()[:_LONGEST_QUOTE]
    return Problem(problem.kind, f"{problem.hint} ({quote})" if quote else problem.hint)
