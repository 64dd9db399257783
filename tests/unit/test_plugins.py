"""Finding plugins: ours and those of other distributions, broken ones too."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tailorsecrets.targets.plugins import GROUP, OWN
from tests.support.distributions import install

ROOT = Path(__file__).parents[2]
GOOD = """
from tailorsecrets.driver import Caps, Driver, Entry, Problem, StoreType, Stored
from tailorsecrets.errors import NotFound
from tailorsecrets.secret import Secret

class Constant(Driver):
    def get(self, name, version=""):
        return Stored(Secret(name), Entry(name=name))
    def explain(self, exc, op):
        return Problem(NotFound)

def tailorsecrets_stores():
    return [StoreType(scheme="constant", open=lambda target: Constant())]
"""
NEWER = GOOD.replace('scheme="constant"', 'scheme="newer", api=99')
NEEDY = GOOD.replace('scheme="constant", open=lambda target: Constant()', 'scheme="needy", open=sdk, extra="needy"')
NEEDY += "\ndef sdk(target):\n    import an_sdk_that_nobody_has\n"


def run(folder: Path, code: str) -> str:
    """Return what a new interpreter, with what is installed in *folder*, prints."""
    prologue = f"import sys; sys.path.insert(0, {str(folder)!r})\nfrom tailorsecrets import open_store\n"
    done = subprocess.run([sys.executable, "-c", prologue + code], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr.strip().rpartition("\n")[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with good, broken, newer and needy plugins installed."""
    install(tmp_path, "constant_store", GOOD)
    install(tmp_path, "broken_import", "raise RuntimeError('broken')")
    install(tmp_path, "broken_hook", "def tailorsecrets_stores():\n    raise RuntimeError('broken')\n")
    install(tmp_path, "newer_store", NEWER)
    install(tmp_path, "needy_store", NEEDY)
    return tmp_path


def test_a_third_party_plugin_beside_broken_ones(folder: Path) -> None:
    """A plugin of another distribution opens its scheme; broken ones do not hurt its users."""
    assert run(folder, "print(open_store('constant:').get('abc', 'def'))") == "default/abc/def\n"


def test_broken_plugins_are_named_to_who_may_miss_them(folder: Path) -> None:
    """An unknown scheme names the plugins that could not be loaded."""
    said = run(folder, "open_store('missing:')")
    assert "no store plugin opens missing:" in said
    assert "broken_hook (RuntimeError)" in said
    assert "broken_import (RuntimeError)" in said


def test_a_plugin_for_a_newer_core(folder: Path) -> None:
    """A plugin that needs a newer core says so."""
    assert "needs a newer tailorsecrets" in run(folder, "open_store('newer:')")


def test_a_missing_extra(folder: Path) -> None:
    """A plugin whose SDK is not installed says what to install."""
    code = "try: open_store('needy:')\nexcept Exception as error: print(error, error.hint)"
    said = run(folder, code)
    assert "needs an_sdk_that_nobody_has" in said
    assert "pip install 'tailorsecrets[needy]'" in said


def test_the_table_is_our_entry_points() -> None:
    """The table of our own schemes says the same as the package's entry points."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"][GROUP] == OWN
