"""What the exceptions of hvac and requests mean."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import requests.exceptions as http
from hvac import exceptions as vault  # type: ignore[import-untyped]

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
from tailorsecrets_vault.wire import NoAnswer

STALE: Final = "check-and-set parameter did not match"
IN_USE: Final = "path is already in use at "
NO_MOUNT: Final = "no handler for route"
_ONE_REASON: Final = "1 error occurred"  # how a denial by policy begins; a bad token is told without, or with two
_TOO_LARGE: Final = ("value being too large", "request body too large", "exceeds maximum")
_CALLS: Final = ("get", "stat", "list", "versions", "containers")  # what these ask has no value in it


@dataclass(frozen=True, slots=True)
class Setting:
    """What a meaning depends on besides the exception."""

    address: str
    way: str  # of signing in
    mounts: bool  # each vault is a mount of its own


def meaning(exc: Exception, op: str, setting: Setting) -> Problem:
    """Return what *exc*, raised by method *op*, means."""
    if isinstance(exc, vault.VaultError):
        return _of_an_answer(exc, op, setting)
    if isinstance(exc, http.RequestException):
        return _of_no_answer(exc, setting)
    if isinstance(exc, OSError):
        return Problem(ConfigError, "a certificate or token file that the environment names cannot be read")
    return Problem(SecretsError)


def is_about_the_token(exc: Exception) -> bool:
    """Tell whether a 403 refuses the token itself, and not what it asks for."""
    text = _text(exc)
    return not text.startswith(_ONE_REASON) and ("permission denied" in text or "token" in text)


def is_gone(exc: Exception) -> bool:
    """Tell whether a 404 says that not even the mount is there."""
    return NO_MOUNT in _text(exc)


def taken_path(exc: Exception) -> str:
    """Return the mount that is in the way of a new one, "" where none is."""
    found = re.search(IN_USE + r"(\S*)/$", _text(exc))
    return found[1] if found else ""


def _of_an_answer(exc: Any, op: str, setting: Setting) -> Problem:
    if isinstance(exc, NoAnswer):
        return Problem(Unavailable, f"what answers at {setting.address} is no Vault server, or its answer was cut")
    if "/v1/auth/" in str(exc.url):
        return _of_a_login(exc, setting)
    kinds: Mapping[type[Exception], Callable[[Any, str, Setting], Problem]] = {
        vault.InvalidRequest: _bad_request,
        vault.Unauthorized: _refused_login,
        vault.Forbidden: _forbidden,
        vault.InvalidPath: _missing,
        vault.UnsupportedOperation: lambda *_: Problem(Unsupported),
        vault.PreconditionFailed: lambda *_: Problem(Unavailable, "a standby has not caught up"),
        vault.RateLimitExceeded: lambda exc, *_: Problem(Throttled, retry_after=_of(exc, "retry_after")),
        vault.VaultNotInitialized: lambda *_: Problem(Unavailable, "the server is not initialised"),
        vault.VaultDown: _down,
        vault.ParamValidationError: lambda *_: Problem(ConfigError),
        vault.UnexpectedError: _by_status,
    }
    return kinds.get(type(exc), _trouble)(exc, op, setting)


def _bad_request(exc: Any, op: str, setting: Setting) -> Problem:
    text = _text(exc)
    if STALE in text:
        return Problem(Conflict)
    if taken_path(exc):
        same = str(exc.url).endswith(f"/v1/sys/mounts/{taken_path(exc)}")
        return Problem(AlreadyExists) if same else Problem(ConfigError, f"the mount {taken_path(exc)}/ is in the way")
    if "Upgrading" in text:
        return Problem(Unavailable, "a new mount is not ready yet")
    if "HTTP request to an HTTPS server" in text:
        return Problem(ConfigError, "the server uses TLS: write vault:// or an https address")
    return (
        Problem(ConfigError, _quoted(exc, op))
        if "missing client token" not in text
        else _refused_login(exc, op, setting)
    )


def _refused_login(exc: Any, op: str, setting: Setting) -> Problem:
    del exc, op
    what = "the token is wrong, expired or used up" if setting.way == "token" else "the login has ended"
    return Problem(Unauthenticated, f"{what}; sign in again ({setting.way})")


def _forbidden(exc: Any, op: str, setting: Setting) -> Problem:
    if is_about_the_token(exc):
        return _refused_login(exc, op, setting)
    if op in {"make", "drop"}:
        return Problem(
            Denied,
            "each vault is a mount of its own here: allow sys/mounts in the policy (tailorsecrets policy --for deploy), "
            "or keep vaults as folders of one mount, with the store URL vault://HOST/MOUNT",
        )
    return Problem(Denied, "the policy needs what `tailorsecrets policy` prints")


def _missing(exc: Any, op: str, setting: Setting) -> Problem:
    text = _text(exc)
    if "namespace not found" in text:
        return Problem(StoreNotFound, "there is no such namespace; see the option namespace and VAULT_NAMESPACE")
    if NO_MOUNT in text and not setting.mounts:
        return Problem(StoreNotFound, "there is no such mount; make it with: vault secrets enable -version=2 kv")
    return Problem(NotFound)


def _down(exc: Any, op: str, setting: Setting) -> Problem:
    del op, setting
    sealed = "sealed" in _text(exc)
    return Problem(Unavailable, "the server is sealed" if sealed else "", _of(exc, "retry_after"))


def _trouble(exc: Any, op: str, setting: Setting) -> Problem:
    del setting
    if any(words in _text(exc) for words in _TOO_LARGE):
        return Problem(TooLarge)
    return Problem(Unavailable, _quoted(exc, op), _of(exc, "retry_after"))


def _by_status(exc: Any, op: str, setting: Setting) -> Problem:
    kinds: Mapping[int, Problem] = {
        405: Problem(Unsupported, "the server is older than Vault 1.10"),
        409: Problem(AlreadyExists),
        412: Problem(Unavailable, "a standby has not caught up"),
        413: Problem(TooLarge),
    }
    return kinds.get(_of(exc, "status"), _trouble(exc, op, setting))


def _of_a_login(exc: Any, setting: Setting) -> Problem:
    if isinstance(exc, vault.InvalidPath):
        return Problem(ConfigError, f"{setting.way} is not enabled at that path; see the option auth_path")
    if isinstance(exc, (vault.InvalidRequest, vault.Forbidden, vault.Unauthorized)):
        return Problem(Unauthenticated, f"the server refuses the {setting.way} login: look at its role, secret and age")
    if isinstance(exc, vault.RateLimitExceeded):
        return Problem(Throttled, retry_after=_of(exc, "retry_after"))
    return _trouble(exc, "login", setting)


def _of_no_answer(exc: Exception, setting: Setting) -> Problem:
    text = str(exc)
    if isinstance(exc, http.SSLError) and "CERTIFICATE_VERIFY_FAILED" in text:
        return Problem(ConfigError, "the server's certificate is not trusted: set VAULT_CACERT to its CA file")
    if isinstance(exc, http.SSLError) and ("WRONG_VERSION_NUMBER" in text or "record layer failure" in text):
        return Problem(ConfigError, "the server uses no TLS: write vault+http:// or an http address")
    if isinstance(exc, (http.InvalidURL, http.MissingSchema, http.InvalidSchema, http.InvalidHeader)):
        return Problem(ConfigError, "look at the address, and for odd characters in the token or namespace")
    if "NameResolutionError" in text or "Name or service not known" in text:
        return Problem(Unavailable, f"the host of {setting.address} is not known: look at the store URL or VAULT_ADDR")
    return Problem(Unavailable, f"{setting.address} does not answer, or not in time")


def _quoted(exc: Any, op: str) -> str:
    """Return what the server says, unless it may speak of a value."""
    return f"the server says: {_text(exc)[:200]}" if op in _CALLS and exc.errors else ""


def _text(exc: Any) -> str:
    errors: list[str] = exc.errors if isinstance(getattr(exc, "errors", None), list) else []
    return ", ".join(map(str, errors)) or str(getattr(exc, "text", "") or "")


def _of(exc: Any, attribute: str) -> Any:
    """Return what ``wire`` has attached."""
    return getattr(exc, attribute, None)
