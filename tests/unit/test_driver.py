"""The parts of the seam that plugins call: the time of an operation."""

import pytest

from tailorsecrets.driver import REFUSED_SECONDS, Budget
from tailorsecrets.testing.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    """Return a clock at 0 seconds."""
    return FakeClock(0.0)


@pytest.fixture
def budget(clock: FakeClock) -> Budget:
    """Return a budget of ten seconds, without jitter."""
    return Budget(10, clock=clock, sleep=clock.sleep, jitter=lambda: 1.0)


def test_a_refused_connection_is_repeated_for_a_while(clock: FakeClock, budget: Budget) -> None:
    """The repeats end two seconds after the first refusal, and not with the budget."""
    clock.sleep(5)
    while budget.wait(refused=True):
        pass
    assert 1 < clock() - 5 < REFUSED_SECONDS
    assert budget.left > 10 - 5 - REFUSED_SECONDS


def test_another_answer_ends_the_refusals(clock: FakeClock, budget: Budget) -> None:
    """A server that answers in between has started; if it refuses again, two seconds begin anew."""
    while budget.wait(refused=True):
        pass
    assert budget.wait(7)
    assert budget.wait(refused=True)


def test_refusals_end_with_the_budget(clock: FakeClock, budget: Budget) -> None:
    """They add no time to it."""
    clock.sleep(9.95)
    assert not budget.wait(refused=True)
