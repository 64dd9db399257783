"""AWS Secrets Manager, through botocore.

``docs/stores/aws.md`` shows names, versions and deletes as AWS's own tools see them.
"""

from collections.abc import Iterable

from tailorsecrets.driver import StoreType, imported
from tailorsecrets_aws.options import OPTIONS
from tailorsecrets_aws.where import WHERE


def tailorsecrets_stores() -> Iterable[StoreType]:
    """Return the store type behind ``aws://[REGION][/PREFIX]``."""
    return [
        StoreType(
            scheme="aws",
            open=imported("tailorsecrets_aws.driver:AwsDriver"),
            options=OPTIONS,
            extra="aws",
            policy=imported("tailorsecrets_aws.policy:policy"),
            where=WHERE,
            sdk=("botocore",),
        )
    ]
