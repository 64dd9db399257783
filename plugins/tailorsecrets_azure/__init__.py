"""Azure Key Vault, through azure-keyvault-secrets and azure-identity.

``docs/stores/azure.md`` describes the names, versions and deletes as Azure's own tools show them.
"""

from collections.abc import Iterable, Sequence
from typing import Literal

from tailorsecrets.driver import Driver, StoreType, Target, VaultNames
from tailorsecrets_azure.options import OPTIONS
from tailorsecrets_azure.where import WHERE

_DISTRIBUTIONS = ("azure-keyvault-secrets", "azure-identity")


def tailorsecrets_stores() -> Iterable[StoreType]:
    """Return the store type for ``azure://NAME-OR-HOST[/PREFIX]``."""
    return [
        StoreType(
            scheme="azure", open=_open, options=OPTIONS, extra="azure", policy=_policy, where=WHERE, sdk=_DISTRIBUTIONS
        )
    ]


def _open(target: Target) -> Driver:
    from tailorsecrets_azure.driver import AzureDriver

    return AzureDriver(target)


def _policy(target: Target, vaults: Sequence[VaultNames], use: Literal["read", "deploy"]) -> str:
    from tailorsecrets_azure.policy import policy

    return policy(target, vaults, use)
