"""The rules of the cache, without clock or store."""

from math import inf, nan

import pytest

from tailorsecrets.errors import ConfigError, Unavailable
from tailorsecrets.runtime.freshness import CacheEntry, after_failure, can_stand_in, decide, with_expiry
from tailorsecrets.targets.cache_settings import DEFAULTS, CacheSettings

VALUE = CacheEntry("value", "v1", missing=False)
FRESH = with_expiry(VALUE, 0.0, DEFAULTS, jitter=0.0)
MISSING = with_expiry(CacheEntry(), 0.0, DEFAULTS, jitter=0.0)
ERROR = Unavailable()


@pytest.mark.parametrize(
    ("entry", "age", "expected"),
    [
        (None, 0, "fetch"),
        (FRESH, 0, "answer"),
        (FRESH, 299.9, "answer"),
        (FRESH, 300, "refresh"),
        (FRESH, 599.9, "refresh"),
        (FRESH, 600, "fetch"),
        (MISSING, 4.9, "answer"),
        (MISSING, 5, "fetch"),
        (CacheEntry(), 0, "fetch"),
    ],
)
def test_decision_by_age(entry: CacheEntry | None, age: float, expected: str) -> None:
    """A value is answered for the ttl, refreshed in the grace, then asked for; a missing one is never stale."""
    assert expected == decide(entry, age, -inf, DEFAULTS)


def test_nobody_waits_again_for_a_store_that_has_failed() -> None:
    """Past the grace, a value is stale after a failure or a time-out, up to max_stale and for readers of any age."""
    failing = after_failure(FRESH, ERROR, 400.0, DEFAULTS)
    assert [decide(failing, age, -inf, DEFAULTS) for age in (299, 599, 600, 3599, 3600)] == [
        "answer",
        "refresh",
        "stale",
        "stale",
        "fetch",
    ]
    assert decide(FRESH, 600, -inf, DEFAULTS, overdue=True) == "stale"
    assert decide(failing, 600, 0.0, DEFAULTS) == "fetch"
    assert decide(after_failure(MISSING, ERROR, 4.0, DEFAULTS), 6, -inf, DEFAULTS) == "fetch"


def test_a_value_that_is_too_old_for_the_reader_is_asked_for() -> None:
    """A reader that wants a value read after some moment does not accept an older one, however fresh it is."""
    assert decide(FRESH, 10.0, -0.1, DEFAULTS) == "answer"
    assert decide(FRESH, 10.0, 0.0, DEFAULTS) == "fetch"


def test_jitter_shortens_the_ttl_by_a_tenth_at_most() -> None:
    """Jitter takes up to 10 % off the ttl, and nothing off the time for which a missing secret is missing."""
    assert [with_expiry(VALUE, 0.0, DEFAULTS, jitter).until for jitter in (0.0, 0.5, 1.0)] == [300.0, 285.0, 270.0]
    assert with_expiry(CacheEntry(), 0.0, DEFAULTS, jitter=1.0).until == 5.0


def test_pauses_after_failures_double_up_to_a_minute() -> None:
    """After each failure in a row the next attempt waits 1, 2, 4 … and at most 60 seconds."""
    entry, pauses = None, list[float]()
    for _ in range(9):
        entry = after_failure(entry, ERROR, 0.0, DEFAULTS)
        pauses.append(entry.retry_at)
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_failure_keeps_a_value_only_while_it_may_be_served() -> None:
    """A failed refresh leaves what may yet be served as it was; then nothing of it stays in memory."""
    kept = after_failure(FRESH, ERROR, 3599.0, DEFAULTS)
    assert (kept.value, kept.as_of, kept.until, kept.failures) == ("value", 0.0, 300.0, 1)
    dropped = after_failure(FRESH, ERROR, 3600.0, DEFAULTS)
    assert (dropped.value, dropped.failures, dropped.error) == (None, 1, ERROR)
    assert after_failure(FRESH, ERROR, 599.0, CacheSettings(max_stale=0)).value == "value"
    assert after_failure(MISSING, ERROR, 4.0, DEFAULTS).until == 5.0


def test_max_stale_bounds_what_stands_in() -> None:
    """An old value is used until max_stale; with 0 it is never used, and a missing secret is never used."""
    assert can_stand_in(FRESH, 3599.9, DEFAULTS)
    assert not can_stand_in(FRESH, 3600, DEFAULTS)
    assert not can_stand_in(FRESH, 0.0, CacheSettings(max_stale=0))
    assert not can_stand_in(MISSING, 0.0, DEFAULTS)


@pytest.mark.parametrize("wrong", [-1, nan, inf, "300", None, True])
@pytest.mark.parametrize("name", ["ttl", "grace", "max_stale", "negative", "timeout", "size"])
def test_settings_are_numbers(name: str, wrong: object) -> None:
    """A setting that is not a number from 0 is refused, and the error names it."""
    with pytest.raises(ConfigError, match=name):
        CacheSettings(**{name: wrong})  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [{"size": 0}, {"size": 1.5}, {"timeout": 0}])
def test_a_cache_holds_something_and_waits(wrong: dict[str, float]) -> None:
    """There is room for one name at least, and a reader waits for some time."""
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        CacheSettings(**wrong)  # type: ignore[arg-type]
