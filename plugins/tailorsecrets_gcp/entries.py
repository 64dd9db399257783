"""What we write beside a secret, and what it says of the newest version. Pure.

It stands in annotations of the secret, and names the version that it speaks of, because other tools add versions
without looking at annotations, and because numbers begin at 1 again once a secret was deleted and created. A
version's token is its number and, to tell such two apart, the time when it was made.

==========================  ========================================================================
``tailorsecrets-stamp``     ``HMAC@NUMBER@TIME``, or ``HMAC@1`` where it came with the secret itself
``tailorsecrets-deleting``  ``NUMBER@TIME`` of the version that a delete is about to disable
``tailorsecrets-deleted``   ``NUMBER@TIME`` of the version that a delete has disabled
``tailorsecrets-writer``    random: somebody is about to write to a name that has no value
==========================  ========================================================================
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from google.cloud.secretmanager_v1.types import Secret, SecretVersion

from tailorsecrets.driver import Entry, State

STAMP: Final = "tailorsecrets-stamp"
DELETING: Final = "tailorsecrets-deleting"
DELETED: Final = "tailorsecrets-deleted"
WRITER: Final = "tailorsecrets-writer"
EPOCH: Final = datetime.fromtimestamp(0, UTC)

_TOKEN: Final = re.compile(r"([1-9][0-9]{0,17})(?:@([0-9]+))?")

Annotations = Mapping[str, str]

# Longer than a write may take. A stamp that came with the secret says nothing of a first version that is later:
# whoever wanted to write it then has died, and somebody else may have filled the secret.
FIRST_WRITE: Final = timedelta(seconds=90)
SETTLED: Final = 5 * FIRST_WRITE  # with room for clocks that differ
UNPROVEN: Final = timedelta(days=1)  # so long a stamp that came with the secret is not told by a list: a write that
# broke off leaves such a one without a version, and is done again within this time


class Token(NamedTuple):
    """The parts of a version's token; ``get`` knows the number alone."""

    number: int
    time: str = ""  # microseconds since 1970

    def __str__(self) -> str:
        return f"{self.number}@{self.time}" if self.time else str(self.number)


_FIRST: Final = Token(1)  # of a stamp that came with the secret, when its first version had no time yet


@dataclass(frozen=True, slots=True)
class Look:
    """A secret as it was at one moment, with its newest version, None where it has none."""

    secret: Secret
    newest: SecretVersion | None

    @property
    def state(self) -> State:
        """What reading the name would come to."""
        if self.newest is None:
            return "bare"
        if self.newest.state == SecretVersion.State.ENABLED:
            return "live"
        return "deleted" if gone(self.annotations) == token_of(self.newest) else "disabled"

    @property
    def annotations(self) -> Annotations:
        """What is written beside it."""
        return self.secret.annotations

    @property
    def unfinished(self) -> bool:
        """Whether somebody is between two calls of a write to a name without value, or died there."""
        return self.newest is None or WRITER in self.annotations

    def same(self, other: "Look") -> bool:
        """Tell whether nothing has moved since *other*."""
        return self.secret.etag == other.secret.etag and self.entry("") == other.entry("")

    def entry(self, name: str) -> Entry:
        """Return the whole of it."""
        created = aware(self.secret.create_time)
        if self.newest is None:
            return Entry(name=name, created=created, state="bare")
        return Entry(
            name=name,
            version=str(token_of(self.newest)),
            stamp=_stamp(self.secret, self.newest),
            created=created,
            updated=aware(self.newest.create_time),
            state=self.state,
        )


def numbered(name: str, secret: Secret, number: int) -> Entry:
    """Return the entry of *secret* where all that is known of its newest version is that it is enabled, and *number*.

    The number alone is its token, and whether the stamp speaks of it.
    """
    stamp, token = _stamped(secret.annotations)
    known = stamp if token and token.number == number else ""
    return Entry(name=name, version=str(number), stamp=known, created=aware(secret.create_time))


