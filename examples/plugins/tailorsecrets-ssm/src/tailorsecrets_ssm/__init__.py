"""AWS Systems Manager Parameter Store, behind ``ssm://[REGION][/PREFIX]``."""

from collections.abc import Iterable

from tailorsecrets.driver import Option, StoreType, imported

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
    opened, policy = imported("tailorsecrets_ssm.driver:ParameterStore"), imported("tailorsecrets_ssm.policy:policy")
    return [StoreType(scheme="ssm", open=opened, options=OPTIONS, policy=policy, sdk=("boto3",))]
