"""The least rights that a login needs, as commands of the Azure CLI that assign roles. Pure.

An Azure role is for a whole Key Vault or for one secret in it; there is none for a prefix. So a login that may read one
of our vaults may read the whole Key Vault, and the text says so.
"""

import json
from collections.abc import Sequence
from typing import Any, Final, Literal

from tailorsecrets.driver import Target, VaultNames
from tailorsecrets.errors import Unsupported
from tailorsecrets_azure.options import cloud_of, host_of

_ROLE: Final = "tailorsecrets deployer of"  # a Key Vault, since the names of roles are unique in the whole tenant
_ACTIONS: Final = ("readMetadata/action", "setSecret/action", "recover/action", "delete")
_HEAD: Final = """\
ASSIGNEE=  # the object id of the user, group, service principal or managed identity
KEY_VAULT=$(az keyvault show --name {name} --query id --output tsv)
"""
_WHOLE_HOST: Final = "for a Key Vault behind another name, print the policy for azure://NAME-OF-THE-KEY-VAULT"
_ALL: Final = """\
# Azure has no roles for prefixes: this role lets ASSIGNEE read every secret in the Key Vault. If that is too much,
# give the vault its own Key Vault."""
_DEPLOYER: Final = """\
# Azure has no roles for prefixes: this role lets ASSIGNEE list, write, delete and recover every secret in the Key
# Vault. It may read only the values of these vaults' records, which hold none of your secrets. It cannot see who owns
# other vaults, so tailorsecrets leaves them alone, even those that the config had before."""


def policy(target: Target, vaults: Sequence[VaultNames], use: Literal["read", "deploy"]) -> str:
    """Return the commands for *vaults*.

    A reader may read values. A deployer may list and write secrets, and may read the records alone, and what is copied
    to other targets. Unsupported for a host that is not Azure's, where the Azure CLI cannot assign anything.
    """
    host = host_of(target)
    cloud = cloud_of(host)
    if cloud is None:
        raise Unsupported(f"{host} is not an Azure host, so there are no roles to assign", hint=_WHOLE_HOST)
    name = host.removesuffix(cloud.suffix)
    lines = [_HEAD.format(name=name)]
    if use == "read":
        lines += [_ALL, _assign("Key Vault Secrets User", '"$KEY_VAULT"')]
    else:
        role = f"{_ROLE} {name}"
        lines += [_DEPLOYER, _create(role), _assign(role, '"$KEY_VAULT"')]
        lines += [_assign("Key Vault Secrets User", f'"$KEY_VAULT/secrets/{vault.record}"') for vault in vaults]
        copied = [name for vault in vaults for name in vault.copied]
        lines += [_assign("Key Vault Secrets User", f'"$KEY_VAULT/secrets/{name}"') for name in copied]
    return "\n".join(lines) + "\n"


def _create(name: str) -> str:
    role: dict[str, Any] = {
        "Name": name,
        "Description": "Writes secrets and cannot read them",
        "DataActions": [f"Microsoft.KeyVault/vaults/secrets/{action}" for action in _ACTIONS],
        "AssignableScopes": ["$KEY_VAULT"],
    }
    return f'az role definition create --role-definition "$(cat <<ROLE\n{json.dumps(role, indent=2)}\nROLE\n)"'


def _assign(role: str, scope: str) -> str:
    return f'az role assignment create --assignee "$ASSIGNEE" --role "{role}" --scope {scope}'
