"""The meaning of each exception of azure.core and azure.identity, and the remedy.

Key Vault says most things by a code inside its error.
"""

import re
import ssl
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from azure.core import exceptions as core

from tailorsecrets import kit
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

PASSING: Final = ("ObjectIsBeingDeleted", "ObjectIsBeingRecovered")

_SIGN_IN: Final = "sign in: az login, AZURE_TENANT_ID with AZURE_CLIENT_ID and a secret, or a managed identity"
_SIGN_IN_AGAIN: Final = "the login has expired, was revoked, or belongs to another tenant than the Key Vault"
_NETWORK: Final = "check the name of the Key Vault, the network and any proxy"
_CERTIFICATE: Final = "the server's certificate is not trusted; name its authority in the option ca_bundle"
_NO_SERVICE: Final = "the server is not a Key Vault; check the host in the store URL"
_REQUEST: Final = "Azure refuses the request; check the options tags, content_type and api_version"
_SDK: Final = "azure-keyvault-secrets cannot work with these options"
_PASSING: Final = "Azure is still deleting or recovering it; try again in a minute"
_FIREWALL: Final = "the firewall of the Key Vault blocks this address"
_PROTECTED: Final = "purge protection keeps it until its retention period ends; it is deleted and can be restored"
_PURGE: Final = "the login may not purge; it is deleted and can be restored"
_RIGHT: Final = "the login may not {}"
_LIST: Final = "list: role Key Vault Reader, or List in an access policy"

_RIGHTS: Final[Mapping[str, str]] = {
    "get": "read values: role Key Vault Secrets User, or Get in an access policy",
    "put": "write: role Key Vault Secrets Officer, or Set and Recover in an access policy",
    "delete": "delete: role Key Vault Secrets Officer, or Delete in an access policy",
    "restore": "recover: role Key Vault Secrets Officer, or Recover in an access policy",
    **dict.fromkeys(("stat", "list", "versions"), _LIST),
}

CODES: Final[Mapping[str, Problem]] = {
    "SecretDisabled": Problem(Disabled),
    "ForbiddenByFirewall": Problem(Denied, _FIREWALL),
    "ForbiddenByConnection": Problem(Denied, _FIREWALL),
    "SecretNotFound": Problem(NotFound),
}
STATUSES: Final[Mapping[int, Problem]] = {
    400: Problem(ConfigError, _REQUEST),
    401: Problem(Unauthenticated, _SIGN_IN_AGAIN),
    409: Problem(Unavailable, _PASSING),  # Key Vault has no conditional writes: a 409 is about a deleted name
}
_PLAIN: Final[Mapping[type[SecretsError], Problem]] = {
    Conflict: Problem(Conflict),
    Throttled: Problem(Throttled),
    Unavailable: Problem(Unavailable, _NETWORK),
}  # of other statuses; what is not here is not an answer of a Key Vault
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
    """Return the meaning of *exc*, raised by method *op* of the driver."""
    if is_certificate(exc):
        return Problem(ConfigError, _CERTIFICATE)
    if isinstance(exc, core.HttpResponseError) and exc.status_code and not _is_of_login(exc):
        return _answered(exc, exc.status_code, op)
    known = next((CLASSES[kind] for kind in type(exc).__mro__ if kind in CLASSES), Problem(SecretsError))
    if isinstance(exc, core.ClientAuthenticationError):
        return _refused_login(known, exc.message or "")
    is_quotable = known.hint == _SDK or isinstance(exc, core.ServiceRequestError)  # neither has seen an answer
    return known._replace(reason=str(exc)) if is_quotable else known


def inner_code(exc: core.HttpResponseError) -> str:
    """Return the most precise code in the error of Key Vault, "" where there is none."""
    error = exc.error
    inner = error.innererror if error else None
    return str(inner["code"]) if inner and inner.get("code") else str(error.code or "") if error else ""


def is_missing(exc: core.HttpResponseError) -> bool:
    """Return whether Key Vault says that there is no such secret; a proxy's 404 does not say so."""
    return inner_code(exc) == "SecretNotFound"


@contextmanager
def missing_is_fine() -> Generator[None]:
    """Ignore Key Vault's answer that there is no such secret."""
    try:
        yield
    except core.ResourceNotFoundError as answer:
        if not is_missing(answer):
            raise


def retry_after(response: Any) -> float | None:
    """Return the seconds that *response*, if any, asks to wait; None where it does not say."""
    return kit.retry_after(response.headers) if response else None


def is_certificate(exc: BaseException) -> bool:
    """Return whether a server certificate that is not trusted caused *exc*."""
    return any(
        isinstance(cause, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in str(cause)
        for cause in _causes(exc)
    )


def is_refused(exc: BaseException) -> bool:
    """Return whether nothing listens at the service's address."""
    return any(isinstance(cause, ConnectionRefusedError) for cause in _causes(exc))


def _causes(exc: BaseException) -> Iterator[BaseException]:
    """Yield *exc* and the exceptions that led to it; the SDK's have their own attribute for it."""
    seen: list[BaseException] = []
    cause: Any = exc
    while isinstance(cause, BaseException) and cause not in seen:
        seen.append(cause)
        yield cause
        cause = getattr(cause, "inner_exception", None) or cause.__cause__ or cause.__context__


def _answered(exc: core.HttpResponseError, status: int, op: str) -> Problem:
    """Return the meaning of an error that Key Vault, or another server, answered."""
    problem = _meaning(exc, status, op)
    if problem.kind is Denied and not problem.hint:
        problem = Problem(Denied, _RIGHT.format(_RIGHTS.get(op, "do that")))
    message = exc.error.message if exc.error else ""  # never the text of the exception, which may quote an answer
    return problem._replace(reason_code=inner_code(exc), reason=message or "", retry_after=retry_after(exc.response))


def _meaning(exc: core.HttpResponseError, status: int, op: str) -> Problem:
    code = inner_code(exc)
    if status == 403 and code not in CODES:  # noqa: PLR2004
        return _forbidden(exc, op)
    plain = _PLAIN.get(kit.http_kind(status), CLASSES[core.HttpResponseError])
    return CODES.get(code) or STATUSES.get(status) or plain


def _forbidden(exc: core.HttpResponseError, op: str) -> Problem:
    """Return why something is denied, where no code shows it."""
    if "disabled secret" in str(exc.message):
        return Problem(Disabled)
    if "purge protection" in str(exc.message):
        return Problem(Denied, _PROTECTED)
    return Problem(Denied, _PURGE if op == "delete" and "/deletedsecrets/" in _address(exc) else "")


def _is_of_login(exc: core.HttpResponseError) -> bool:
    """Return whether *exc* is an answer of the sign-in service, not of Key Vault."""
    return isinstance(exc, core.ClientAuthenticationError) and "api-version=" not in _address(exc)


def _address(exc: core.HttpResponseError) -> str:
    response: Any = exc.response  # whose stub leaves out the request
    return str(response.request.url) if response else ""


def _refused_login(problem: Problem, text: str) -> Problem:
    """Return *problem* with the reason in *text*; a chain of logins ends with the one that was refused."""
    attempts = text.partition("Attempted credentials:")[2].partition("\nTo mitigate this issue")[0] or text
    reason = "; ".join(reversed([attempt for attempt in attempts.split("\n\t") if attempt]))
    code = re.search(r"AADSTS\d+", reason)
    return problem._replace(reason_code=code[0] if code else "", reason=reason)
