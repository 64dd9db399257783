"""The conformance suite's own rules: which tests a declaration calls for, and that a false one is found out."""

import inspect
from dataclasses import replace
from typing import Any

import pytest

from tailorsecrets.driver import Caps, Driver
from tailorsecrets.testing.backdoor import ABILITIES, Backdoor
from tailorsecrets.testing.conformance import Conformance
from tailorsecrets.testing.conformance.suite import all_tests
from tailorsecrets.testing.memory import FULL, Memory


class ReadsOnly(Conformance):
    """A store that reads one name, seen by a backdoor that can do nothing special."""

    cannot = ABILITIES


class AllButVersions(ReadsOnly):
    """The same store with more capabilities and abilities, as a subclass declares them."""

    caps = replace(FULL, versions=False)
    cannot = frozenset({"deny"})


class OwnWords(ReadsOnly):
    """A suite whose author has replaced a test and written another."""

    def test_missing_is_not_found(self, driver: Driver, vault: str) -> None:
        """This store has a reason."""

    def test_something_more(self) -> None:
        """The author's own."""


class Blunt(Backdoor):
    """Another tool with no special ability."""

    def write(self, name: str, text: str) -> None:
        """Write nothing."""

    def read(self, name: str) -> str:
        """Read nothing."""
        return ""


def collected(suite: type[Conformance]) -> set[str]:
    """Return the names of the tests that pytest finds in *suite*."""
    return {name for name in all_tests(suite) if getattr(suite, name) is not None}


def test_declarations_choose_the_tests() -> None:
    """A test of what is not declared is not there, and comes back where a subclass declares it."""
    assert "test_present_never_creates" not in collected(ReadsOnly)
    assert {"test_missing_is_not_found", "test_close_twice"} <= collected(ReadsOnly)
    assert "test_present_never_creates" in collected(AllButVersions)
    assert not {"test_versions_newest_first", "test_denied_is_not_missing"} & collected(AllButVersions)


def test_author_may_replace_a_test() -> None:
    """What the author's class defines is what runs."""
    assert OwnWords.test_missing_is_not_found is vars(OwnWords)["test_missing_is_not_found"]
    assert collected(OwnWords) == collected(ReadsOnly) | {"test_something_more"}


def test_denied_ability_that_is_there_is_found_out() -> None:
    """An ability that the backdoor has and ``cannot`` denies is a failure, and so is one that it lacks."""
    suite, memory = AllButVersions(), Memory(caps=AllButVersions.caps)
    for backdoor in (memory.backdoor, Blunt()):
        with pytest.raises(AssertionError):
            suite.test_declarations_are_true(memory, backdoor)
    ReadsOnly().test_declarations_are_true(Memory(caps=Caps()), Blunt())


@pytest.mark.parametrize("ability", sorted(ABILITIES))
def test_ability_is_a_method_of_the_backdoor(ability: str) -> None:
    """Every ability that can be named is one that a backdoor can have, and has not by itself."""
    method = getattr(Blunt(), ability)
    arguments: dict[str, Any] = dict.fromkeys(inspect.signature(method).parameters)
    with pytest.raises(NotImplementedError):
        method(**arguments)


def test_every_test_states_a_fact() -> None:
    """Each test has a docstring of one sentence, which an author reads when it fails."""
    for name, test in all_tests(Conformance).items():
        assert (test.__doc__ or "").strip().endswith("."), name
