"""The meaning of the exceptions of hvac and requests."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import requests.exceptions as http
from hvac import exceptions as sdk

from tailorsecrets.driver import Problem
from tailorsecrets.errors import (
    AlreadyExists,
    ConfigError,
    Conflict,
    Denied,
    NotFound,
    SecretsError,
    StoreNotFound,
    Throttled,
    TooLarge,
    Unauthenticated,
    Unavailable,
    Unsupported,
)
from tailorsecrets.kit import http_kind
from tailorsecrets_vault.messages import (
    is_not_ready,
    is_token_refused,
    is_too_large,
    is_unmounted,
    is_version_mismatch,
    message_of,
    mount_in_use,
    retry_after_of,
    status_of,
)
from tailorsecrets_vault.session import RefusedRedirect
from tailorsecrets_vault.transport import InvalidAnswer

_MOUNT_REMEDIES: Final = (
    "each vault is a separate mount: allow sys/mounts in the policy, as `tailorsecrets policy` prints it, or keep "
    "the vaults as folders of one mount, with the store URL vault://HOST/MOUNT"
)
_BAD_ADDRESS: Final = (http.InvalidURL, http.MissingSchema, http.InvalidSchema, http.InvalidHeader)
_BY_STATUS: Final[Mapping[int, Problem]] = {
    405: Problem(Unsupported, "the server may be older than Vault 1.10"),
    409: Problem(AlreadyExists),
    412: Problem(Unavailable, "a standby has not caught up"),
}
_BY_TYPE: Final[Mapping[type[Exception], Problem]] = {
    sdk.ParamValidationError: Problem(ConfigError),
    sdk.RateLimitExceeded: Problem(Throttled),
    sdk.UnsupportedOperation: Problem(Unsupported),
}


@dataclass(frozen=True, slots=True)
class Context:
    """The facts that decide the meaning of an exception, besides the exception."""

    address: str
    method: str  # of signing in
    mount_per_vault: bool


def meaning(exc: Exception, op: str, context: Context) -> Problem:
    """Return the meaning of *exc*, raised by method *op*."""
    match exc:
        case RefusedRedirect():
            return Problem(ConfigError, str(exc.args[0]))
        case sdk.VaultError():
            is_login = "/v1/auth/" in str(exc.url)
            problem = _of_login(exc, context) if is_login else _of_answer(exc, op, context)
            status = status_of(exc)
            code = f"HTTP {status}" if status else ""
            return problem._replace(retry_after=retry_after_of(exc), reason=_reason(exc), reason_code=code)
        case http.RequestException():
            return _of_no_answer(exc, context)
        case OSError():
            return Problem(ConfigError, "a certificate or token file that the environment names cannot be read")
        case _:
            return Problem(SecretsError)


def _reason(exc: sdk.VaultError) -> str:
    message = message_of(exc)
    return "" if message.lstrip().startswith("<") else message  # a proxy's web page says nothing in a line


def _of_answer(exc: sdk.VaultError, op: str, context: Context) -> Problem:
    match exc:
        case sdk.InvalidRequest():
            return _bad_request(exc, context)
        case sdk.Unauthorized():
            return _token_refused(context)
        case sdk.Forbidden():
            return _token_refused(context) if is_token_refused(exc) else _denied(op)
        case sdk.InvalidPath():
            return _missing(exc, context)
        case InvalidAnswer():
            return Problem(Unavailable, f"the answer from {context.address} is not from Vault, or it is truncated")
        case _:
            return _BY_TYPE.get(type(exc)) or _by_status(exc)


def _bad_request(exc: sdk.VaultError, context: Context) -> Problem:
    in_use = mount_in_use(exc)
    if is_version_mismatch(exc):
        return Problem(Conflict)
    if in_use:
        same = str(exc.url).endswith(f"/v1/sys/mounts/{in_use}")
        return Problem(AlreadyExists) if same else Problem(ConfigError, f"the mount {in_use}/ is in the way")
    if is_not_ready(exc):
        return Problem(Unavailable, "a new mount is not ready yet")
    if "HTTP request to an HTTPS server" in message_of(exc):
        return Problem(ConfigError, "the server uses TLS: write vault:// or an https address")
    return _token_refused(context) if "missing client token" in message_of(exc) else Problem(ConfigError)


def _token_refused(context: Context) -> Problem:
    cause = "the token is wrong, expired or used up" if context.method == "token" else "the login has ended"
    return Problem(Unauthenticated, f"{cause}: sign in again ({context.method})")


def _denied(op: str) -> Problem:
    if op in {"make", "drop"}:
        return Problem(Denied, _MOUNT_REMEDIES)
    return Problem(Denied, "the login needs the policy that `tailorsecrets policy` prints")


def _missing(exc: sdk.VaultError, context: Context) -> Problem:
    if "namespace not found" in message_of(exc):
        return Problem(StoreNotFound, "the namespace does not exist: check the option namespace and VAULT_NAMESPACE")
    if is_unmounted(exc) and not context.mount_per_vault:
        return Problem(StoreNotFound, "the mount does not exist; make it with: vault secrets enable -version=2 kv")
    return Problem(NotFound)


def _by_status(exc: sdk.VaultError) -> Problem:
    if is_too_large(exc):
        return Problem(TooLarge)
    sealed = "the server is sealed, or not initialised" if "sealed" in message_of(exc) else ""
    status = status_of(exc)
    return _BY_STATUS.get(status) or Problem(http_kind(status) if status else Unavailable, sealed)


def _of_login(exc: sdk.VaultError, context: Context) -> Problem:
    method = context.method
    if isinstance(exc, sdk.InvalidPath):
        return Problem(ConfigError, f"{method} is not enabled at that path: check the option auth_path")
    if isinstance(exc, sdk.Forbidden) and str(exc.url).endswith("/login"):
        hint = f"the server refuses the {method} login, or has it at another path: check the option auth_path"
        return Problem(Unauthenticated, hint)
    if isinstance(exc, (sdk.InvalidRequest, sdk.Forbidden)):
        return Problem(Unauthenticated, f"the server refuses the {method} login: check its role, secret and age")
    return _of_answer(exc, "login", context)


def _of_no_answer(exc: http.RequestException, context: Context) -> Problem:
    text = str(exc)
    if isinstance(exc, http.SSLError) and (hint := _tls_hint(text)):
        return Problem(ConfigError, hint)
    if isinstance(exc, http.TooManyRedirects):
        return Problem(ConfigError, "the server redirects in a circle: is the address right?")
    if isinstance(exc, _BAD_ADDRESS):
        return Problem(ConfigError, "check the address, and the token and namespace for odd characters")
    if "NameResolutionError" in text or "Failed to resolve" in text:
        return Problem(Unavailable, f"the host of {context.address} is unknown: check the store URL or VAULT_ADDR")
    return Problem(Unavailable, f"{context.address} does not answer, or not in time")


def _tls_hint(text: str) -> str:
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return "the server's certificate is not trusted: set VAULT_CACERT to its CA file"
    if "doesn't match" in text:
        return "the server's certificate is for another name: set VAULT_TLS_SERVER_NAME to it"
    if "WRONG_VERSION_NUMBER" in text or "record layer failure" in text.lower():
        return "the server does not use TLS: write vault+http:// or an http address"
    return ""
