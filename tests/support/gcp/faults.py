"""Faults between a client and a server of the Secret Manager protocol, on demand."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo  # type: ignore[import-untyped]
from grpc import StatusCode

from tests.support.gcp.rules import Refusal

_PERMISSIONS: Final = {
    "AccessSecretVersion": "secretmanager.versions.access",
    "GetSecret": "secretmanager.secrets.get",
    "ListSecrets": "secretmanager.secrets.list",
    "DeleteSecret": "secretmanager.secrets.delete",
}


@dataclass(slots=True, kw_only=True)
class Rule:
    """The fault of the next *times* calls of *methods* (all, where there are none) on *resource* or below it."""

    methods: Sequence[str] = ()
    resource: str = ""
    times: float = float("inf")
    skip: int = 0  # calls that pass before
    refusal: Refusal | None = None
    seconds: float = 0.0  # of delay before
    hangs: bool = False  # no answer until recover
    applied: bool = False  # the call is done, and then refused or left hanging

    def meets(self, operation: str, name: str) -> bool:
        """Return whether a call falls under this rule, and count it."""
        named = not self.methods or operation in self.methods
        below = not self.resource or (name + "/").startswith(self.resource + "/")
        if not (named and below and self.times > 0):
            return False
        self.skip -= 1
        self.times -= self.skip < 0
        return self.skip < 0


def unavailable() -> Refusal:
    """Return the refusal of a server that is overloaded."""
    return Refusal(StatusCode.UNAVAILABLE, "The service is currently unavailable.")


def exhausted(seconds: float | None = None) -> Refusal:
    """Return the refusal over the quota; *seconds* is the time that the caller is asked to wait."""
    details: tuple[Message, ...] = ()
    if seconds is not None:
        details = (RetryInfo(retry_delay=Duration(seconds=int(seconds), nanos=int(seconds % 1 * 1e9))),)
    return Refusal(StatusCode.RESOURCE_EXHAUSTED, "Quota exceeded for quota metric 'Access requests'.", details)


def denied(method: str, resource: str) -> Refusal:
    """Return IAM's refusal of a login without the right."""
    right = _PERMISSIONS.get(method, "secretmanager.versions.add")
    info = ErrorInfo(reason="IAM_PERMISSION_DENIED", domain="iam.googleapis.com", metadata={"permission": right})
    text = f"Permission '{right}' denied for resource '{resource}' (or it may not exist)."
    return Refusal(StatusCode.PERMISSION_DENIED, text, (info,))


def api_off() -> Refusal:
    """Return the refusal where the project does not use the service."""
    info = ErrorInfo(reason="SERVICE_DISABLED", domain="googleapis.com")
    return Refusal(StatusCode.PERMISSION_DENIED, "Secret Manager API has not been used in project 1 before.", (info,))


def not_signed_in() -> Refusal:
    """Return the refusal of a token that has expired."""
    return Refusal(StatusCode.UNAUTHENTICATED, "Request had invalid authentication credentials.")
