"""The least that a login needs, as an IAM policy. Pure."""

import json
from collections.abc import Sequence
from typing import Any, Final, Literal

from tailorsecrets.driver import Target

_READ: Final = ["secretsmanager:GetSecretValue"]
_BATCH: Final = ["secretsmanager:BatchGetSecretValue"]
_LOOK: Final = ["secretsmanager:DescribeSecret"]
_LIST: Final = ["secretsmanager:ListSecrets"]
_WRITE: Final = [
    "secretsmanager:CreateSecret",
    "secretsmanager:DeleteSecret",
    "secretsmanager:PutSecretValue",
    "secretsmanager:RestoreSecret",
]
_PARTITIONS: Final = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
_SUFFIX: Final = "-??????"  # AWS puts six random characters behind the name
_RECORD: Final = "v"  # the part of a native name that marks a vault's own record


def policy(target: Target, names: Sequence[str], use: Literal["read", "deploy"]) -> str:
    """Return the IAM policy for *names*: native names, and beginnings of them, with a slash at their end.

    Whoever reads may read the values, in batches too. Whoever deploys may list and look, may write the names and their
    vaults' records, and may read the records of the workspace, which tell whose its vaults are: the values stay closed.
    """
    if use == "read":
        values = [_arn(target, name) for name in names if not _is_record(name)]
        statements = [_allow("ReadValues", _READ, values), _allow("ReadInBatches", _BATCH, ["*"])]
    else:
        records = sorted({_arn(target, _record_of(name)) for name in names})
        written = sorted({*records, *(_arn(target, name) for name in names)})
        statements = [
            _allow("ListNames", _BATCH + _LIST, ["*"]),
            _allow("ReadRecords", _READ, sorted({_arn(target, _beside(_record_of(name))) for name in names})),
            _allow("Write", _writes(target), written),
        ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements + _for_key(target, use)}, indent=2)


def _record_of(name: str) -> str:
    """Return the record of the vault that *name* is in, or is the beginning of: ``P/W/v/V`` of ``P/W/V/``."""
    if _is_record(name):
        return name
    workspace, _, vault = name.rpartition("/")[0].rpartition("/")
    return f"{workspace}/{_RECORD}/{vault}"


def _beside(record: str) -> str:
    """Return how all records of the workspace begin; no secret does, for no vault is named ``v``."""
    return record.rpartition("/")[0] + "/"


def _is_record(name: str) -> bool:
    return name.split("/")[-2:-1] == [_RECORD]


def _writes(target: Target) -> list[str]:
    actions = [*_LOOK, *_WRITE]
    if target.options.get("tags"):
        actions.append("secretsmanager:TagResource")
    if target.options.get("replicas"):
        actions += ["secretsmanager:RemoveRegionsFromReplication", "secretsmanager:ReplicateSecretToRegions"]
    return sorted(actions)


def _allow(name: str, actions: list[str], resources: list[str]) -> dict[str, Any]:
    return {"Sid": name, "Effect": "Allow", "Action": actions, "Resource": resources}


def _for_key(target: Target, use: str) -> list[dict[str, Any]]:
    """Return what a KMS key of one's own needs; the key aws/secretsmanager needs nothing."""
    key = target.options.get("kms_key_id", "")
    if not key:
        return []
    name = key.rpartition(":")[2]
    resource = f"arn:{_partition(target)}:kms:{target.host or '*'}:*:key/{name.removeprefix('key/')}"
    actions = ["kms:Decrypt"] + (["kms:GenerateDataKey"] if use == "deploy" else [])
    if not name.startswith("alias/"):
        return [_allow("UseKey", actions, [key if key.startswith("arn:") else resource])]
    anyone = _allow("UseKey", actions, [resource.replace(name, "*")])  # IAM knows an alias by a condition alone
    return [{**anyone, "Condition": {"ForAnyValue:StringEquals": {"kms:ResourceAliases": name}}}]


def _arn(target: Target, name: str) -> str:
    whole = f"{name}*" if name.endswith("/") else f"{name}{_SUFFIX}"
    return f"arn:{_partition(target)}:secretsmanager:{target.host or '*'}:*:secret:{whole}"


def _partition(target: Target) -> str:
    return next((name for start, name in _PARTITIONS.items() if target.host.startswith(start)), "aws")
