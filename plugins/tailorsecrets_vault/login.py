"""The ways of signing in, and which of them the URL and the environment ask for."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tailorsecrets.driver import Target
from tailorsecrets.errors import ConfigError, Unauthenticated
from tailorsecrets_vault.options import variable

_LOOK_AFTER: Final = 300.0  # seconds of use after which a token that was given is worth asking how long it lasts
_USED_UP: Final = 2 / 3  # of a token's life: then it is renewed
_SERVICE_ACCOUNT: Final = "/var/run/secrets/kubernetes.io/serviceaccount/token"
_WAYS: Final = ("token", "approle", "kubernetes", "jwt")
_REMEDY: Final = (
    "set VAULT_TOKEN, or VAULT_ROLE_ID and VAULT_SECRET_ID, or VAULT_KUBERNETES_ROLE, or VAULT_JWT_ROLE and "
    "VAULT_JWT_TOKEN, or sign in with: vault login"
)


@dataclass(frozen=True, slots=True)
class Grant:
    """A token and what is known of its life. Times are of ``time.monotonic``."""

    token: str
    due: float  # when to see to it
    seconds: float = 0.0  # that it lasted when it was given; 0: not known
    renewable: bool = False

    def __repr__(self) -> str:
        return "Grant(***)"


@dataclass(frozen=True, slots=True)
class Login:
    """A way to sign in; *sign_in* takes an hvac client that has no token."""

    way: str
    sign_in: Callable[[Any], Grant]


def login_of(target: Target) -> Login:
    """Return the way that the option ``auth`` names, else the one that the environment has variables for."""
    environ = target.environ
    way = target.options.get("auth", "") or _way(environ, target.options)
    if way not in _WAYS:
        raise ConfigError(f"auth={way}: not known", hint=f"known are {', '.join(_WAYS)}")
    path = target.options.get("auth_path", "") or environ.get("VAULT_AUTH_MOUNT_POINT", "") or way
    sign_in: Mapping[str, Callable[[Any], Grant]] = {
        "token": lambda _: _given(environ),
        "approle": lambda client: _approle(client, environ, path),
        "kubernetes": lambda client: _kubernetes(client, target, path),
        "jwt": lambda client: _jwt(client, target, path),
    }
    return Login(way, sign_in[way])


def granted(auth: Mapping[str, Any]) -> Grant:
    """Return what the server's answer *auth*, to a login or a renewal, gives."""
    seconds = float(auth["lease_duration"])
    due = time.monotonic() + seconds * _USED_UP if seconds else float("inf")
    return Grant(auth["client_token"], due, seconds, bool(auth["renewable"]))


def _way(environ: Mapping[str, str], options: Mapping[str, str]) -> str:
    if variable(environ, "TOKEN"):
        return "token"
    if variable(environ, "ROLE_ID"):
        return "approle"
    if variable(environ, "KUBERNETES_ROLE"):
        return "kubernetes"
    return "jwt" if variable(environ, "JWT_ROLE") or options.get("role") else "token"


def _given(environ: Mapping[str, str]) -> Grant:
    """Return the token of the environment, else that of the file where ``vault login`` keeps it."""
    token = variable(environ, "TOKEN") or _text(_token_file(environ))
    if not token:
        raise Unauthenticated("there is no Vault token", hint=_REMEDY)
    return Grant(token, time.monotonic() + _LOOK_AFTER)


def _approle(client: Any, environ: Mapping[str, str], path: str) -> Grant:
    role, secret = _needed(environ, "ROLE_ID"), variable(environ, "SECRET_ID") or None
    return granted(client.auth.approle.login(role, secret, use_token=False, mount_point=path)["auth"])


def _kubernetes(client: Any, target: Target, path: str) -> Grant:
    role = target.options.get("role") or _needed(target.environ, "KUBERNETES_ROLE")
    jwt = _jwt_in(target) or _text(Path(_SERVICE_ACCOUNT))
    if not jwt:
        raise Unauthenticated("this pod has no service account token", hint="name its file by the option jwt_file")
    return granted(client.auth.kubernetes.login(role, jwt, use_token=False, mount_point=path)["auth"])


def _jwt(client: Any, target: Target, path: str) -> Grant:
    role = target.options.get("role") or _needed(target.environ, "JWT_ROLE")
    jwt = _jwt_in(target) or _needed(target.environ, "JWT_TOKEN")
    return granted(client.auth.jwt.jwt_login(role, jwt, use_token=False, path=path)["auth"])


def _jwt_in(target: Target) -> str:
    """Return what stands in the file that the option ``jwt_file`` names; its tools replace it before it expires."""
    name = target.options.get("jwt_file", "")
    text = _text(Path(target.base, name)) if name else ""
    if name and not text:
        raise Unauthenticated(f"jwt_file={name}: there is no token in it, or no such file")
    return text


def _needed(environ: Mapping[str, str], name: str) -> str:
    text = variable(environ, name)
    if not text:
        raise Unauthenticated(f"VAULT_{name} is not set", hint=_REMEDY)
    return text


def _token_file(environ: Mapping[str, str]) -> Path:
    named = variable(environ, "TOKEN_PATH")
    return Path(named) if named else Path(environ.get("HOME") or Path.home()) / ".vault-token"


def _text(path: Path) -> str:
    return path.read_text().strip() if path.is_file() else ""
