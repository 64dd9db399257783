"""Azure Key Vault, through azure-keyvault-secrets and azure-identity.

``docs/stores/azure.md`` describes the names, versions and deletes as Azure's own tools show them.
"""

from collections.abc import Iterable

from tailorsecrets.driver import StoreType, imported
from tailorsecrets_azure.options import OPTIONS
from tailorsecrets_azure.where import WHERE


def tailorsecrets_stores() -> Iterable[StoreType]:
    """Return the store type for ``azure://NAME-OR-HOST[/PREFIX]``."""
    return [
        StoreType(
            scheme="azure",
            open=imported("tailorsecrets_azure.driver:AzureDriver"),
            options=OPTIONS,
            extra="azure",
            policy=imported("tailorsecrets_azure.policy:policy"),
            where=WHERE,
            sdk=("azure-keyvault-secrets", "azure-identity"),
        )
    ]
