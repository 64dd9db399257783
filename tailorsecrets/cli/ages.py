"""How long ago something was, in words."""

from typing import Final

_STEPS: Final = ((86_400 * 365, 2, "year"), (86_400, 2, "day"), (3_600, 1, "hour"), (60, 1, "minute"))


def age_in_words(seconds: float) -> str:
    """Return *seconds* in the largest unit that is not coarse: minutes, hours, from two days on days, then years."""
    for length, least, unit in _STEPS:
        count = int(seconds // length)
        if count >= least:
            return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
    return "just now"
