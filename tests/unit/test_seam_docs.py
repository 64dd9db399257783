"""What authors of plugins read: every field and declaration has its line, and the contract has every promise."""

from typing import get_type_hints

import pytest

from tailorsecrets import driver
from tailorsecrets.testing.backdoor import ABILITIES, Backdoor
from tailorsecrets.testing.conformance import Conformance
from tailorsecrets.testing.conformance.suite import Suite
from tests.support.contract import PAGE, PROMISES, promises


@pytest.mark.parametrize(
    "kind", [driver.Caps, driver.Entry, driver.Target, driver.Option, driver.StoreType, driver.VaultNames]
)
def test_each_field_is_documented(kind: type) -> None:
    """The docstring, which ``help`` shows, has a line for each field."""
    assert [name for name in get_type_hints(kind) if f"- `{name}`: " not in (kind.__doc__ or "")] == []


def test_each_declaration_is_documented() -> None:
    """``help(Conformance)`` has a line for each declaration."""
    declared = [name for name in vars(Suite)["__annotations__"] if name != "silenced"]
    assert [name for name in declared if f"- `{name}`: " not in (Conformance.__doc__ or "")] == []


def test_each_ability_is_documented() -> None:
    """Each ability of a backdoor has a docstring, which ``help(Backdoor)`` shows."""
    assert [name for name in ABILITIES if not getattr(Backdoor, name).__doc__] == []


def test_the_contract_has_each_promise() -> None:
    """The page that a failing test names has the line of that test; ``python -m tests.support.contract`` writes it."""
    assert PAGE.read_text().partition(PROMISES)[2].strip() == promises().strip()
