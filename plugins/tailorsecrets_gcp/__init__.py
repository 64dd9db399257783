"""Google Cloud Secret Manager, through google-cloud-secret-manager over gRPC.

``docs/stores/gcp.md`` tells how names, versions and deletes look to Google's own tools.
"""

from collections.abc import Iterable, Sequence
from typing import Literal

from tailorsecrets.driver import Driver, StoreType, Target, VaultNames


def tailorsecrets_stores() -> Iterable[StoreType]:
    """Return the store type behind ``gcp://PROJECT[/PREFIX]``."""
    return [StoreType(scheme="gcp", open=_open, options=_OPTIONS, extra="gcp", policy=_policy)]


_OPTIONS = {
    "impersonate": "the service account, by email, to act as, on top of the login found",
    "quota_project": "the project that the calls are counted against (default GOOGLE_CLOUD_QUOTA_PROJECT)",
    "location": "the region of regional secrets, as in europe-west3 (default: global secrets)",
    "locations": "regions that global secrets are replicated to, as in europe-west1,europe-west3 (default automatic)",
    "kms_key": "the KMS key of the secrets that are created, one for each of the locations, with commas between",
    "labels": "labels of the secrets that are created, as in team=payments,stage=prod",
    "keep_versions": "how many versions of a secret a write leaves; older ones are destroyed (default all)",
    "plan": "access: a plan asks for versions by accessing values, which Google lets one do far more often than look",
    "endpoint": "HOST[:PORT] where Secret Manager answers; on a loopback address without TLS and login",
}


def _open(target: Target) -> Driver:
    from tailorsecrets_gcp.driver import GcpDriver

    return GcpDriver(target)


def _policy(target: Target, vaults: Sequence[VaultNames], use: Literal["read", "deploy"]) -> str:
    from tailorsecrets_gcp.policy import policy

    return policy(target, vaults, use)
