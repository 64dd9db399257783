"""The least rights that a login needs, as an IAM policy. Pure."""

import json
from collections.abc import Sequence
from typing import Any, Final, Literal

from tailorsecrets.driver import Target, VaultNames

_READ: Final = ["secretsmanager:GetSecretValue"]
_BATCH: Final = ["secretsmanager:BatchGetSecretValue"]
_DESCRIBE: Final = ["secretsmanager:DescribeSecret"]
_LIST: Final = ["secretsmanager:ListSecrets"]
_WRITE: Final = [
    "secretsmanager:CreateSecret",
    "secretsmanager:DeleteSecret",
    "secretsmanager:PutSecretValue",
    "secretsmanager:RestoreSecret",
]
_PARTITIONS: Final = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
_SUFFIX: Final = "-??????"  # AWS appends six random characters to the name


def policy(target: Target, vaults: Sequence[VaultNames], use: Literal["read", "deploy"]) -> str:
    """Return the IAM policy for *vaults*.

    A reader may read the values, in batches too. A deployer may list and describe secrets, write the vaults and their
    records, and read the records of the workspace, which name the owners of its vaults. It cannot read any value
    but those that are copied to other targets.
    """
    secrets = [_arn(target, vault.secrets) for vault in vaults]
    if use == "read":
        statements = [_allow("ReadValues", _READ, secrets), _allow("ReadInBatches", _BATCH, ["*"])]
    else:
        written = sorted({*secrets, *(_arn(target, vault.record) for vault in vaults)})
        statements = [
            _allow("ListNames", _BATCH + _LIST, ["*"]),
            _allow("ReadRecords", _READ, sorted({_arn(target, vault.records) for vault in vaults})),
            _allow("Write", _writes(target), written),
        ]
        copied = [_arn(target, name) for vault in vaults for name in vault.copied]
        statements += [_allow("ReadWhatIsCopied", _READ, copied)] if copied else []
    return json.dumps({"Version": "2012-10-17", "Statement": statements + _key_statements(target, use)}, indent=2)


def _writes(target: Target) -> list[str]:
    actions = [*_DESCRIBE, *_WRITE]
    if target.options.get("tags"):
        actions.append("secretsmanager:TagResource")
    if target.options.get("replicas"):
        actions += ["secretsmanager:RemoveRegionsFromReplication", "secretsmanager:ReplicateSecretToRegions"]
    return sorted(actions)


def _allow(name: str, actions: list[str], resources: list[str]) -> dict[str, Any]:
    return {"Sid": name, "Effect": "Allow", "Action": actions, "Resource": resources}


def _key_statements(target: Target, use: str) -> list[dict[str, Any]]:
    """Return the statements for a customer's own KMS key; the key aws/secretsmanager needs none."""
    key = target.options.get("kms_key_id", "")
    if not key:
        return []
    name = key.rpartition(":")[2]
    resource = f"arn:{_partition(target)}:kms:{target.host or '*'}:*:key/{name.removeprefix('key/')}"
    actions = ["kms:Decrypt"] + (["kms:GenerateDataKey"] if use == "deploy" else [])
    if not name.startswith("alias/"):
        return [_allow("UseKey", actions, [key if key.startswith("arn:") else resource])]
    anyone = _allow("UseKey", actions, [resource.replace(name, "*")])  # IAM names an alias in a condition only
    return [{**anyone, "Condition": {"ForAnyValue:StringEquals": {"kms:ResourceAliases": name}}}]


def _arn(target: Target, name: str) -> str:
    whole = f"{name}*" if name.endswith("/") else f"{name}{_SUFFIX}"
    return f"arn:{_partition(target)}:secretsmanager:{target.host or '*'}:*:secret:{whole}"


def _partition(target: Target) -> str:
    return next((name for start, name in _PARTITIONS.items() if target.host.startswith(start)), "aws")
