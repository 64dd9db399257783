"""Tokens of versions. Pure.

Numbers begin at 1 again when a secret is deleted for good and created again. So a version's token is its number and,
to tell two such versions apart, the time when it was created.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from google.cloud.secretmanager_v1.types import SecretVersion

EPOCH: Final = datetime.fromtimestamp(0, UTC)

_TOKEN: Final = re.compile(r"([1-9][0-9]{0,17})(?:@([0-9]+))?")


class Token(NamedTuple):
    """The parts of a version's token; a read of a value returns the number alone."""

    number: int
    time: str = ""  # microseconds since 1970

    def __str__(self) -> str:
        return f"{self.number}@{self.time}" if self.time else str(self.number)


def number_of(resource: str) -> int:
    """Return the number at the end of the *resource* name of a version."""
    return int(resource.rpartition("/")[2])


def token_of(version: SecretVersion) -> Token:
    """Return the token of *version*."""
    since = aware(version.create_time) - EPOCH
    return Token(number_of(version.name), str(since // timedelta(microseconds=1)))


def read_token(text: str) -> Token | None:
    """Return the token that *text* spells, None for any other text."""
    found = _TOKEN.fullmatch(text)
    return Token(int(found[1]), found[2] or "") if found else None


def aware(moment: Any) -> datetime:
    """Return a message's time, which has its own class, as a plain datetime."""
    since: timedelta = moment - EPOCH
    return EPOCH + since