def number_of(resource: str) -> int:
    """Return the number at the end of the *resource* name of a version."""
    return int(resource.rpartition("/")[2])


def token_of(version: SecretVersion) -> Token:
    """Return the token of *version*."""
    since = aware(version.create_time) - EPOCH
    return Token(number_of(version.name), str(since // timedelta(microseconds=1)))


def read_token(text: str) -> Token | None:
    """Return the token that *text* is, None for another text."""
    found = _TOKEN.fullmatch(text)
    return Token(int(found[1]), found[2] or "") if found else None


def aware(moment: Any) -> datetime:
    """Return a message's time, which is of a class of its own, as a plain datetime."""
    since: timedelta = moment - EPOCH
    return EPOCH + since


def gone(annotations: Annotations) -> Token | None:
    """Return the version that a delete has disabled, or was about to, None where there was no delete."""
    return read_token(annotations.get(DELETED) or annotations.get(DELETING, ""))


def with_secret(stamp: str) -> dict[str, str]:
    """Return the annotations of a secret whose first version is about to follow."""
    return {STAMP: f"{stamp}@1"} if stamp else {}


def written(annotations: Annotations, version: SecretVersion, stamp: str) -> dict[str, str]:
    """Return the annotations after *version* was written with *stamp*, unless they speak of a later one already."""
    token = token_of(version)
    if _spoken_of(annotations) > token.number:
        return dict(annotations)
    left = _without(annotations, DELETING, DELETED, WRITER, STAMP)
    return left | ({STAMP: f"{stamp}@{token}"} if stamp else {})


def deleting(annotations: Annotations, version: SecretVersion) -> dict[str, str]:
    """Return the annotations before *version* is disabled."""
    return {**annotations, DELETING: str(token_of(version))}


def deleted(annotations: Annotations, version: SecretVersion) -> dict[str, str]:
    """Return the annotations after *version* was disabled, unless they speak of a later one already."""
    token, left = token_of(version), _without(annotations, DELETING)
    return left if _spoken_of(annotations) > token.number else {**left, DELETED: str(token)}


def restored(annotations: Annotations) -> dict[str, str]:
    """Return the annotations after a delete was undone."""
    return _without(annotations, DELETING, DELETED, WRITER)


def claimed(annotations: Annotations, nonce: str) -> dict[str, str]:
    """Return the annotations by which whoever writes *nonce* first wins a name without value."""
    return _without(annotations, STAMP) | {WRITER: nonce}


def lasts(secret: Secret, now: datetime) -> bool:
    """Tell whether what *secret* says of a version stays true, also once it is deleted and somebody makes it again.

    A stamp that names no time might be taken for one of the new first version, if that came soon enough.
    """
    _, told = _stamped(secret.annotations)
    return told != _FIRST or now - aware(secret.create_time) > SETTLED


def listed_stamp(secret: Secret, now: datetime) -> str:
    """Return the stamp of our last write, "" where that may have broken off between the secret and its version."""
    stamp, token = _stamped(secret.annotations)
    return stamp if token != _FIRST or now - aware(secret.create_time) > UNPROVEN else ""


def _stamped(annotations: Annotations) -> tuple[str, Token | None]:
    """Return the stamp, and what it says of which version."""
    stamp, _, told = annotations.get(STAMP, "").partition("@")
    return stamp, read_token(told)


def _stamp(secret: Secret, version: SecretVersion) -> str:
    stamp, told = _stamped(secret.annotations)
    token = token_of(version)
    if told == token:
        return stamp
    age = aware(version.create_time) - aware(secret.create_time)
    return stamp if told == _FIRST and token.number == 1 and age <= FIRST_WRITE else ""


def _spoken_of(annotations: Annotations) -> int:
    _, token = _stamped(annotations)
    return token.number if token else 0


def _without(annotations: Annotations, *keys: str) -> dict[str, str]:
    return {key: text for key, text in annotations.items() if key not in keys}
