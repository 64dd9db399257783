"""Refusals of AWS that the emulators lack, from its documentation and service model; and permissions."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from tests.support.aws.wire import Call, Do, Reply, answer, denied, refuse

NAME = re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}")
PENDING = "You can't perform this operation on the secret because it was marked for deletion."
SCHEDULED = (
    "You can't create this secret because a secret with this name is already scheduled for deletion."  # AWS's words
)
LOCKED = {"PutSecretValue", "ListSecretVersionIds", "TagResource"}
CURRENT = "AWSCURRENT"


@dataclass
class Rules:
    """AWS's rules. ``policy`` is the IAM policy of the login, None for one that may do everything."""

    policy: Mapping[str, Any] | None = None
    closed: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])  # (operation, name) that are denied
    disabled: set[str] = field(default_factory=set[str])  # names whose KMS key is disabled
    purge_takes: int = 0  # attempts to create a name that fail after it was purged
    lists: dict[str, Reply] | None = None  # the answers of a lagging list by request; None: no lag
    managed: set[str] = field(default_factory=set[str])  # names that another AWS service manages
    _purging: dict[str, int] = field(default_factory=dict[str, int])

    def __call__(self, call: Call, do: Do) -> Reply:
        """Refuse *call*, or let it pass to *do*; who asks only who it is may always do so."""
        if call.signs_in:
            return do(call)
        if not self.allows(call.op, call.name):
            return denied(call, call.name)
        refusal = _too_much(call) or self._refusal(call, do)
        if refusal:
            return refusal
        if call.op == "BatchGetSecretValue":
            return self._batch(call, do)
        if call.op == "ListSecrets" and self.lists is not None:
            request = json.dumps(call.facts, sort_keys=True)
            self.lists.setdefault(request, do(call))
            return self.lists[request]
        reply = do(call)
        if call.op == "DeleteSecret" and call.facts.get("ForceDeleteWithoutRecovery"):
            self._purging[call.name] = self.purge_takes
        return reply

    def allows(self, op: str, name: str) -> bool:
        """Tell whether the login may do *op* on *name*."""
        if {(op, name), (op, "")} & self.closed:
            return False
        return self.policy is None or any(_covers(statement, op, name) for statement in self.policy["Statement"])

    def _refusal(self, call: Call, do: Do) -> Reply | None:
        if call.op == "GetSecretValue" and call.name in self.disabled:
            message = "Secrets Manager can't decrypt the protected secret text using the provided KMS key."
            return refuse("DecryptionFailure", message)
        if call.op in {"PutSecretValue", "DeleteSecret"} and call.name in self.managed:
            return refuse("InvalidRequestException", "The secret is managed by another service.")
        if call.op == "CreateSecret" and self._purging.get(call.name):
            self._purging[call.name] -= 1
            return refuse("InvalidRequestException", SCHEDULED)
        if call.op in LOCKED | {"CreateSecret"} and _is_pending(call, do):
            return refuse("InvalidRequestException", PENDING if call.op in LOCKED else SCHEDULED)
        return _has_replicas(call, do) if call.op == "DeleteSecret" else None

    def _batch(self, call: Call, do: Do) -> Reply:
        """Answer for each name; for a name without a value the emulators fail the whole batch."""
        values: list[Mapping[str, Any]] = []
        errors: list[Mapping[str, str]] = []
        for name in call.facts["SecretIdList"]:
            reply = self(call.other("GetSecretValue", SecretId=name, VersionStage=CURRENT), do)
            facts = reply.facts
            if reply.status == 200:
                values.append(facts)
            else:
                message = facts.get("Message") or facts.get("message", "")
                errors.append({"SecretId": name, "ErrorCode": facts["__type"], "Message": message})
        return answer({"SecretValues": values, "Errors": errors})


def _too_much(call: Call) -> Reply | None:
    """Refuse a request over a limit of the service model."""
    facts = call.facts
    octets = len(facts.get("SecretString", "").encode("utf-8", "surrogatepass"))
    keys = [tag["Key"] for tag in facts.get("Tags", [])]
    wrong = {
        "secretString": "SecretString" in facts and not 1 <= octets <= 65_536,
        "name": call.op == "CreateSecret" and not NAME.fullmatch(call.name),
        "clientRequestToken": not 32 <= len(facts.get("ClientRequestToken", 32 * "x")) <= 64,
        "secretIdList": len(facts.get("SecretIdList", [])) > 20,
        "maxResults": not 1 <= facts.get("MaxResults", 1) <= 100,
        "tags": len(keys) > 50 or len(set(keys)) < len(keys) or any(key.startswith("aws:") for key in keys),
    }
    member = next((member for member, is_wrong in wrong.items() if is_wrong), "")
    message = f"1 validation error detected: Value at '{member}' failed to satisfy constraint"
    return refuse("ValidationException", message) if member else None


def _is_pending(call: Call, do: Do) -> bool:
    reply = do(call.other("DescribeSecret", SecretId=call.name))
    return reply.status == 200 and bool(reply.facts.get("DeletedDate"))


def _has_replicas(call: Call, do: Do) -> Reply | None:
    reply = do(call.other("DescribeSecret", SecretId=call.name))
    if reply.status == 200 and reply.facts.get("ReplicationStatus"):
        return refuse("InvalidParameterException", "You can't delete a secret that still has replica regions.")
    return None


def _covers(statement: Mapping[str, Any], op: str, name: str) -> bool:
    arn = f"arn:aws:secretsmanager:eu-west-1:123456789012:secret:{name}-AbCdEf"
    return f"secretsmanager:{op}" in statement["Action"] and any(
        resource == "*" or (name and fnmatchcase(arn, resource)) for resource in statement["Resource"]
    )
