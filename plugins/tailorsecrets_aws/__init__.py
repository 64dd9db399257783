"""AWS Secrets Manager, through boto3.

``docs/stores/aws.md`` tells how names, versions and deletes look to AWS's own tools.
"""

from collections.abc import Iterable, Sequence
from typing import Literal

from tailorsecrets.driver import Driver, StoreType, Target, VaultNames


def tailorsecrets_stores() -> Iterable[StoreType]:
    """Return the store type behind ``aws://[REGION][/PREFIX]``."""
    return [StoreType(scheme="aws", open=_open, options=_OPTIONS, extra="aws", policy=_policy)]


_OPTIONS = {
    "profile": "the profile of ~/.aws/config to sign in with (default AWS_PROFILE)",
    "role_arn": "the ARN of a role to assume, on top of the login found",
    "external_id": "the external id that the role asks for",
    "session_name": "the name under which the assumed role shows in CloudTrail (default tailorsecrets)",
    "endpoint_url": "where Secrets Manager answers: a VPC endpoint or a local server (default AWS_ENDPOINT_URL)",
    "ca_bundle": "a PEM file with the authorities to trust (default AWS_CA_BUNDLE)",
    "kms_key_id": "the KMS key, id, ARN or alias, of the secrets that are created (default aws/secretsmanager)",
    "tags": "tags of the secrets that are created, as in team=payments,stage=prod",
    "replicas": "regions that get a replica of each secret that is created, as in eu-west-1,us-east-1",
    "recovery_days": "days in which a deleted secret can be restored, 7 to 30 (default 30)",
}


def _open(target: Target) -> Driver:
    from tailorsecrets_aws.driver import AwsDriver

    return AwsDriver(target)


def _policy(target: Target, vaults: Sequence[VaultNames], use: Literal["read", "deploy"]) -> str:
    from tailorsecrets_aws.policy import policy

    return policy(target, vaults, use)
