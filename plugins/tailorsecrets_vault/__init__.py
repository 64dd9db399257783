"""HashiCorp Vault and OpenBao: the key-value store, version 2.

``docs/stores/vault.md`` describes it for users.
"""

from collections.abc import Iterable, Sequence
from typing import Literal

from tailorsecrets.driver import Driver, Option, StoreType, Target, VaultNames


def tailorsecrets_stores() -> Iterable[StoreType]:
    """Return the store types behind ``vault://`` and, without TLS, ``vault+http://``."""
    return [
        StoreType(scheme=scheme, open=_open, options=_OPTIONS, extra="vault", policy=_policy)
        for scheme in ("vault", "vault+http")
    ]


_OPTIONS = {
    "namespace": Option(
        "the namespace; HashiCorp Vault has them only in its Enterprise edition", default="`VAULT_NAMESPACE`"
    ),
    "mount": Option(
        "the part of the path that is the mount, such as `team/kv`", default="the server is asked", place=False
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


def _open(target: Target) -> Driver:
    from tailorsecrets_vault.driver import VaultDriver

    return VaultDriver(target)


def _policy(target: Target, vaults: Sequence[VaultNames], use: Literal["read", "deploy"]) -> str:
    from tailorsecrets_vault.policy import policy

    return policy(target, vaults, use)
