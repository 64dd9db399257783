"""AWS Secrets Manager, through botocore.

``docs/stores/aws.md`` shows names, versions and deletes as AWS's own tools see them.
"""

from collections.abc import Iterable, Sequence
from typing import Literal

from tailorsecrets.driver import Driver, StoreType, Target, VaultNames
from tailorsecrets_aws.options import OPTIONS
from tailorsecrets_aws.where import WHERE


def tailorsecrets_stores() -> Iterable[StoreType]:
    """Return the store type behind ``aws://[REGION][/PREFIX]``."""
    return [
        StoreType(
            scheme="aws", open=_open, options=OPTIONS, extra="aws", policy=_policy, where=WHERE, sdk=("botocore",)
        )
    ]


def _open(target: Target) -> Driver:
    from tailorsecrets_aws.driver import AwsDriver

    return AwsDriver(target)


def _policy(target: Target, vaults: Sequence[VaultNames], use: Literal["read", "deploy"]) -> str:
    from tailorsecrets_aws.policy import policy

    return policy(target, vaults, use)
