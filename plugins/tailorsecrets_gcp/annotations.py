"""The annotations that we write on a secret. Pure.

Other tools add versions and leave annotations alone, so each annotation names the version that it belongs to.

==========================  ========================================================================
``tailorsecrets-stamp``     ``HMAC@NUMBER@TIME``, or ``HMAC@1`` if written when the secret was created;
                            without an HMAC where the write had no stamp
``tailorsecrets-deleted``   ``NUMBER@TIME`` of the version that a delete disables, with ``@disabled`` if
                            it was disabled before
``tailorsecrets-writer``    random: a writer has claimed a name that has no value
==========================  ========================================================================
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from google.cloud.secretmanager_v1.types import Secret, SecretVersion

from tailorsecrets_gcp.versions import Token, aware, read_token, token_of

STAMP: Final = "tailorsecrets-stamp"
DELETED: Final = "tailorsecrets-deleted"
WRITER: Final = "tailorsecrets-writer"

# Longer than a write may take. A stamp written when the secret was created does not belong to a first version that came
# later: its writer must have died, and somebody else may have added that version.
FIRST_WRITE: Final = timedelta(seconds=90)
SETTLED: Final = 5 * FIRST_WRITE  # with room for clocks that differ
# For this long, a list does not report a stamp written when the secret was created: the write may have ended before
# it added a version, and is repeated within this time.
UNPROVEN: Final = timedelta(days=1)

_DISABLED: Final = "@disabled"
_FIRST: Final = Token(1)  # in a stamp written when the secret was created: the first version had no time yet

Annotations = Mapping[str, str]


def at_creation(stamp: str) -> dict[str, str]:
    """Return the annotations of a new secret whose first version follows."""
    return {STAMP: f"{stamp}@{_FIRST}"}


def after_write(annotations: Annotations, version: SecretVersion, stamp: str) -> dict[str, str]:
    """Return the annotations after *version* was written with *stamp*, unchanged where they name a later version."""
    token, before = token_of(version), _stamp(annotations)[0]
    if _stamped_number(annotations) > token.number:
        return dict(annotations)
    rest = _without(annotations, DELETED, WRITER)
    return rest if STAMP in rest and stamp == before == "" else rest | {STAMP: f"{stamp}@{token}"}


def before_delete(annotations: Annotations, version: SecretVersion) -> dict[str, str]:
    """Return the annotations before a delete disables *version*, unchanged where they name a later version."""
    token = token_of(version)
    if _stamped_number(annotations) > token.number:
        return _without(annotations, DELETED)
    disabled = version.state != SecretVersion.State.ENABLED
    return {**annotations, DELETED: f"{token}{_DISABLED if disabled else ''}"}


def after_restore(annotations: Annotations) -> dict[str, str]:
    """Return the annotations after a delete was undone."""
    return _without(annotations, DELETED, WRITER)


def claimed(annotations: Annotations, nonce: str) -> dict[str, str]:
    """Return the annotations that claim a name without a value; the first to write them with its *nonce* wins."""
    return _without(annotations, STAMP) | {WRITER: nonce}


def deleted_version(annotations: Annotations) -> Token | None:
    """Return the version that a delete disabled or was about to disable, None where there was no delete."""
    return read_token(annotations.get(DELETED, "").removesuffix(_DISABLED))


def disabled_by_delete(annotations: Annotations) -> bool:
    """Return whether the deleted version was enabled before the delete, so that a restore enables it."""
    return not annotations.get(DELETED, "").endswith(_DISABLED)


def had_a_version(annotations: Annotations) -> bool:
    """Return whether a write or a delete of ours has annotated the secret; another tool's may have no version yet."""
    return STAMP in annotations


def is_abandoned(secret: Secret, now: datetime) -> bool:
    """Return whether nobody is writing to *secret*, which has no version: it is old, and unclaimed."""
    return WRITER not in secret.annotations and now - aware(secret.create_time) > SETTLED


def stamp_of(secret: Secret, version: SecretVersion) -> str:
    """Return the stamp of *version*, "" where the annotations name another one."""
    stamp, token = _stamp(secret.annotations)
    own = token_of(version)
    if token == own:
        return stamp
    age = aware(version.create_time) - aware(secret.create_time)
    return stamp if token == _FIRST and own.number == 1 and age <= FIRST_WRITE else ""


def stamp_of_number(secret: Secret, number: int) -> str:
    """Return the stamp of the version of which only the *number* is known."""
    stamp, token = _stamp(secret.annotations)
    return stamp if token and token.number == number else ""


def listed_stamp(secret: Secret, now: datetime) -> str:
    """Return the stamp of our last write, "" where that write may have ended before it added a version."""
    stamp, token = _stamp(secret.annotations)
    return stamp if token != _FIRST or now - aware(secret.create_time) > UNPROVEN else ""


def stay_true(secret: Secret, now: datetime) -> bool:
    """Return whether the annotations stay valid for their version even if the secret is deleted and created again.

    A stamp without a time could be taken for the stamp of the new first version, if that comes soon enough.
    """
    stamp, token = _stamp(secret.annotations)
    return not stamp or token != _FIRST or now - aware(secret.create_time) > SETTLED


def _stamp(annotations: Annotations) -> tuple[str, Token | None]:
    """Return the stamp and the version that it names."""
    stamp, _, token = annotations.get(STAMP, "").partition("@")
    return stamp, read_token(token)


def _stamped_number(annotations: Annotations) -> int:
    _, token = _stamp(annotations)
    return token.number if token else 0


def _without(annotations: Annotations, *keys: str) -> dict[str, str]:
    return {key: text for key, text in annotations.items() if key not in keys}
