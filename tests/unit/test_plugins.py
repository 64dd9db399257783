"""Finding plugins: ours and those of other distributions, broken ones too."""

import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tailorsecrets.driver import Driver, Target
from tailorsecrets.errors import ConfigError
from tailorsecrets.targets import plugins
from tailorsecrets.targets.installed import GROUP
from tailorsecrets.targets.opening import open_store
from tailorsecrets.targets.plugins import OWN, Listed, listed, store_type
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
ALL = "tailorsecrets plugin list shows every plugin and its problems"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give a folder of installed distributions, in which there are none yet; their modules are forgotten afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


def schemes(text: str, *names: str) -> str:
    """Return the plugin *text* with the schemes *names*."""
    hook = (
        "def tailorsecrets_stores():\n    return [StoreType(scheme=s, open=lambda target: Constant()) for s in {!r}]\n"
    )
    return f"{text}\n{hook.format(names)}"


def refusal(url: str) -> str:
    """Return the one line that says why *url* cannot be opened."""
    with pytest.raises(ConfigError) as caught:
        open_store(url)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_third_party_plugin_beside_broken_ones(tmp_path: Path) -> None:
    """A plugin of another distribution opens its scheme in a new process; broken ones do not hurt its users."""
    install(tmp_path, "constant_store", GOOD)
    install(tmp_path, "broken_import", "raise RuntimeError('broken')")
    install(tmp_path, "leaves_at_once", "raise SystemExit('broken')")
    install(tmp_path, "broken_hook", "def tailorsecrets_stores():\n    raise RuntimeError('broken')\n")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\nfrom tailorsecrets import open_store\n"
    code += "print(open_store('constant:').get('abc', 'def'), open_store('CONSTANT:').get('abc', 'def'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("default/abc/def default/abc/def\n", "")


def test_broken_plugins_are_named_to_who_may_miss_them(site: Path) -> None:
    """An unknown scheme names the plugins that cannot be used, without the reasons, and the command that shows them."""
    install(site, "constant_store", GOOD)
    install(site, "broken_import", "raise RuntimeError('broken')")
    with pytest.raises(ConfigError) as caught:
        open_store("missing:")
    assert str(caught.value) == (
        "no store plugin opens missing: URLs; these plugins cannot be used: broken_import (RuntimeError)"
    )
    assert caught.value.hint == f"known: aws:, azure:, constant:, file:, gcp:, vault:, vault+http:; {ALL}"


def test_a_plugin_for_a_newer_core(site: Path) -> None:
    """A plugin that needs a newer core says so."""
    install(site, "newer_store", NEWER)
    assert refusal("newer:") == "newer: URLs: the plugin newer_store 1.0 cannot be used: it needs a newer tailorsecrets"


