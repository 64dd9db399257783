"""The address, TLS settings and options of a server, from the store URL and the environment. Pure."""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from tailorsecrets.driver import Option, Target
from tailorsecrets.errors import ConfigError

PORT: Final = 8200
_HOST: Final = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?")
_LONGEST_PATH: Final = 512  # leaves room for three names of 63 characters in the driver's `max_name`
_TRUE: Final = ("1", "t", "true")

OPTIONS: Final = {
    "namespace": Option(
        "the namespace; HashiCorp Vault has them only in its Enterprise edition", default="`VAULT_NAMESPACE`"
    ),
    "mount": Option(
        "the part of the path that is the mount, such as `team/kv`",
        default="found by a request to the server",
        place=False,
    ),
    "field": Option(
        "the field of an entry that holds the value; a write leaves no other field in the entry",
        form=r"[A-Za-z0-9_.-]{1,64}",
        expected="1 to 64 letters, digits, '_', '.' and '-'",
        default="`value`",
    ),
    "max_versions": Option(
        "the number of versions that a secret keeps, set when it is written",
        form=r"[1-9]\d*",
        expected="a number over 0",
        default="the mount's, which is 10",
        place=False,
    ),
    "auth": Option(
        "the sign-in method: `token`, `approle`, `kubernetes` or `jwt`",
        form="token|approle|kubernetes|jwt",
        expected="token, approle, kubernetes or jwt",
        default="the one that the environment has variables for",
        place=False,
    ),
    "auth_path": Option("the path where the sign-in method is mounted", default="its own name", place=False),
    "role": Option("the role of `kubernetes` or `jwt`", default="the variable", place=False),
    "jwt_file": Option(
        "the file with the token for `kubernetes` or `jwt`, read at each login",
        default="the service account's",
        place=False,
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The address of the server and how to talk to it. It holds no credential."""

    address: str
    namespace: str = ""
    verify: bool | str = True  # a file or folder of CA certificates, or whether to check the server's certificate
    certificate: tuple[str, str] | None = None  # the client's own, and its key
    server_name: str = ""  # in the server's certificate, where that is not the host
    timeout: float = 15.0  # seconds that a read may take
    field: str = "value"
    max_versions: int = 0  # 0: the mount's


def options_of(target: Target) -> Options:
    """Return the options of *target*; raise ConfigError where the URL or the environment is wrong."""
    environ, options = target.environ, target.options
    if len(target.path) > _LONGEST_PATH:
        raise ConfigError(f"the path in the store URL has more than {_LONGEST_PATH} characters")
    return Options(
        address=_address(target),
        namespace=options.get("namespace", "") or variable(environ, "NAMESPACE"),
        verify=_verify(environ),
        certificate=_certificate(environ),
        server_name=variable(environ, "TLS_SERVER_NAME"),
        timeout=target.timeout,
        field=options.get("field", "value"),
        max_versions=int(options.get("max_versions", "0")),
    )


def variable(environ: Mapping[str, str], name: str) -> str:
    """Return the variable BAO_*name*, else VAULT_*name*, else ""."""
    return environ.get(f"BAO_{name}", "") or environ.get(f"VAULT_{name}", "")


def _address(target: Target) -> str:
    if not target.host:
        return _address_in_environment(variable(target.environ, "ADDR"))
    if not _HOST.fullmatch(target.host):
        raise ConfigError(f"{target.host!r} in the store URL is not a host", hint="write vault://HOST:PORT")
    port = "" if re.search(r":\d+$", target.host) else f":{PORT}"
    return f"{'http' if target.scheme == 'vault+http' else 'https'}://{target.host}{port}"


def _address_in_environment(address: str) -> str:
    parts = None
    with suppress(ValueError):
        parts = urlsplit(address)
    if not address:
        raise ConfigError("the store URL names no host", hint="write vault://HOST, or set VAULT_ADDR or BAO_ADDR")
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname:
        hint = "expected a URL such as https://vault.example.com:8200"
        raise ConfigError("VAULT_ADDR or BAO_ADDR is not an address", hint=hint)
    if "@" in parts.netloc:
        raise ConfigError("VAULT_ADDR or BAO_ADDR has a credential in it", hint="remove it; sign in with VAULT_TOKEN")
    return address.rstrip("/")


def _verify(environ: Mapping[str, str]) -> bool | str:
    if variable(environ, "SKIP_VERIFY").lower() in _TRUE:
        return False
    return variable(environ, "CACERT") or variable(environ, "CAPATH") or True


def _certificate(environ: Mapping[str, str]) -> tuple[str, str] | None:
    certificate, key = variable(environ, "CLIENT_CERT"), variable(environ, "CLIENT_KEY")
    if bool(certificate) != bool(key):
        raise ConfigError("a client certificate needs both VAULT_CLIENT_CERT and VAULT_CLIENT_KEY")
    return (certificate, key) if certificate else None
