"""How other tools name a secret. Pure.

The fields are those of the operator's ``AzureKVProvider``, of the provider's ``parameters``, and of App Service's Key
Vault references.
"""

from collections.abc import Mapping
from typing import Final

from tailorsecrets.driver import ExternalSecret, Format, Location, SecretProvider, Target
from tailorsecrets_azure.options import PUBLIC, cloud_of, host_of

_CLOUDS: Final = {
    ".vault.azure.net": ("PublicCloud", "AzurePublicCloud"),
    ".vault.azure.cn": ("ChinaCloud", "AzureChinaCloud"),
    ".vault.usgovcloudapi.net": ("USGovernmentCloud", "AzureUSGovernmentCloud"),
}  # what the operator and the CSI provider call the cloud of a host's suffix
_OBJECTS: Final = "array:\n  - |\n    objectName: {name}\n    objectType: secret\n    objectAlias: {alias}\n"
_TERRAFORM: Final = """\
data "azurerm_key_vault" "this" {{
  name                = "{key_vault}"
  resource_group_name = var.resource_group_name
}}

# the value is ephemeral.azurerm_key_vault_secret.{label}.value
ephemeral "azurerm_key_vault_secret" "{label}" {{
  name         = "{name}"
  key_vault_id = data.azurerm_key_vault.this.id
}}
"""


def _eso(target: Target, location: Location) -> ExternalSecret:
    host = host_of(target)
    provider = {
        "vaultUrl": f"https://{host}",
        "environmentType": _CLOUDS[(cloud_of(host) or PUBLIC).suffix][0],
        "authType": "WorkloadIdentity",
        "serviceAccountRef": {"name": "external-secrets"},
    }
    return ExternalSecret({"azurekv": provider}, location.name)


def _csi(target: Target, location: Location) -> SecretProvider:
    host = host_of(target)
    parameters = {
        "keyvaultName": _key_vault(host),
        "cloudName": _CLOUDS[(cloud_of(host) or PUBLIC).suffix][1],
        "tenantId": target.environ.get("AZURE_TENANT_ID", "") or "TENANT-ID",
        "clientID": target.options.get("client_id", "") or "CLIENT-ID",
        "objects": _OBJECTS.format(name=location.name, alias=location.secret),
    }
    return SecretProvider("azure", parameters)


def _appservice(target: Target, location: Location) -> str:
    return f"@Microsoft.KeyVault(SecretUri=https://{host_of(target)}/secrets/{location.name})\n"


def _terraform(target: Target, location: Location) -> str:
    key_vault = _key_vault(host_of(target))
    return _TERRAFORM.format(key_vault=key_vault, name=location.name, label=location.label)


def _key_vault(host: str) -> str:
    """Return the name of the Key Vault at *host*."""
    return host.partition(".")[0].partition(":")[0]


WHERE: Final[Mapping[str, Format]] = {
    "eso": _eso,
    "csi": _csi,
    "appservice": _appservice,
    "terraform": _terraform,
}
