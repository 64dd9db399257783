"""Periods such as 90d, and ages in words. Pure."""

import re
from typing import Final

from tailorsecrets.errors import ConfigError

_HOUR: Final = 3600
_DAY: Final = 24 * _HOUR
_UNITS: Final = {"h": _HOUR, "d": _DAY, "w": 7 * _DAY}
JUST_NOW: Final = "just now"
_AGES: Final = ((365 * _DAY, 2, "year"), (_DAY, 2, "day"), (_HOUR, 1, "hour"), (60, 1, "minute"))


def seconds_in(period: str) -> int:
    """Return the seconds of a *period* in hours, days or weeks: 12h, 90d, 4w. Raise ConfigError for anything else."""
    found = re.fullmatch(r"([1-9][0-9]{0,5})([hdw])", period, re.ASCII)
    if not found:
        raise ConfigError(f"{period!r}: expected a period such as 12h, 90d or 4w")
    return int(found[1]) * _UNITS[found[2]]


def age_in_words(seconds: float) -> str:
    """Return *seconds* in the largest unit that is not coarse: minutes, hours, from two days on days, then years."""
    for length, least, unit in _AGES:
        count = int(seconds // length)
        if count >= least:
            return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
    return JUST_NOW
