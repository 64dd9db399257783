"""The sign-in methods, and which of them the URL and the environment choose."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hvac import Client

from tailorsecrets.driver import Target
from tailorsecrets.errors import Unauthenticated
from tailorsecrets_vault.options import variable

_LOOKUP_AFTER: Final = 300.0  # seconds of use after which a given token is looked up to learn how long it lasts
_USED_UP: Final = 2 / 3  # of a token's life: then it is renewed
_SERVICE_ACCOUNT: Final = "/var/run/secrets/kubernetes.io/serviceaccount/token"
_REMEDY: Final = (
    "set VAULT_TOKEN, or VAULT_ROLE_ID and VAULT_SECRET_ID, or VAULT_KUBERNETES_ROLE, or VAULT_JWT_ROLE and "
    "VAULT_JWT_TOKEN, or sign in with: vault login"
)


@dataclass(frozen=True, slots=True)
class Token:
    """A token and its life. Times are of ``time.monotonic``."""

    text: str
    due: float  # when to renew it
    seconds: float = 0.0  # its life when it was given; 0: unknown
    renewable: bool = False

    def __repr__(self) -> str:
        return "Token(***)"


@dataclass(frozen=True, slots=True)
class Login:
    """A sign-in method; *sign_in* takes an hvac client without a token."""

    method: str
    sign_in: Callable[[Client], Token]


def login_of(target: Target) -> Login:
    """Return the method that the option ``auth`` names, else the one that the environment has variables for."""
    environ = target.environ
    method = target.options.get("auth", "") or _method(environ, target.options)
    path = target.options.get("auth_path", "") or variable(environ, "AUTH_MOUNT_POINT") or method
    sign_in: Mapping[str, Callable[[Client], Token]] = {
        "token": lambda _: _given(environ),
        "approle": lambda client: _approle(client, environ, path),
        "kubernetes": lambda client: _kubernetes(client, target, path),
        "jwt": lambda client: _jwt(client, target, path),
    }
    return Login(method, sign_in[method])


def token_of(auth: Mapping[str, Any]) -> Token:
    """Return the token in *auth*, the server's answer to a login or a renewal."""
    seconds = float(auth["lease_duration"])
    due = time.monotonic() + seconds * _USED_UP if seconds else float("inf")
    return Token(auth["client_token"], due, seconds, bool(auth["renewable"]))


def _method(environ: Mapping[str, str], options: Mapping[str, str]) -> str:
    if variable(environ, "TOKEN"):
        return "token"
    if variable(environ, "ROLE_ID"):
        return "approle"
    if variable(environ, "KUBERNETES_ROLE"):
        return "kubernetes"
    return "jwt" if variable(environ, "JWT_ROLE") or options.get("role") else "token"


def _given(environ: Mapping[str, str]) -> Token:
    """Return the token of the environment, else that of the file where ``vault login`` keeps it."""
    text = variable(environ, "TOKEN") or _text(_token_file(environ))
    if not text:
        raise Unauthenticated("there is no Vault token", hint=_REMEDY)
    return Token(text, time.monotonic() + _LOOKUP_AFTER)


def _approle(client: Client, environ: Mapping[str, str], path: str) -> Token:
    role, secret = _required(environ, "ROLE_ID"), variable(environ, "SECRET_ID") or None
    return token_of(client.auth.approle.login(role, secret, use_token=False, mount_point=path)["auth"])


def _kubernetes(client: Client, target: Target, path: str) -> Token:
    role = target.options.get("role") or _required(target.environ, "KUBERNETES_ROLE")
    jwt = _jwt_in_file(target) or _text(Path(_SERVICE_ACCOUNT))
    if not jwt:
        raise Unauthenticated("this pod has no service account token", hint="name its file with the option jwt_file")
    return token_of(client.auth.kubernetes.login(role, jwt, use_token=False, mount_point=path)["auth"])


def _jwt(client: Client, target: Target, path: str) -> Token:
    role = target.options.get("role") or _required(target.environ, "JWT_ROLE")
    jwt = _jwt_in_file(target) or _required(target.environ, "JWT_TOKEN")
    return token_of(client.auth.jwt.jwt_login(role, jwt, use_token=False, path=path)["auth"])


def _jwt_in_file(target: Target) -> str:
    """Return the text of the file that the option ``jwt_file`` names; it is replaced before its token expires."""
    name = target.options.get("jwt_file", "")
    text = _text(Path(target.base, name)) if name else ""
    if name and not text:
        raise Unauthenticated(f"jwt_file={name}: no such file, or it is empty")
    return text


def _required(environ: Mapping[str, str], name: str) -> str:
    text = variable(environ, name)
    if not text:
        raise Unauthenticated(f"VAULT_{name} is not set", hint=_REMEDY)
    return text


def _token_file(environ: Mapping[str, str]) -> Path:
    path = variable(environ, "TOKEN_PATH")
    return Path(path) if path else Path(environ.get("HOME") or Path.home()) / ".vault-token"


def _text(path: Path) -> str:
    return path.read_text().strip() if path.is_file() else ""
