"""What an author sees of the suite: wrong declarations in a sentence, and a report of what ran and what did not."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import pytest

from tailorsecrets.driver import Caps
from tailorsecrets.testing.backdoor import ABILITIES, Backdoor
from tailorsecrets.testing.conformance import Conformance, Connect
from tailorsecrets.testing.conformance.declarations import missing_fixtures, problems_of
from tailorsecrets.testing.conformance.reading import Reading
from tailorsecrets.testing.conformance.report import facts_of, lines
from tailorsecrets.testing.conformance.suite import all_tests


class Right(Conformance):
    """A suite whose declarations are right."""

    cannot = ABILITIES
    switched_off: ClassVar = {"test_close_twice": "this store closes once"}

    @pytest.fixture
    def connect(self) -> Connect:
        """Return nothing of use."""
        raise NotImplementedError

    @pytest.fixture
    def backdoor(self) -> Backdoor:
        """Return nothing of use."""
        raise NotImplementedError


@pytest.mark.parametrize(
    ("declared", "problem"),
    [
        (
            {"cannot": frozenset({"dney"})},
            "cannot names 'dney', which is not an ability of a backdoor; did you mean 'deny'?",
        ),
        ({"cannot": "deny"}, "cannot is a str, expected a frozenset of abilities"),
        ({"sdk": ("hvac",)}, "sdk is declared without `module`, the plugin that must not import it"),
        ({"sdk": "hvac", "module": "x"}, "sdk is the text 'hvac', expected a tuple of modules"),
        ({"cost": {"gett": 1}}, "cost names 'gett', which is not a method with a cost; did you mean 'get'?"),
        ({"cost": {"stat": 1}}, "cost names stat, which `caps` does not announce"),
        ({"sdk_exceptions": (OSError,)}, "sdk_exceptions has the class OSError, expected an exception: OSError(...)"),
        ({"sdk_exceptions": ("x",)}, "sdk_exceptions has a str, expected exceptions"),
        ({"test_close_twice": None}, "test_close_twice is None: name it in `switched_off`, with the reason"),
        (
            {"switched_off": {"test_clos_twice": "x"}},
            "switched_off names 'test_clos_twice', which is not a test; did you mean",
        ),
        (
            {"switched_off": {"test_close_twice": " "}},
            "switched_off has no reason for test_close_twice: say in words why",
        ),
        ({"switched_off": {"test_close_twice"}}, "switched_off is a set, expected a mapping from tests to reasons"),
        ({"caps": {"writes": True}}, "caps is a dict, expected Caps(...)"),
        ({"prefix": "mount"}, "prefix is 'mount', expected the joiner '/' at its end"),
        ({"many": -1}, "many is -1, expected a number of secrets"),
        ({"timeout": 0}, "timeout is 0, expected the seconds of a read"),
        ({"urls": "mine:"}, "urls is a str, expected a tuple of store URLs"),
    ],
    ids=str,
)
def test_wrong_declarations(declared: dict[str, Any], problem: str) -> None:
    """Each wrong declaration is one sentence, which names the suite."""
    assert problems_of(Right) == []
    (found,) = problems_of(type("Wrong", (Right,), declared))
    assert found.startswith(f"Wrong.{problem}")


def test_missing_fixtures() -> None:
    """Both fixtures are needed."""
    problems = missing_fixtures(type("Wrong", (Conformance,), {"cannot": ABILITIES}))
    assert problems == [f"Wrong.{name} is missing: write a fixture of that name" for name in ("connect", "backdoor")]


def test_switched_off_tests_are_reported() -> None:
    """The report has what is declared, what ran, and each test that was left out under its reason."""
    suite = type("Few", (Right,), {"caps": Caps(writes=True, lists=True)})
    first, *told = lines(
        "test_x.py::Few", facts_of(suite), {"passed": 3, "failed": 1}, {"test_pages": "no pages"}, brief=False
    )
    out = [name for name in all_tests(suite) if getattr(suite, name) is None]
    assert first == f"test_x.py::Few: 3 passed, 1 failed, {len(out) + 1} left out"
    assert told[:2] == ["  the driver declares: writes=True, lists=True", "  the backdoor can: write and read"]
    assert "  left out, switched off: this store closes once: close_twice" in told
    assert "  left out, no pages: pages" in told
    assert all(any(name.removeprefix("test_") in line for line in told) for name in out)
    assert len(list(lines("x", facts_of(suite), {}, MappingProxyType({}), brief=True))) == 1


SUITE = """
import pytest
from tailorsecrets.testing.backdoor import ABILITIES
from tailorsecrets.testing.conformance import Conformance
from tailorsecrets.testing.memory import Memory
from tailorsecrets.driver import Caps

class {name}(Conformance):
    caps = Caps()
    cannot = {cannot}
    @pytest.fixture
    def store(self):
        return Memory(caps=Caps())
    @pytest.fixture
    def connect(self, store):
        return lambda: store
    @pytest.fixture
    def backdoor(self, store):
        return store.backdoor
"""


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., str]:
    """Return a function that runs pytest on a suite, and returns its output."""

    def pytest_on(text: str, *options: str) -> str:
        (tmp_path / "test_mine.py").write_text(text)
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options, "test_mine.py"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False).stdout

    return pytest_on


def test_a_wrong_declaration_stops_the_collection(run: Callable[..., str]) -> None:
    """Pytest shows the sentence, and no line of our code."""
    output = run(SUITE.format(name="TestMine", cannot="{'dney'}"))
    assert "TestMine.cannot names 'dney', which is not an ability of a backdoor; did you mean 'deny'?" in output
    assert "Traceback" not in output
    assert "conformance/" not in output


def test_a_group_alone(run: Callable[..., str]) -> None:
    """The word of a group finds its tests and no other, such as one with the same word in its name."""
    output = run(SUITE.format(name="TestMine", cannot="frozenset()"), "-k", "group_read", "--collect-only", "-q")
    found = {line.rpartition("::")[2].partition("[")[0] for line in output.splitlines() if "::test_" in line}
    assert "test_missing_is_not_found" in found
    assert found <= set(all_tests(Reading))


def test_a_group_and_its_report(run: Callable[..., str]) -> None:
    """``-k`` finds a group alone; the report comes from the workers of pytest-xdist too."""
    output = run(SUITE.format(name="TestMine", cannot="frozenset()"), "-k", "group_fail", "-n", "1")
    assert "test_mine.py::TestMine: 8 passed, " in output
    assert "left out, the driver declares no writes:" in output
