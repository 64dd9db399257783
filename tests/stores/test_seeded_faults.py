"""The conformance suite catches each fault that is seeded in a right driver, and passes on the right ones."""

from collections.abc import Iterator

import pytest

from tailorsecrets.testing.backdoor import Backdoor
from tailorsecrets.testing.conformance import Connect
from tests.support.seeded.fault import Fault
from tests.support.seeded.poor_faults import POOR_FAULTS
from tests.support.seeded.rich_faults import RICH_FAULTS
from tests.support.seeded_faults import PoorSuite, RichSuite, Subject, is_caught, names_of_tests, subjects

FAULTS = [("rich", fault) for fault in RICH_FAULTS] + [("poor", fault) for fault in POOR_FAULTS]


@pytest.fixture(scope="module")
def found() -> Iterator[dict[str, Subject]]:
    """Return the two drivers by name."""
    with subjects() as all_of_them:
        yield {subject.name: subject for subject in all_of_them}


def test_there_are_a_hundred() -> None:
    """There are at least a hundred different faults, each for a test that its suite has."""
    assert len({(name, fault.what) for name, fault in FAULTS}) == len(FAULTS)
    assert len(FAULTS) >= 100
    known = {"rich": names_of_tests(RichSuite), "poor": names_of_tests(PoorSuite)}
    assert [fault.what for name, fault in FAULTS if fault.test not in known[name]] == []


@pytest.mark.forks
@pytest.mark.parametrize(("name", "fault"), FAULTS, ids=[f"{name}: {fault.what}" for name, fault in FAULTS])
def test_fault_is_caught(found: dict[str, Subject], name: str, fault: Fault) -> None:
    """The test that is for it fails."""
    assert is_caught(found[name], fault, fault.test)


class OnTheRightDriver:
    """The fixtures of a suite on a right driver."""

    name = ""

    @pytest.fixture
    def opened(self, found: dict[str, Subject]) -> tuple[Connect, Backdoor]:
        """Return the right driver and the other tool."""
        return found[self.name].open(None)

    @pytest.fixture
    def connect(self, opened: tuple[Connect, Backdoor]) -> Connect:
        """Return what opens it."""
        return opened[0]

    @pytest.fixture
    def backdoor(self, opened: tuple[Connect, Backdoor]) -> Iterator[Backdoor]:
        """Return the other tool, and end its faults."""
        yield opened[1]
        opened[1].recover()


class TestRich(OnTheRightDriver, RichSuite):
    """The rich driver is right."""

    name = "rich"


class TestPoor(OnTheRightDriver, PoorSuite):
    """The poor driver is right."""

    name = "poor"
