"""The clock of a server, from the Date headers of its answers."""

from email.utils import formatdate

import pytest

from tailorsecrets.driver import ServerClock


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Set this machine's clock to the number in a list."""
    times = [1_800_000_000.25]
    monkeypatch.setattr("tailorsecrets.kit.server_clock.time.time", lambda: times[0])
    return times


def date(seconds: float) -> str:
    """Return a Date header."""
    return formatdate(seconds, usegmt=True)


def test_nothing_is_known_at_first(now: list[float]) -> None:
    """Without an answer the difference is unknown, and this machine's time is taken."""
    clock = ServerClock()
    assert (clock.ahead, clock.now()) == (None, now[0])


def test_clocks_that_agree(now: list[float]) -> None:
    """A difference within a second is none: a header has whole seconds."""
    clock = ServerClock()
    clock.hear(date(now[0]))
    assert clock.ahead == 0.0


@pytest.mark.parametrize("difference", [-900.0, 600.0])
def test_clocks_that_differ(now: list[float], difference: float) -> None:
    """A server that is ahead or behind is known to a second, and its time is returned."""
    clock = ServerClock()
    clock.hear(date(now[0] + difference))
    assert clock.ahead == pytest.approx(difference, abs=1)
    assert clock.now() == pytest.approx(now[0] + difference, abs=1)


def test_a_clock_that_is_set_right(now: list[float]) -> None:
    """A later answer corrects the difference; within a second of it, it stays."""
    clock = ServerClock()
    clock.hear(date(now[0] + 600))
    first = clock.ahead
    now[0] += 10
    clock.hear(date(now[0] + 600))
    assert clock.ahead == first
    now[0] += 700
    clock.hear(date(now[0]))
    assert clock.ahead == pytest.approx(0, abs=1)


@pytest.mark.parametrize("text", ["", "yesterday", "Fri, 99 Nov 2026 13:10:53 GMT"])
def test_no_date(now: list[float], text: str) -> None:
    """A header that is missing or no date changes nothing."""
    clock = ServerClock()
    clock.hear(text)
    assert clock.ahead is None