BROKEN = {
    "hookless": ("x = 1", "hookless has no function tailorsecrets_stores()"),
    "constant": ("tailorsecrets_stores = 1", "tailorsecrets_stores in constant is not a function"),
    "nothing": (
        "def tailorsecrets_stores():\n    pass",
        "tailorsecrets_stores() in nothing must return a list of StoreType",
    ),
    "other": ("def tailorsecrets_stores():\n    return ['x']", "tailorsecrets_stores() must return StoreType, got str"),
    "importing": ("import nobody_has_this", "ModuleNotFoundError: No module named 'nobody_has_this'"),
    "raising": ("key = 'sk_live'\nraise ValueError(key)", "ValueError at {site}/raising.py:2"),
    "leaving": ("import sys\nsys.exit(3)", "SystemExit at {site}/leaving.py:2"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_plugin_names_its_distribution(site: Path, name: str) -> None:
    """A URL of a plugin that does not load gets the reason in one line; URLs of other schemes open."""
    text, problem = BROKEN[name]
    install(site, name, text)
    install(site, "constant_store", GOOD.replace("constant", "good"))
    assert refusal(f"{name}:") == f"{name}: URLs: the plugin {name} 1.0 cannot be used: " + problem.format(site=site)
    assert open_store("good:").get("abc", "def") == "default/abc/def"
    assert [row.problem for row in listed() if row.problem] == [problem.format(site=site)]


def test_every_entry_point_of_a_broken_module_is_reported(site: Path) -> None:
    """A module behind two entry points that does not load is the problem of both."""
    install(site, "two_schemes", "import nobody_has_this", "one", "two")
    assert all("the plugin two_schemes 1.0 cannot be used" in refusal(f"{scheme}:") for scheme in ("one", "two"))


def test_one_module_behind_two_entry_points(site: Path) -> None:
    """A module may have two entry points, as our own for Vault does."""
    install(site, "two_schemes", schemes(GOOD, "one", "two"), "one", "two")
    assert [store_type(scheme).scheme for scheme in ("one", "two")] == ["one", "two"]


def test_two_plugins_with_one_scheme(site: Path) -> None:
    """A scheme that two distributions open is refused, names both, and hurts no other scheme of theirs."""
    install(site, "first_store", schemes(GOOD, "both", "first"), "both")
    install(site, "second_store", schemes(GOOD, "both"), "both")
    assert refusal("both:") == "2 plugins open both: URLs: first_store 1.0 and second_store 1.0"
    assert open_store("first:").get("abc", "def") == "default/abc/def"
    problems = {(row.distribution, row.scheme): row.problem for row in listed() if row.scheme not in OWN}
    assert problems == {
        ("first_store", "both"): "second_store 1.0 opens both: URLs too",
        ("first_store", "first"): "",
        ("second_store", "both"): "first_store 1.0 opens both: URLs too",
    }


@pytest.mark.parametrize("scheme", ["My_Store", "Mystore", "1st", ""])
def test_a_bad_scheme(site: Path, scheme: str) -> None:
    """A scheme that no URL can have is reported when such a URL is used, and in the list."""
    install(site, "bad_scheme", schemes(GOOD, scheme, "good"))
    problem = f"the scheme {scheme!r} is not valid: expected lower-case letters, digits, '+', '-' and '.'"
    assert f"the plugin bad_scheme 1.0 cannot be used: {problem}" in refusal(f"{scheme}:x")
    assert store_type("good").scheme == "good"
    assert any(row.problem.startswith(problem) for row in listed())


def test_our_own_schemes_are_ours(site: Path) -> None:
    """A plugin for a scheme of ours is never opened, and the list says so."""
    install(site, "another_aws", schemes(GOOD, "aws"))
    assert store_type("aws").extra == "aws"
    assert [row.problem for row in listed() if row.distribution == "another_aws"] == [
        "tailorsecrets itself opens aws: URLs"
    ]


def test_the_list_has_our_own_plugins() -> None:
    """The list has each scheme of ours, with the file of its module."""
    ours = {row.scheme: row for row in listed() if row.distribution == "tailorsecrets"}
    assert ours.keys() == OWN.keys()
    assert all(Path(row.location).is_file() and not row.problem for row in ours.values())
    assert isinstance(ours["aws"], Listed)


@pytest.mark.parametrize(
    ("extra", "hint"), [("needy", "pip install 'needy_store[needy]'"), ("", "pip install needy_store")]
)
def test_a_missing_sdk(site: Path, extra: str, hint: str) -> None:
    """A plugin whose SDK is not installed says what to install: its own distribution, in its extra if it has one."""
    install(site, "needy_store", NEEDY.replace('extra="needy"', f"extra={extra!r}"))
    with pytest.raises(ConfigError, match="needy: store needs an_sdk_that_nobody_has, which is not install") as caught:
        open_store("needy:")
    assert caught.value.hint == hint


def test_an_sdk_of_another_version(site: Path) -> None:
    """An SDK that is installed and lacks a name is not called missing."""
    install(site, "needy_store", NEEDY.replace("import an_sdk_that_nobody_has", "from json import nothing_like_it"))
    assert "cannot be opened: cannot import name 'nothing_like_it' from 'json'" in refusal("needy:")


def test_a_missing_sdk_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own plugins name the extra of tailorsecrets."""

    def opened(target: Target) -> Driver:
        import an_sdk_that_nobody_has  # type: ignore[import-not-found]  # noqa: F401  # pyright: ignore[reportMissingImports, reportUnusedImport]

        raise AssertionError(target)

    ours = store_type("aws")
    monkeypatch.setattr(plugins, "_of_scheme", lambda *_: type(ours)(scheme="aws", open=opened, extra="aws"))
    with pytest.raises(ConfigError) as caught:
        open_store("aws:")
    assert caught.value.hint == "pip install 'tailorsecrets[aws]'"


def test_the_table_is_our_entry_points() -> None:
    """The table of our own schemes says the same as the package's entry points."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"][GROUP] == OWN
