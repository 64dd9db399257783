"""What Secret Manager refuses, from its reference pages: limits of names, payloads, labels and annotations."""

import re
from dataclasses import dataclass, field
from typing import Any, Final

import google_crc32c
from google.cloud.secretmanager_v1.types import Secret, SecretPayload
from google.protobuf.message import Message
from grpc import StatusCode

SECRET_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,255}")
PARENT: Final = re.compile(r"projects/(?P<project>[a-z0-9.:-]+)(/locations/(?P<location>[a-z0-9-]+))?")
RESOURCE: Final = re.compile(rf"(?P<parent>{PARENT.pattern})/secrets/(?P<secret>[^/]+)(/versions/(?P<version>[^/]+))?")
ALIAS: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}")
PAYLOAD: Final = 65_536  # bytes
LABELS: Final = 64
ANNOTATIONS: Final = 16_384  # bytes of all keys and values
ALIASES: Final = 50

_LABEL_KEY: Final = re.compile(r"[^\W\d_A-Z][\w-]{0,62}")
_LABEL_VALUE: Final = re.compile(r"[\w-]{0,63}")
_LABEL_BYTES: Final = 128
_ANNOTATION_KEY: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")


@dataclass
class Refusal(Exception):
    """An answer other than the one asked for."""

    code: StatusCode
    message: str
    details: tuple[Message, ...] = field(default=())


def invalid(message: str) -> Refusal:
    """Return the refusal of what can never work."""
    return Refusal(StatusCode.INVALID_ARGUMENT, message)


def failed_precondition(message: str) -> Refusal:
    """Return the refusal of what cannot be done now."""
    return Refusal(StatusCode.FAILED_PRECONDITION, message)


def need(condition: object, message: str) -> None:
    """Refuse what does not meet *condition* as invalid."""
    if not condition:
        raise invalid(message)


def check_secret_id(secret_id: str) -> None:
    """Refuse a name that no secret can have."""
    need(SECRET_ID.fullmatch(secret_id), f"The provided Secret ID [{secret_id}] does not match the expected format.")


def check_payload(payload: SecretPayload) -> None:
    """Refuse an empty payload, one over the limit, and one that does not match its checksum."""
    need(payload.data, "Payload is empty.")
    need(len(payload.data) <= PAYLOAD, f"The payload is larger than the maximum size of {PAYLOAD} bytes.")
    if "data_crc32c" in payload:
        need(checksum(payload.data) == payload.data_crc32c, "The CRC32C checksum does not match the payload.")


def check_maps(secret: Secret) -> None:
    """Refuse labels and annotations outside of their rules."""
    labels, annotations = dict(secret.labels), dict(secret.annotations)
    need(len(labels) <= LABELS, f"A secret has at most {LABELS} labels.")
    for key, text in labels.items():
        need(_LABEL_KEY.fullmatch(key) and _is_label(key), f"The label key [{key}] is not allowed.")
        need(_LABEL_VALUE.fullmatch(text) and _is_label(text), f"The value of the label [{key}] is not allowed.")
    for key in annotations:
        need(_ANNOTATION_KEY.fullmatch(key), f"The annotation key [{key}] is not allowed.")
    size = sum(len(key.encode()) + len(text.encode()) for key, text in annotations.items())
    need(size < ANNOTATIONS, "The annotations have 16 KiB or more.")


def check_new(secret: Secret, *, regional: bool) -> None:
    """Refuse a global secret without a replication, and a regional one with it."""
    if regional:
        need("replication" not in secret, "A regional secret has no replication.")
    else:
        need("replication" in secret, "Secret.replication is required.")
        chosen = type(secret.replication).pb(secret.replication).WhichOneof("replication")
        need(chosen, "Replication is neither automatic nor user-managed.")
        need(chosen == "automatic" or secret.replication.user_managed.replicas, "Replicas are required.")
        need("customer_managed_encryption" not in secret, "The key of a global secret is part of its replication.")
    need(not secret.version_aliases, "Version aliases name versions, and there are none.")
    for output in ("ttl", "expire_time", "rotation", "topics"):
        need(not getattr(secret, output), f"This server does not know Secret.{output}.")


def checksum(octets: bytes) -> int:
    """Return the CRC32C of *octets*."""
    crc32c: Any = google_crc32c
    return int(crc32c.value(octets))


def _is_label(text: str) -> bool:
    return text == text.lower() and len(text.encode()) <= _LABEL_BYTES
