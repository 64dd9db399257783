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


def policy(target: Target, names: Sequence[str], use: Literal["read", "deploy"]) -> str:
    """Return the IAM policy for *names*: native names of records, and beginnings, with a slash at their end.

    Whoever reads may read values below the beginnings, in batches. Whoever deploys may list, look and write
    everywhere, and reads the records alone; the values below the beginnings stay closed.
    """
    secrets = [_arn(target, name) for name in names if name.endswith("/")]
    records = [_arn(target, name) for name in names if not name.endswith("/")]
    if use == "read":
        statements = [_allow("ReadValues", _READ, secrets), _allow("ReadInBatches", _BATCH, ["*"])]
    else:
        write = _WRITE + (["secretsmanager:TagResource"] if target.options.get("tags") else [])
        write += ["secretsmanager:RemoveRegionsFromReplication"] if target.options.get("replicas") else []
        statements = [
            _allow("ListNames", _LIST + _BATCH, ["*"]),
            _allow("ReadRecords", _READ, records),
            _allow("Write", sorted(_LOOK + write), secrets + records),
        ]
    statements += _for_key(target, use)
    return json.dumps({"Version": "2012-10-17", "Statement": [s for s in statements if s["Resource"]]}, indent=2)


def _allow(name: str, actions: list[str], resources: list[str]) -> dict[str, Any]:
    return {"Sid": name, "Effect": "Allow", "Action": actions, "Resource": resources}


def _for_key(target: Target, use: str) -> list[dict[str, Any]]:
    """Return what a KMS key of one's own needs; the key aws/secretsmanager needs nothing."""
    key = target.options.get("kms_key_id", "")
    if not key:
        return []
    arn = key if key.startswith("arn:") else f"arn:{_partition(target)}:kms:{target.host or '*'}:*:key/{key}"
    return [_allow("UseKey", ["kms:Decrypt"] + (["kms:GenerateDataKey"] if use == "deploy" else []), [arn])]


def _arn(target: Target, name: str) -> str:
    whole = f"{name}*" if name.endswith("/") else f"{name}{_SUFFIX}"
    return f"arn:{_partition(target)}:secretsmanager:{target.host or '*'}:*:secret:{whole}"


def _partition(target: Target) -> str:
    return next((name for start, name in _PARTITIONS.items() if target.host.startswith(start)), "aws")
