"""HashiCorp Vault and OpenBao: the key-value store, version 2.

``docs/stores/vault.md`` describes it for users.
"""

from collections.abc import Iterable, Sequence
from typing import Literal

from tailorsecrets.driver import Driver, StoreType, Target, VaultNames


def tailorsecrets_stores() -> Iterable[StoreType]:
    """Return the store types behind ``vault://`` and, without TLS, ``vault+http://``."""
    return [
        StoreType(scheme=scheme, open=_open, options=_OPTIONS, extra="vault", policy=_policy)
        for scheme in ("vault", "vault+http")
    ]


_OPTIONS = {
    "namespace": "the namespace (default: BAO_NAMESPACE or VAULT_NAMESPACE)",
    "mount": "the part of the path that is the mount, such as team/kv (default: the server is asked)",
    "field": "the field of an entry that holds the value (default value)",
    "max_versions": "how many versions of a secret are kept once it is written (default: what the mount says)",
    "auth": "how to sign in: token, approle, kubernetes or jwt (default: what the environment has variables for)",
    "auth_path": "where that sign-in method is mounted (default: its own name)",
    "role": "the role to sign in to with kubernetes or jwt",
    "jwt_file": "the file with the token for kubernetes or jwt",
}


def _open(target: Target) -> Driver:
    from tailorsecrets_vault.driver import VaultDriver

    return VaultDriver(target)


def _policy(target: Target, vaults: Sequence[VaultNames], use: Literal["read", "deploy"]) -> str:
    from tailorsecrets_vault.policy import policy

    return policy(target, vaults, use)
