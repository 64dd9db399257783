"""The examples run, and are what type checkers accept."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.mypy import MYPY

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_the_walk() -> None:
    """``make demo`` does the main job from end to end."""
    done = subprocess.run(
        [sys.executable, EXAMPLES / "shop" / "walk.py"], capture_output=True, text=True, check=True, timeout=120
    )
    for line in (
        "applied: 7 created, 0 updated, 0 deleted",
        "order 1001 signed: ",
        "nothing to do: the store matches the config",
        "shop no longer manages the vault api-keys",
        "Take these vaults over? [y/N]: y",
        "applied: 0 created, 2 updated, 0 deleted",
        "applied: 0 created, 0 updated, 1 deleted",
        "removed: 0 created, 0 updated, 6 deleted",
        "workspace default has no vaults",
    ):
        assert line in done.stdout
    assert "sk_live" not in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize(
    "folder", sorted(path.parent for path in EXAMPLES.rglob("tailor_config.py")), ids=lambda p: p.name
)
@pytest.mark.type_checker
def test_types(folder: Path) -> None:
    """Mypy --strict accepts each example in its own folder."""
    done = subprocess.run([*MYPY, "."], cwd=folder, capture_output=True, text=True, check=False)
    assert done.stdout + done.stderr == ""
