"""Periods such as 90d, and ages in words. Pure."""

import re
from typing import Final

from tailorsecrets.errors import ConfigError

_HOUR: Final = 3600
_DAY: Final = 24 * _HOUR
_UNITS: Final = {"h": _HOUR, "d": _DAY, "w": 7 * _DAY}


def seconds_in(period: str) -> int:
    """Return the seconds of a *period* in hours, days or weeks: 12h, 90d, 4w. Raise ConfigError for anything else."""
    found = re.fullmatch(r"([1-9][0-9]{0,5})([hdw])", period, re.ASCII)
    if not found:
        raise ConfigError(f"{period!r}: expected a period such as 12h, 90d or 4w")
    return int(found[1]) * _UNITS[found[2]]


def days_or_hours(seconds: float) -> str:
    """Return *seconds* in days from two days on, else in hours."""
    count, unit = (seconds // _DAY, "day") if seconds >= 2 * _DAY else (seconds // _HOUR, "hour")
    return f"{count:.0f} {unit}" if count == 1 else f"{count:.0f} {unit}s"
