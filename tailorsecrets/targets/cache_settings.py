"""The settings of the run-time cache, which a profile or ``configure`` sets."""

from dataclasses import dataclass, fields
from sys import float_info
from typing import Final

from tailorsecrets.errors import ConfigError


def is_number(value: object) -> bool:
    """Tell whether *value* is a finite number, 0 or more."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= float_info.max


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheSettings:
    """How long values are held; all but ``size`` in seconds."""

    ttl: float = 300.0  # a younger value is returned without a read; up to 10 % jitter is taken off
    grace: float = 300.0  # for this long after the ttl, a value is returned and refreshed in the background
    max_stale: float = 3600.0  # up to this age, the last value is returned if the store does not answer; 0: never
    negative: float = 5.0  # a missing secret counts as missing for this long
    timeout: float = 15.0  # the longest that a reader waits for the store
    size: int = 10_000  # names held at most; the one that was read longest ago is dropped first

    def __post_init__(self) -> None:
        wrong = [f.name for f in fields(self) if not is_number(getattr(self, f.name))]
        if wrong:
            raise ConfigError(f"{', '.join(wrong)} must be a number, 0 or more")
        if self.size < 1 or self.size % 1 or self.timeout == 0:
            raise ConfigError("size must be a whole number of at least 1, and timeout must be over 0")


DEFAULTS: Final = CacheSettings()
KEYS: Final = frozenset(f.name for f in fields(CacheSettings))
