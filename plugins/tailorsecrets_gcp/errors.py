"""The meaning of each exception of google.api_core and google.auth, and the remedy."""

from collections.abc import Mapping
from typing import Any, Final, cast

from google.api_core import exceptions as api
from google.auth import exceptions as auth

from tailorsecrets.driver import Problem
from tailorsecrets.errors import (
    ConfigError,
    Denied,
    Disabled,
    SecretsError,
    Unauthenticated,
    Unavailable,
    Unsupported,
)
from tailorsecrets.kit import grpc_kind, http_kind
from tailorsecrets_gcp.retry import is_login, retry_after

_SIGN_IN: Final = (
    "sign in: gcloud auth application-default login, GOOGLE_APPLICATION_CREDENTIALS=KEY.json, "
    "or a service account on the machine"
)
_SIGN_IN_AGAIN: Final = "the login has expired or was revoked: gcloud auth application-default login, or another key"
_REFUSED: Final = "the login gets no token; to impersonate, it needs roles/iam.serviceAccountTokenCreator"
_ABOUT_A_FILE: Final = ("File ", "Failed to load")  # how messages on the file of a login begin
_KEY_FILE: Final = "the file in GOOGLE_APPLICATION_CREDENTIALS does not exist, or is not a login"
_CERTIFICATE: Final = "the client certificate that the environment asks for cannot be used"
_SDK: Final = "google-cloud-secret-manager cannot work with these settings"
_NETWORK: Final = "check the network, a proxy and the option endpoint"
_NO_SERVICE: Final = "the answer is not from Secret Manager; check the option endpoint"
_REQUEST: Final = "Google refuses the request; check project, location, locations, kms_key and labels"
_STATE: Final = (
    "its version or its KMS key is disabled or destroyed; a login that may only access values gets this for a deleted "
    "secret too"
)
_POLICY: Final = (
    "Google refuses the write: a policy of the organisation on locations, or a KMS key that is disabled; "
    "check the options location, locations and kms_key"
)
_API: Final = "the API is disabled: gcloud services enable secretmanager.googleapis.com"
_RIGHT: Final = "the login may not {}; where rights are given secret by secret, a missing secret is denied too"

_RIGHTS: Final[Mapping[str, str]] = {
    "get": "secretmanager.versions.access",
    "stat": "secretmanager.secrets.get and secretmanager.versions.list (plan=access: secretmanager.versions.access)",
    "list": "secretmanager.secrets.list",
    "versions": "secretmanager.versions.list",
    "put": "secretmanager.secrets.create, secretmanager.secrets.update or secretmanager.versions.add",
    "delete": "secretmanager.versions.disable, secretmanager.secrets.update or secretmanager.secrets.delete",
    "restore": "secretmanager.versions.enable or secretmanager.secrets.update",
}

MEANINGS: Final[Mapping[type[Exception], Problem]] = {
    api.GoogleAPIError: Problem(Unavailable, _NETWORK),
    api.Redirection: Problem(ConfigError, _NO_SERVICE),
    api.FailedPrecondition: Problem(Disabled, _STATE),
    api.MethodNotAllowed: Problem(ConfigError, _NO_SERVICE),
    api.DuplicateCredentialArgs: Problem(ConfigError, _SDK),
    api.AsyncRestUnsupportedParameterError: Problem(ConfigError, _SDK),
    auth.GoogleAuthError: Problem(Unauthenticated, _SIGN_IN),
    auth.TransportError: Problem(Unavailable, _NETWORK),
    auth.TimeoutError: Problem(Unavailable, _NETWORK),
    auth.ResponseError: Problem(Unavailable, _NETWORK),
    auth.RefreshError: Problem(Unauthenticated, _REFUSED),
    auth.ReauthFailError: Problem(Unauthenticated, _SIGN_IN_AGAIN),
    auth.DefaultCredentialsError: Problem(Unauthenticated, _SIGN_IN),
    auth.MalformedError: Problem(Unauthenticated, _KEY_FILE),
    auth.InvalidOperation: Problem(ConfigError, _SDK),
    auth.InvalidResource: Problem(ConfigError, _SDK),
    auth.InvalidType: Problem(ConfigError, _SDK),
    auth.InvalidValue: Problem(ConfigError, _SDK),
    auth.MutualTLSChannelError: Problem(ConfigError, _CERTIFICATE),
    auth.ClientCertError: Problem(ConfigError, _CERTIFICATE),
}
_HINTS: Final[Mapping[type[SecretsError], str]] = {
    ConfigError: _REQUEST,
    Unauthenticated: _SIGN_IN_AGAIN,
    Unavailable: _NETWORK,
    Unsupported: _NO_SERVICE,
}


def explain(exc: Exception, op: str) -> Problem:
    """Return the meaning of *exc*, raised by method *op* of the driver."""
    if isinstance(exc, SecretsError):
        return Problem(type(exc), exc.hint)
    if isinstance(exc, api.RetryError) and isinstance(exc.cause, Exception):
        return explain(exc.cause, op)
    return _meaning(exc, op)._replace(reason=_message_of(exc), reason_code=code_of(exc), retry_after=retry_after(exc))


def code_of(exc: Any) -> str:
    """Return the service's own code, such as PERMISSION_DENIED or invalid_grant, "" where it gives none."""
    if isinstance(exc, SecretsError):
        return exc.code
    if isinstance(exc, api.GoogleAPICallError):
        error = cast("Any", exc)
        return str(error.reason or getattr(error.grpc_status_code, "name", ""))
    answer: Any = exc.args[1] if len(exc.args) > 1 else None  # of the token service
    return str(answer.get("error", "")) if hasattr(answer, "get") else ""


def _message_of(exc: Any) -> str:
    if isinstance(exc, api.GoogleAPICallError):
        return str(cast("Any", exc).message)
    return str(exc.args[0]) if exc.args else ""


def _meaning(exc: Exception, op: str) -> Problem:
    if isinstance(exc, api.FailedPrecondition) and op == "put":
        return Problem(ConfigError, _POLICY)
    if isinstance(exc, auth.GoogleAuthError) and getattr(exc, "retryable", False):
        return MEANINGS[auth.TransportError]
    if is_login(exc) or code_of(exc) == "invalid_grant":
        return Problem(Unauthenticated, _SIGN_IN_AGAIN)
    if isinstance(exc, auth.DefaultCredentialsError) and _message_of(exc).startswith(_ABOUT_A_FILE):
        return Problem(Unauthenticated, _KEY_FILE)
    known = _of_class(exc)
    if known.kind is Denied:
        off = getattr(exc, "reason", "") == "SERVICE_DISABLED"
        return Problem(Denied, _API if off else _RIGHT.format(_RIGHTS.get(op, "do that")))
    return known


def _of_class(exc: Exception) -> Problem:
    """Return the meaning of the class of *exc*, else of its gRPC or HTTP status, else of a class above it."""
    known = [MEANINGS[kind] for kind in type(exc).__mro__ if kind in MEANINGS]
    if isinstance(exc, api.GoogleAPICallError) and known == [MEANINGS[api.GoogleAPIError]]:
        error = cast("Any", exc)
        code = getattr(error.grpc_status_code, "name", "")
        kind = grpc_kind(code) if code else http_kind(error.code or 0)
        return Problem(kind, _HINTS.get(kind, ""))
    return known[0] if known else Problem(SecretsError)
