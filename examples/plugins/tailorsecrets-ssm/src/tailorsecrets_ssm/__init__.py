"""AWS Systems Manager Parameter Store, behind ``ssm://[REGION][/PREFIX]``."""

from collections.abc import Iterable, Sequence
from typing import Literal

from tailorsecrets.driver import Driver, Option, StoreType, Target, VaultNames

OPTIONS = {
    "endpoint_url": Option(
        "another address of the service, such as that of LocalStack",
        form=r"https?://.+",
        expected="an address that begins with http:// or https://",
    ),
    "kms_key_id": Option("the KMS key that encrypts new values", default="alias/aws/ssm"),
    "profile": Option("a profile of ~/.aws/config"),
    "tier": Option(
        "the tier of new parameters: advanced ones hold 8,192 bytes and cost money",
        form="standard|advanced",
        expected="standard or advanced",
        default="standard",
        place=False,
    ),
}


def tailorsecrets_stores() -> Iterable[StoreType]:
    """Return the store type."""
    return [StoreType(scheme="ssm", open=_open, options=OPTIONS, policy=_policy, sdk=("boto3",))]


def _open(target: Target) -> Driver:
    from tailorsecrets_ssm.driver import ParameterStore

    return ParameterStore(target)


def _policy(target: Target, vaults: Sequence[VaultNames], use: Literal["read", "deploy"]) -> str:
    from tailorsecrets_ssm.policy import policy

    return policy(target, vaults, use)
