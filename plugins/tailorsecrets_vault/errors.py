"""What the exceptions of hvac and requests mean."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import requests.exceptions as http

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
from tailorsecrets_vault import hvac_types as sdk
from tailorsecrets_vault.refusals import (
    is_about_the_token,
    is_gone,
    is_not_yet,
    is_stale,
    is_too_large,
    taken_path,
    words,
)
from tailorsecrets_vault.transport import NoAnswer

_ASKS_FOR_NO_VALUE: Final = ("login", "stat", "list", "versions", "containers", "make", "drop")  # none is quoted
_MOUNT_REMEDIES: Final = (
    "here each vault is a mount of its own: allow sys/mounts in the policy, as `tailorsecrets policy` prints it, "
    "or keep vaults as folders of one mount, with the store URL vault://HOST/MOUNT"
)
_BAD_ADDRESS: Final = (http.InvalidURL, http.MissingSchema, http.InvalidSchema, http.InvalidHeader)


@dataclass(frozen=True, slots=True)
class Setting:
    """What a meaning depends on besides the exception."""

    address: str
    way: str  # of signing in
    mounts: bool  # each vault is a mount of its own


def meaning(exc: Exception, op: str, setting: Setting) -> Problem:
    """Return what *exc*, raised by method *op*, means."""
    match exc:
        case sdk.VaultError() if "/v1/auth/" in str(exc.url):
            return _of_a_login(exc, setting)
        case sdk.VaultError():
            return _of_an_answer(exc, op, setting)
        case http.RequestException():
            return _of_no_answer(exc, setting)
        case OSError():
            return Problem(ConfigError, "a certificate or token file that the environment names cannot be read")
        case _:
            return Problem(SecretsError)


def _of_an_answer(exc: sdk.VaultError, op: str, setting: Setting) -> Problem:
    match exc:
        case sdk.InvalidRequest():
            return _bad_request(exc, op, setting)
        case sdk.Unauthorized():
            return _refused_token(setting)
        case sdk.Forbidden():
            return _refused_token(setting) if is_about_the_token(exc) else _denied(op)
        case sdk.InvalidPath():
            return _missing(exc, setting)
        case NoAnswer():
            return Problem(Unavailable, f"what answers at {setting.address} is no Vault, or its answer was cut")
        case _:
            return _by_kind(exc) or _of_status(exc, op)


def _by_kind(exc: sdk.VaultError) -> Problem | None:
    kinds: Mapping[type[Exception], Problem] = {
        sdk.ParamValidationError: Problem(ConfigError),
        sdk.RateLimitExceeded: Problem(Throttled, retry_after=_seconds(exc)),
        sdk.UnsupportedOperation: Problem(Unsupported),
    }
    return kinds.get(type(exc))


def _bad_request(exc: sdk.VaultError, op: str, setting: Setting) -> Problem:
    taken = taken_path(exc)
    if is_stale(exc):
        return Problem(Conflict)
    if taken:
        same = str(exc.url).endswith(f"/v1/sys/mounts/{taken}")
        return Problem(AlreadyExists) if same else Problem(ConfigError, f"the mount {taken}/ is in the way")
    if is_not_yet(exc):
        return Problem(Unavailable, "a new mount is not ready yet")
    if "HTTP request to an HTTPS server" in words(exc):
        return Problem(ConfigError, "the server uses TLS: write vault:// or an https address")
    return _refused_token(setting) if "missing client token" in words(exc) else Problem(ConfigError, _quoted(exc, op))


def _refused_token(setting: Setting) -> Problem:
    what = "the token is wrong, expired or used up" if setting.way == "token" else "the login has ended"
    return Problem(Unauthenticated, f"{what}: sign in again ({setting.way})")


def _denied(op: str) -> Problem:
    if op in {"make", "drop"}:
        return Problem(Denied, _MOUNT_REMEDIES)
    return Problem(Denied, "the login needs the policy that `tailorsecrets policy` prints")


def _missing(exc: sdk.VaultError, setting: Setting) -> Problem:
    if "namespace not found" in words(exc):
        return Problem(StoreNotFound, "there is no such namespace; look at the option namespace and VAULT_NAMESPACE")
    if is_gone(exc) and not setting.mounts:
        return Problem(StoreNotFound, "there is no such mount; it is made with: vault secrets enable -version=2 kv")
    return Problem(NotFound)


def _of_status(exc: sdk.VaultError, op: str) -> Problem:
    status = getattr(exc, "status", 0)
    kinds: Mapping[int, Problem] = {
        405: Problem(Unsupported, "the server may be older than Vault 1.10"),
        409: Problem(AlreadyExists),
        412: Problem(Unavailable, "a standby has not caught up"),
        413: Problem(TooLarge),
    }
    if is_too_large(exc):
        return Problem(TooLarge)
    sealed = "the server is sealed, or not initialised" if "sealed" in words(exc) else ""
    return kinds.get(status, Problem(Unavailable, sealed or _quoted(exc, op), _seconds(exc)))


def _of_a_login(exc: sdk.VaultError, setting: Setting) -> Problem:
    if isinstance(exc, sdk.InvalidPath):
        return Problem(ConfigError, f"{setting.way} is not enabled at that path; look at the option auth_path")
    if isinstance(exc, sdk.Forbidden) and str(exc.url).endswith("/login"):
        hint = f"the server refuses the {setting.way} login, or has it at another path: look at the option auth_path"
        return Problem(Unauthenticated, hint)
    if isinstance(exc, (sdk.InvalidRequest, sdk.Forbidden)):
        return Problem(Unauthenticated, f"the server refuses the {setting.way} login: look at its role, secret and age")
    return _of_an_answer(exc, "login", setting)


def _of_no_answer(exc: http.RequestException, setting: Setting) -> Problem:
    text = str(exc)
    if isinstance(exc, http.SSLError) and "CERTIFICATE_VERIFY_FAILED" in text:
        return Problem(ConfigError, "the server's certificate is not trusted: set VAULT_CACERT to its CA file")
    if isinstance(exc, http.SSLError) and "doesn't match" in text:
        return Problem(ConfigError, "the server's certificate is for another name: set VAULT_TLS_SERVER_NAME to it")
    if isinstance(exc, http.SSLError) and ("WRONG_VERSION_NUMBER" in text or "record layer failure" in text.lower()):
        return Problem(ConfigError, "the server uses no TLS: write vault+http:// or an http address")
    if isinstance(exc, _BAD_ADDRESS):
        return Problem(ConfigError, "look at the address, and for odd characters in the token or namespace")
    if "NameResolutionError" in text or "Failed to resolve" in text:
        return Problem(Unavailable, f"the host of {setting.address} is not known: look at the store URL or VAULT_ADDR")
    return Problem(Unavailable, f"{setting.address} does not answer, or not in time")


def _quoted(exc: sdk.VaultError, op: str) -> str:
    """Return what the server says, unless it may speak of a value."""
    return f"the server says: {' '.join(words(exc).split())[:200]}" if op in _ASKS_FOR_NO_VALUE and exc.errors else ""


def _seconds(exc: sdk.VaultError) -> float | None:
    return getattr(exc, "retry_after", None)
