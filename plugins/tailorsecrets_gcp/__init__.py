"""Google Cloud Secret Manager, through google-cloud-secret-manager over gRPC.

``docs/stores/gcp.md`` describes how names, versions and deletes look to Google's own tools.
"""

from collections.abc import Iterable, Sequence
from typing import Literal

from tailorsecrets.driver import Driver, Option, StoreType, Target, VaultNames


def tailorsecrets_stores() -> Iterable[StoreType]:
    """Return the store type behind ``gcp://PROJECT[/PREFIX]``."""
    return [StoreType(scheme="gcp", open=_open, options=_OPTIONS, extra="gcp", policy=_policy)]


_REGION = r"[a-z]+(-[a-z]+)*\d+"
_OPTIONS = {
    "impersonate": Option(
        "the service account, by email, to act as, on top of the login found",
        form=r"[^@\s/]+@[^@\s/]+",
        expected="the email address of a service account",
        place=False,
    ),
    "quota_project": Option(
        "the project that the calls are counted against",
        form=r"[a-z0-9][a-z0-9.:-]*",
        expected="a project id",
        default="`GOOGLE_CLOUD_QUOTA_PROJECT`",
        place=False,
    ),
    "location": Option(
        "the region of regional secrets, for example `europe-west3`",
        form=_REGION,
        expected="a region, for example europe-west3",
        default="global secrets",
    ),
    "locations": Option(
        "the regions that new global secrets are replicated to, for example `europe-west1,europe-west3`",
        form=_REGION,
        expected="a region, for example europe-west3",
        separator=",",
        default="Google's choice",
        place=False,
    ),
    "kms_key": Option(
        "the KMS key of new secrets, by its whole name; with several `locations`, one for each, in their order",
        form=r"projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+",
        expected="projects/P/locations/L/keyRings/R/cryptoKeys/K",
        separator=",",
        place=False,
    ),
    "labels": Option(
        "labels of new secrets, for example `team=payments,stage=prod`",
        form=r"[a-z][a-z0-9_-]{0,62}=[a-z0-9_-]{0,63}",
        expected="a label in lower case, for example team=payments",
        separator=",",
        place=False,
    ),
    "keep_versions": Option(
        "how many versions of a secret a write leaves; older ones are destroyed for good",
        form=r"0*[1-9]\d*",
        expected="a whole number over 0",
        default="all",
        place=False,
    ),
    "plan": Option(
        "`access`: a plan accesses each secret to learn the number of its version, which has a larger quota",
        form="access",
        expected="access",
        place=False,
    ),
    "endpoint": Option(
        "`HOST` or `HOST:PORT` of the service; on a loopback address without TLS and without a login",
        form=r"([A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(:\d{1,5})?",
        expected="HOST or HOST:PORT",
    ),
}


def _open(target: Target) -> Driver:
    from tailorsecrets_gcp.driver import GcpDriver

    return GcpDriver(target)


def _policy(target: Target, vaults: Sequence[VaultNames], use: Literal["read", "deploy"]) -> str:
    from tailorsecrets_gcp.policy import policy

    return policy(target, vaults, use)
