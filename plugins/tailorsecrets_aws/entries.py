"""Answers of AWS as entries of the seam, and the version ids that carry a stamp. Pure, but for their random part."""

import re
import secrets
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from tailorsecrets.driver import Entry, State, Stored
from tailorsecrets.errors import Corrupt
from tailorsecrets.secret import Secret

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager.type_defs import (
        DescribeSecretResponseTypeDef,
        GetSecretValueResponseTypeDef,
        SecretListEntryTypeDef,
        SecretValueEntryTypeDef,
        SecretVersionsListEntryTypeDef,
    )

CURRENT: Final = "AWSCURRENT"
_PREVIOUS: Final = "AWSPREVIOUS"
_STAMPED: Final = re.compile(r"ts1-[\w-]{16}-([\w-]{32})", re.ASCII)


def new_version(stamp: str) -> str:
    """Return the id of a version to be written, which no other has; *stamp*, if any, is part of it.

    AWS takes a second write with the same id for the first one sent again, and does nothing. So each write has a new
    id, also where value and stamp are the same as before.
    """
    return f"ts1-{secrets.token_urlsafe(12)}-{stamp}" if stamp else str(uuid.uuid4())


def stamp_of(version: str) -> str:
    """Return the stamp in the id of a version, "" where another tool chose the id."""
    match = _STAMPED.fullmatch(version)
    return match[1] if match else ""


def described(name: str, answer: "DescribeSecretResponseTypeDef") -> Entry:
    """Return the entry of an answer of DescribeSecret."""
    return _entry(name, answer, answer.get("VersionIdsToStages", {}))


def listed(item: "SecretListEntryTypeDef") -> Entry:
    """Return the entry of one item of ListSecrets."""
    return _entry(item.get("Name", ""), item, item.get("SecretVersionsToStages", {}))


def stored(name: str, answer: "GetSecretValueResponseTypeDef | SecretValueEntryTypeDef") -> Stored | Corrupt:
    """Return value and entry of GetSecretValue or of one item of BatchGetSecretValue; the error if it is not text.

    The error is not raised here, where the frames of its traceback would hold the value.
    """
    text = _text(answer)
    if text is None:
        return Corrupt("the value is not text", hint="another tool stored it as bytes (SecretBinary)")
    version = answer.get("VersionId", "")
    entry = Entry(name=name, version=version, stamp=stamp_of(version), updated=answer.get("CreatedDate"))
    return Stored(Secret(text), entry)


def history(name: str, items: "Sequence[SecretVersionsListEntryTypeDef]") -> list[Entry]:
    """Return the entries of ListSecretVersionIds, newest first.

    Versions of the same moment are ordered by their labels, then as AWS lists them, which is oldest first.
    """
    ordered = sorted(items, key=_age)[::-1]
    return [
        Entry(name=name, version=version, stamp=stamp_of(version), updated=item.get("CreatedDate"))
        for item in ordered
        if (version := item.get("VersionId", ""))
    ]


def _entry(
    name: str,
    facts: "DescribeSecretResponseTypeDef | SecretListEntryTypeDef",
    stages: Mapping[str, Sequence[str]],
) -> Entry:
    version = next((version for version, labels in stages.items() if CURRENT in labels), "")
    state: State = "deleted" if "DeletedDate" in facts else "live" if version else "bare"
    return Entry(
        name=name,
        version=version,
        stamp=stamp_of(version),
        tags={tag.get("Key", ""): tag.get("Value", "") for tag in facts.get("Tags", [])},
        created=facts.get("CreatedDate"),
        updated=facts.get("LastChangedDate"),
        state=state,
    )


def _age(item: "SecretVersionsListEntryTypeDef") -> tuple[float, bool, bool]:
    created, stages = item.get("CreatedDate"), item.get("VersionStages", [])
    return created.timestamp() if created else 0.0, CURRENT in stages, _PREVIOUS in stages


def _text(answer: "GetSecretValueResponseTypeDef | SecretValueEntryTypeDef") -> str | None:
    if "SecretString" in answer:
        return answer["SecretString"]
    try:
        return answer.get("SecretBinary", b"\xff").decode()
    except UnicodeDecodeError:
        return None
