"""What each exception of google.api_core and google.auth means, and what to do about it.

No text of an exception is passed on where it may hold a value: none of a write.
"""

from collections.abc import Mapping
from typing import Final

from google.api_core import exceptions as api
from google.auth import exceptions as auth

from tailorsecrets.driver import Problem
from tailorsecrets.errors import (
    AlreadyExists,
    ConfigError,
    Conflict,
    Corrupt,
    Denied,
    Disabled,
    NotFound,
    SecretsError,
    Throttled,
    Unauthenticated,
    Unavailable,
    Unsupported,
)
from tailorsecrets_gcp.retry import is_login, retry_after

_SIGN_IN: Final = (
    "sign in: gcloud auth application-default login, GOOGLE_APPLICATION_CREDENTIALS=KEY.json, "
    "or a service account on what runs this"
)
_SIGN_IN_AGAIN: Final = "the login has run out or was revoked: gcloud auth application-default login"
_REFUSED: Final = "the login gets no access; to impersonate, it needs roles/iam.serviceAccountTokenCreator"
_KEY_FILE: Final = "the file that GOOGLE_APPLICATION_CREDENTIALS names cannot be used"
_CERTIFICATE: Final = "the client certificate that the environment asks for cannot be used"
_SDK: Final = "google-cloud-secret-manager cannot work with these settings"
_NETWORK: Final = "check the network, a proxy and the option endpoint"
_NO_SERVICE: Final = "what answers is no Secret Manager; check the option endpoint"
_REQUEST: Final = "Google refuses the request; check project, location, locations, kms_key and labels"
_STATE: Final = (
    "its version or its KMS key is off or destroyed; a login that may only access values sees deletes so, too"
)
_POLICY: Final = (
    "Google refuses the write as things are: a policy of the organisation on locations, or a KMS key that is off; "
    "check the options location, locations and kms_key"
)
_API: Final = "the API is off: gcloud services enable secretmanager.googleapis.com"
_RIGHT: Final = "the login may not {}; where rights are given secret by secret, a missing one is denied too"

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
    api.ClientError: Problem(ConfigError, _REQUEST),
    api.FailedPrecondition: Problem(Disabled, _STATE),
    api.Unauthorized: Problem(Unauthenticated, _SIGN_IN_AGAIN),
    api.Forbidden: Problem(Denied),
    api.NotFound: Problem(NotFound),
    api.MethodNotAllowed: Problem(ConfigError, _NO_SERVICE),
    api.AlreadyExists: Problem(AlreadyExists),
    api.Conflict: Problem(Conflict),
    api.PreconditionFailed: Problem(Conflict),
    api.TooManyRequests: Problem(Throttled),
    api.Cancelled: Problem(Unavailable),
    api.DataLoss: Problem(Corrupt),
    api.MethodNotImplemented: Problem(Unsupported, _NO_SERVICE),
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


def explain(exc: Exception, op: str) -> Problem:
    """Return what *exc*, raised by method *op* of the driver, means."""
    if isinstance(exc, SecretsError):
        return Problem(type(exc), exc.hint)
    if isinstance(exc, api.RetryError) and isinstance(exc.cause, Exception):
        return explain(exc.cause, op)
    if isinstance(exc, api.FailedPrecondition) and op == "put":
        return Problem(ConfigError, _POLICY)
    if is_login(exc):
        return Problem(Unauthenticated, _SIGN_IN_AGAIN)
    if isinstance(exc, auth.GoogleAuthError) and getattr(exc, "retryable", False):
        return MEANINGS[auth.TransportError]
    known = next((MEANINGS[kind] for kind in type(exc).__mro__ if kind in MEANINGS), Problem(SecretsError))
    return _told(known, exc, op)


def _told(known: Problem, exc: Exception, op: str) -> Problem:
    if known.kind is Throttled:
        return Problem(Throttled, known.hint, retry_after(exc))
    if known.kind is Denied:
        off = getattr(exc, "reason", "") == "SERVICE_DISABLED"
        return Problem(Denied, _API if off else _RIGHT.format(_RIGHTS.get(op, "do that")))
    return known
