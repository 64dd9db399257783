"""Azure Key Vault, through azure-keyvault-secrets and azure-identity.

``docs/stores/azure.md`` tells how names, versions and deletes look to Azure's own tools.
"""

from collections.abc import Iterable, Sequence
from typing import Literal

from tailorsecrets.driver import Driver, StoreType, Target, VaultNames


def tailorsecrets_stores() -> Iterable[StoreType]:
    """Return the store type behind ``azure://NAME-OR-HOST[/PREFIX]``."""
    return [StoreType(scheme="azure", open=_open, options=_OPTIONS, extra="azure", policy=_policy)]


_OPTIONS = {
    "credential": "the one login to use: environment, workload, managed, cli, azd, powershell (default: all, in turn)",
    "client_id": "the client id of the managed or workload identity (default AZURE_CLIENT_ID)",
    "authority": "the host that signs in (default AZURE_AUTHORITY_HOST, else the one of the Key Vault's cloud)",
    "ca_bundle": "a PEM file with the authorities to trust (default REQUESTS_CA_BUNDLE)",
    "api_version": "the version of the service's interface, as in 2025-07-01 (default: the newest that the SDK knows)",
    "tags": "tags of the versions that are written, as in team=payments,stage=prod",
    "content_type": "the content type of the versions that are written, as in text/plain",
    "expires_days": "days after which a version that is written counts as expired; Azure still gives it out",
}


def _open(target: Target) -> Driver:
    from tailorsecrets_azure.driver import AzureDriver

    return AzureDriver(target)


def _policy(target: Target, vaults: Sequence[VaultNames], use: Literal["read", "deploy"]) -> str:
    from tailorsecrets_azure.policy import policy

    return policy(target, vaults, use)
