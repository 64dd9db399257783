"""Configs for tests of apply."""

import pytest

from tests.support.shell import Shell

OTHERS = "0192f0c1-2345-7abc-8def-000000000002"


def many(count: int) -> str:
    """Return the text of a config's vaults with *count* secrets in one."""
    return str({"bulk-keys": {f"key-{number:03}": "x" for number in range(count)}})


@pytest.fixture
def mixed(empty: Shell) -> Shell:
    """Return a command line whose config has a case for every row of the plan's tables."""
    empty("init")
    empty.declare('{"gone-vault": {"old-key": "x"}, "own-vault": {"old-key": "x", "new-value": "x", "same-key": "x"}}')
    assert empty("apply").code == 0
    for vault in ("free-vault", "their-vault"):
        empty("secret", "vault", "create", vault)
        empty("secret", "create", "-V", vault, "-n", "by-hand", "--value-stdin", stdin=b"x")
    empty.declare('{"their-vault": {}}', name="other-app", identity=OTHERS)
    empty("secret", "vault", "adopt", "their-vault")
    empty.declare(
        '{"new-vault": {"new-key": "x"}, "own-vault": {"new-value": "y", "same-key": "x", "no-value": None},'
        ' "free-vault": {}, "their-vault": {}}',
        options=", ignore_nullish_values=True",
    )
    return empty
