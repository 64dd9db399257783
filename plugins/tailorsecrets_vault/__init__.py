"""HashiCorp Vault and OpenBao: the key-value store, version 2.

``docs/stores/vault.md`` describes it for users.
"""

from collections.abc import Iterable

from tailorsecrets.driver import StoreType, imported
from tailorsecrets_vault.options import OPTIONS
from tailorsecrets_vault.where import WHERE


def tailorsecrets_stores() -> Iterable[StoreType]:
    """Return the store types behind ``vault://`` and, without TLS, ``vault+http://``."""
    return [
        StoreType(
            scheme=scheme,
            open=imported("tailorsecrets_vault.driver:VaultDriver"),
            options=OPTIONS,
            extra="vault",
            policy=imported("tailorsecrets_vault.policy:policy"),
            where=WHERE,
            sdk=("hvac",),
        )
        for scheme in ("vault", "vault+http")
    ]
