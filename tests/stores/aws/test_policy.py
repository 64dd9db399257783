"""The IAM policies that are printed; the product tests run under them."""

import json
from typing import Any, Literal

import pytest

from tailorsecrets.driver import Target
from tailorsecrets.store.names import Naming
from tailorsecrets_aws.policy import policy

NAMES = Naming("prod", prefix="shop").vault_names("api-keys")


def statements(use: Literal["read", "deploy"], region: str = "eu-west-1", **options: str) -> dict[str, dict[str, Any]]:
    """Return the statements of the policy for *use* of the vault by their Sid."""
    target = Target(url="aws:", scheme="aws", host=region, options=options)
    document = json.loads(policy(target, [NAMES], use))
    assert document["Version"] == "2012-10-17"
    return {statement.pop("Sid"): statement for statement in document["Statement"]}


def arn(name: str, partition: str = "aws", region: str = "eu-west-1") -> str:
    """Return the pattern for a secret."""
    return f"arn:{partition}:secretsmanager:{region}:*:secret:{name}"


def test_reading_a_vault() -> None:
    """A service may read the values below the vault, and nothing says that it may read the record or list."""
    found = statements("read")

    assert found["ReadValues"]["Action"] == ["secretsmanager:GetSecretValue"]
    assert found["ReadValues"]["Resource"] == [arn(f"{NAMES.secrets}*")]
    assert set(found) == {"ReadValues", "ReadInBatches"}


def test_deploying_a_vault() -> None:
    """A deployer reads the records of the workspace, and writes the vault and its record."""
    found = statements("deploy")

    assert found["ReadRecords"]["Resource"] == [arn("shop/prod/v/*")]
    assert found["Write"]["Resource"] == sorted([arn(f"{NAMES.record}-??????"), arn(f"{NAMES.secrets}*")])
    assert "secretsmanager:GetSecretValue" not in found["Write"]["Action"]
    assert "secretsmanager:TagResource" not in found["Write"]["Action"]


def test_what_options_need() -> None:
    """Tags and replicas need their own rights."""
    actions = statements("deploy", tags="a=b", replicas="us-east-1")["Write"]["Action"]

    assert {"secretsmanager:TagResource", "secretsmanager:ReplicateSecretToRegions"} <= set(actions)
    assert "secretsmanager:RemoveRegionsFromReplication" in actions


@pytest.mark.parametrize(
    ("key", "resource"),
    [
        ("1234", "arn:aws:kms:eu-west-1:*:key/1234"),
        ("arn:aws:kms:eu-west-1:123456789012:key/1234", "arn:aws:kms:eu-west-1:123456789012:key/1234"),
    ],
)
def test_a_key_of_ones_own(key: str, resource: str) -> None:
    """Readers may decrypt with the key, deployers may encrypt too."""
    assert statements("read", kms_key_id=key)["UseKey"]["Action"] == ["kms:Decrypt"]
    assert statements("deploy", kms_key_id=key)["UseKey"] == {
        "Effect": "Allow",
        "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
        "Resource": [resource],
    }


@pytest.mark.parametrize("key", ["alias/ours", "arn:aws:kms:eu-west-1:123456789012:alias/ours"])
def test_the_alias_of_a_key(key: str) -> None:
    """IAM knows a key by its alias only in a condition."""
    found = statements("read", kms_key_id=key)["UseKey"]

    assert found["Resource"] == ["arn:aws:kms:eu-west-1:*:key/*"]
    assert found["Condition"] == {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/ours"}}


@pytest.mark.parametrize(
    ("region", "partition"), [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov"), ("eu-west-1", "aws")]
)
def test_partitions(region: str, partition: str) -> None:
    """China and GovCloud have their own ARNs."""
    assert statements("read", region=region)["ReadValues"]["Resource"] == [arn(f"{NAMES.secrets}*", partition, region)]
