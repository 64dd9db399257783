"""How other tools name a secret. Pure.

The fields are those of the operator's ``VaultProvider``, of the CSI provider's ``parameters``, of the agent's
``template``, and of Terraform's ``vault_kv_secret_v2``.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from tailorsecrets.driver import ExternalSecret, Format, Location, SecretProvider, Target
from tailorsecrets_vault.options import Options, options_of

_ROLE: Final = "external-secrets"  # an example: only the server's administrator knows the roles
_OBJECTS: Final = "- objectName: {alias}\n  secretPath: {path}\n  secretKey: {field}\n"
_AGENT: Final = """\
template {{
  destination          = "/run/secrets/{vault}-{secret}"
  perms                = "0600"
  error_on_missing_key = true
  contents             = {contents}
}}
"""
_TERRAFORM: Final = """\
# the value is ephemeral.vault_kv_secret_v2.{label}.data[{field}]
ephemeral "vault_kv_secret_v2" "{label}" {{
{arguments}}}
"""


def _eso(target: Target, location: Location) -> ExternalSecret:
    options, (mount, path) = options_of(target), _parts(location)
    provider: dict[str, Any] = {"server": options.address, "path": mount, "version": "v2"}
    if options.namespace:
        provider["namespace"] = options.namespace
    provider["auth"] = {"kubernetes": {"mountPath": "kubernetes", "role": _ROLE}}
    return ExternalSecret({"vault": provider}, path, options.field)


def _csi(target: Target, location: Location) -> SecretProvider:
    options = options_of(target)
    namespace = {"vaultNamespace": options.namespace} if options.namespace else {}
    objects = _OBJECTS.format(
        alias=_quoted(location.secret), path=_quoted(_data_path(location)), field=_quoted(options.field)
    )
    parameters = {"vaultAddress": options.address, **namespace, "roleName": _ROLE, "objects": objects}
    return SecretProvider("vault", parameters)


def _vault_agent(target: Target, location: Location) -> str:
    value = _expression(options_of(target))
    contents = f"{{{{ with secret {_quoted(_data_path(location))} }}}}{{{{ {value} }}}}{{{{ end }}}}"
    return _AGENT.format(vault=location.vault, secret=location.secret, contents=_quoted(contents))


def _terraform(target: Target, location: Location) -> str:
    options, (mount, path) = options_of(target), _parts(location)
    arguments = {"namespace": options.namespace} if options.namespace else {}
    arguments |= {"mount": mount, "name": path}
    width = max(map(len, arguments))
    lines = "".join(f"  {name.ljust(width)} = {_quoted(text)}\n" for name, text in arguments.items())
    return _TERRAFORM.format(label=location.label, field=_quoted(options.field), arguments=lines)


def _parts(location: Location) -> tuple[str, str]:
    """Return the mount and the path in it."""
    mount = location.locate()
    return mount, location.name.removeprefix(f"{mount}/")


def _data_path(location: Location) -> str:
    """Return the path of the HTTP API, where version 2 has the values below ``data``."""
    mount, path = _parts(location)
    return f"{mount}/data/{path}"


def _expression(options: Options) -> str:
    """Return the expression for the value in a template."""
    plain = re.fullmatch(r"[A-Za-z_]\w*", options.field, re.ASCII)
    return f".Data.data.{options.field}" if plain else f"index .Data.data {_quoted(options.field)}"


def _quoted(text: str) -> str:
    """Return *text* in double quotes, as YAML, HCL and Go's templates read it."""
    return json.dumps(text)


WHERE: Final[Mapping[str, Format]] = {
    "eso": _eso,
    "csi": _csi,
    "vault-agent": _vault_agent,
    "terraform": _terraform,
}
