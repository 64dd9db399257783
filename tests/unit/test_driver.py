"""The parts of the seam that plugins call: their options, their late imports, and the time of an operation."""

from pathlib import Path

import pytest

from tailorsecrets.driver import REFUSED_SECONDS, Budget, Target, imported
from tailorsecrets.errors import ConfigError
from tailorsecrets.testing.clock import FakeClock


def target(base: str = ".", **options: str) -> Target:
    """Return a target with *options*."""
    return Target(url="demo:", scheme="demo", options=options, base=base)


def test_an_option_with_several_values() -> None:
    """Commas separate the values; an option that is not there has none."""
    assert target(regions="a,b").several("regions") == ("a", "b")
    assert target().several("regions") == ()


def test_an_option_with_pairs() -> None:
    """The first = ends a key."""
    assert target(tags="team=payments,query=a=b").pairs("tags", most=2) == {"team": "payments", "query": "a=b"}
    assert target().pairs("tags", most=2) == {}


@pytest.mark.parametrize("text", ["a=1,b=2,c=3", "a=1,a=2"])
def test_pairs_that_cannot_be(text: str) -> None:
    """Too many of them, or one key twice, are an error that names the option and the limit."""
    with pytest.raises(ConfigError, match=f"tags={text}: expected up to 2 tags, each key once"):
        target(tags=text).pairs("tags", most=2)


def test_an_option_that_names_a_file(tmp_path: Path) -> None:
    """The path begins at the base of the target; a file that is not there is an error."""
    (tmp_path / "ca.pem").touch()
    named = target(str(tmp_path), ca="ca.pem", other="none.pem", folder=str(tmp_path))
    assert (named.file("ca"), named.file("none")) == (str(tmp_path / "ca.pem"), "")
    for option in ("other", "folder"):
        with pytest.raises(ConfigError, match=f"{option}=.*: the file does not exist"):
            named.file(option)


def test_a_late_import() -> None:
    """The module is imported when the function is called, and gets what the caller gives."""
    assert imported("fractions:Fraction")(1, 2) == imported("fractions:Fraction")("0.5")
    late = imported("no_such_module:open")
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        late(target())


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
