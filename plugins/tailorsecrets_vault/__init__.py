"""HashiCorp Vault and OpenBao: the key-value store, version 2.

``docs/stores/vault.md`` describes it for users.
"""

from collections.abc import Iterable, Sequence
from typing import Literal

from tailorsecrets.driver import Driver, StoreType, Target, VaultNames
from tailorsecrets_vault.options import OPTIONS
from tailorsecrets_vault.where import WHERE


def tailorsecrets_stores() -> Iterable[StoreType]:
    """Return the store types behind ``vault://`` and, without TLS, ``vault+http://``."""
    return [
        StoreType(scheme=scheme, open=_open, options=OPTIONS, extra="vault", policy=_policy, where=WHERE, sdk=("hvac",))
        for scheme in ("vault", "vault+http")
    ]


def _open(target: Target) -> Driver:
    from tailorsecrets_vault.driver import VaultDriver

    return VaultDriver(target)


def _policy(target: Target, vaults: Sequence[VaultNames], use: Literal["read", "deploy"]) -> str:
    from tailorsecrets_vault.policy import policy

    return policy(target, vaults, use)
