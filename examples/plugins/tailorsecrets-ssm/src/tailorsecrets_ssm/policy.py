"""The least rights that a login needs, as an IAM policy. Pure."""

import json
from collections.abc import Sequence
from typing import Any, Literal

from tailorsecrets.driver import Target, VaultNames

_READ = ["ssm:GetParameter", "ssm:GetParameters"]
_LOOK = ["ssm:GetParameterHistory", "ssm:GetParametersByPath"]
_WRITE = ["ssm:DeleteParameter", "ssm:PutParameter"]


def policy(target: Target, vaults: Sequence[VaultNames], use: Literal["read", "deploy"]) -> str:
    """Return the IAM policy for *vaults*: a reader reads their values; a deployer reads, lists and writes them.

    Parameter Store keeps no stamps, so a deployer compares values, and must be able to decrypt them.
    """
    secrets = sorted(_arn(target, f"{vault.secrets}*") for vault in vaults)
    if use == "read":
        statements = [_allow("Read", _READ, secrets)]
    else:
        written = sorted({*secrets, *(_arn(target, vault.record) for vault in vaults)})
        paths = sorted({_arn(target, vault.workspace.rstrip("/")) for vault in vaults})
        records = sorted({_arn(target, f"{vault.records}*") for vault in vaults})
        statements = [
            _allow("List", _LOOK, sorted({*paths, *(f"{path}/*" for path in paths)})),
            _allow("ReadRecords", _READ, records),
            _allow("Write", [*_READ, *_WRITE], written),
        ]
    return json.dumps({"Version": "2012-10-17", "Statement": [*statements, *_key(target, use)]}, indent=2)


def _allow(name: str, actions: list[str], resources: list[str]) -> dict[str, Any]:
    return {"Sid": name, "Effect": "Allow", "Action": sorted(actions), "Resource": resources}


def _key(target: Target, use: str) -> list[dict[str, Any]]:
    """Return the statement for a KMS key of the customer's own; alias/aws/ssm needs none."""
    key = target.options.get("kms_key_id", "")
    if not key.startswith("arn:"):
        return []
    return [_allow("UseKey", ["kms:Decrypt", *(["kms:Encrypt"] if use == "deploy" else [])], [key])]


def _arn(target: Target, name: str) -> str:
    return f"arn:aws:ssm:{target.host or '*'}:*:parameter/{name}"
