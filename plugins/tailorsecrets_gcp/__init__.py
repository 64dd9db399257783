"""Google Cloud Secret Manager, through google-cloud-secret-manager over gRPC.

``docs/stores/gcp.md`` describes how names, versions and deletes look to Google's own tools.
"""

from collections.abc import Iterable, Sequence
from typing import Literal

from tailorsecrets.driver import Driver, StoreType, Target, VaultNames
from tailorsecrets_gcp.options import OPTIONS
from tailorsecrets_gcp.where import WHERE

_DISTRIBUTIONS = ("google-cloud-secret-manager", "grpcio", "google-auth")


def tailorsecrets_stores() -> Iterable[StoreType]:
    """Return the store type behind ``gcp://PROJECT[/PREFIX]``."""
    return [
        StoreType(
            scheme="gcp", open=_open, options=OPTIONS, extra="gcp", policy=_policy, where=WHERE, sdk=_DISTRIBUTIONS
        )
    ]


def _open(target: Target) -> Driver:
    from tailorsecrets_gcp.driver import GcpDriver

    return GcpDriver(target)


def _policy(target: Target, vaults: Sequence[VaultNames], use: Literal["read", "deploy"]) -> str:
    from tailorsecrets_gcp.policy import policy

    return policy(target, vaults, use)
