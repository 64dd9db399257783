"""How the house is built: who imports whom, what is public, what an import costs."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path

import pytest
from click import Context

import tailorsecrets
import tailorsecrets.kit
import tailorsecrets.testing
from tailorsecrets.cli.root import root

ROOT = Path(__file__).parent.parent
REPOSITORY = "https://github.com/tailorsecrets/tailorsecrets"
ORDER = [
    "errors", "secret", "kit", "driver", "store", "targets", "declared", "references", "runtime", "config", "deploy",
    "doctor", "variables",
    "app", "integrations", "testing", "cli",
]  # fmt: skip
AT_THE_ROOT = {"__init__.py", "__main__.py", "driver.py", "errors.py", "py.typed", "secret.py"}
OF_COMMANDS = {*root.list_commands(Context(root)), "importing", "secret_read", "secret_write", "secret_undo", "vault"}
SEAM = {"driver", "errors", "kit", "secret"}


def imports(path: Path) -> Iterator[str]:
    """Yield the modules of tailorsecrets that the file *path* imports, at its top or inside."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "tailorsecrets":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("tailorsecrets."):
            yield node.module.split(".")[1]
        elif isinstance(node, ast.Import):
            yield from (alias.name.split(".")[1] for alias in node.names if alias.name.startswith("tailorsecrets."))


def room(path: Path) -> str:
    """Return the module of the core that the file *path* belongs to."""
    return path.relative_to(ROOT / "tailorsecrets").parts[0].removesuffix(".py")


CORE = [path for path in sorted((ROOT / "tailorsecrets").rglob("*.py")) if not room(path).startswith("__")]


@pytest.mark.parametrize("path", CORE, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path: Path) -> None:
    """A room imports only the rooms above it."""
    above = ORDER[: ORDER.index(room(path)) + 1]
    assert [name for name in imports(path) if name in ORDER and name not in above] == []


MAP = (ROOT / "docs" / "architecture.md").read_text()
MAPPED = [name for name in ORDER if f"\n### {name}\n" in MAP]


@pytest.mark.parametrize("name", MAPPED)
def test_the_map_is_right(name: str) -> None:
    """Each table of the map names files that exist, and every file of the package; a command is in its own file."""
    folder = ROOT / "tailorsecrets" / name
    files = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    section = MAP.partition(f"\n### {name}\n")[2].partition("\n### ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    named = {word for row in rows for word in re.findall(r"`([a-z_]+)`", row)}
    assert (named - files, files - named - (OF_COMMANDS if name == "cli" else set())) == (set(), set())


def test_the_root_holds_the_seam_alone() -> None:
    """Everything else is in a room."""
    root = ROOT / "tailorsecrets"
    assert {path.name for path in root.iterdir() if path.is_file()} == AT_THE_ROOT
    assert {path.name for path in root.iterdir() if path.is_dir() and path.name != "__pycache__"} <= set(ORDER)


def module(path: Path) -> str:
    """Return the dotted name of the file *path*."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported(path: Path, known: AbstractSet[str]) -> set[str]:
    """Return the modules among *known* that the file *path* imports when it is loaded or when it runs."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= names if names <= known else {node.module, *names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found & known - {module(path)}


def test_no_imports_in_a_circle() -> None:
    """No module imports itself over others, also not inside functions or for types alone."""
    paths = {module(path): path for path in CORE}
    leads = {name: imported(path, paths.keys()) for name, path in paths.items()}
    while free := {name for name, others in leads.items() if not others & leads.keys()}:
        leads = {name: others for name, others in leads.items() if name not in free}
    assert leads == {}


@pytest.mark.parametrize("path", sorted((ROOT / "plugins").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_plugins_import_the_seam_alone(path: Path) -> None:
    """Our own plugins import nothing of the core but what a third party's may."""
    assert set(imports(path)) <= SEAM


TESTS = sorted((ROOT / "tests").rglob("*.py"))
TEST_ROOMS = ("tests.cli", "tests.product", "tests.stores", "tests.test_house", "tests.unit")


@pytest.mark.parametrize("path", TESTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_test_imports_another(path: Path) -> None:
    """Helpers and fixtures of several tests are in tests/support."""
    tests = {module(each) for each in TESTS if module(each).startswith(TEST_ROOMS)}
    assert imported(path, tests) == set()


def test_public_names() -> None:
    """What is public is sorted, and each name is there."""
    assert sorted(tailorsecrets.__all__) == tailorsecrets.__all__
    assert all(hasattr(tailorsecrets, name) for name in tailorsecrets.__all__)
    with pytest.raises(AttributeError, match="nothing_like_it"):
        _ = tailorsecrets.nothing_like_it  # type: ignore[attr-defined]


def loaded(code: str) -> set[str]:
    """Return the modules that a new interpreter has loaded after *code*."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"], capture_output=True, text=True, check=True
    )
    return {name.split(".")[0] for name in done.stdout.split()}


HEAVY = {
    "pluggy",
    "click",
    "cryptography",
    "anyio",
    "dotenv",
    "filelock",
    "platformdirs",
    "httpx",
    "hvac",
    "boto3",
    "botocore",
    "google",
    "azure",
}


def test_importing_loads_nothing_heavy() -> None:
    """Importing the package loads no SDK, no pluggy, no click and no cryptography."""
    assert loaded("import tailorsecrets") & HEAVY == set()


def test_a_config_loads_nothing_heavy() -> None:
    """What a config imports loads no SDK, no pluggy, no click and no cryptography either."""
    code = "from tailorsecrets import define_config, define_secret_manager, env, SecretManager"
    assert loaded(code) & HEAVY == set()


def pages_in(folder: Path) -> list[Path]:
    """Return the Markdown pages of *folder*; the root's own ones alone."""
    return sorted(folder.glob("*.md") if folder == ROOT else folder.rglob("*.md"))


PAGES = [path for folder in (ROOT, ROOT / "docs", ROOT / "localstack", ROOT / "tests") for path in pages_in(folder)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links(page: Path) -> None:
    """Every link to a file of this repository leads to one."""
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text())
    ours = re.findall(rf"{re.escape(REPOSITORY)}/(?:blob|tree)/main/([^)#\s]+)", page.read_text())
    ours += re.findall(
        r"https://raw.githubusercontent.com/tailorsecrets/tailorsecrets/main/([^)\s]+)", page.read_text()
    )
    missing = [link for link in links if not (page.parent / link).exists()]
    assert missing + [link for link in ours if not (ROOT / link).exists()] == []


def test_the_readme_has_absolute_links_alone() -> None:
    """The package index shows the README, where relative links lead nowhere."""
    assert re.findall(r"\]\((?!https?:|#)([^)]+)", (ROOT / "README.md").read_text()) == []


def test_every_public_name_is_in_the_reference() -> None:
    """The API reference has an entry for each public name, of the package, the seam and the testing kit."""
    pages = "".join(path.read_text() for path in (ROOT / "docs" / "reference").glob("*.md"))
    shown = set(re.findall(r"^::: tailorsecrets[\w.]*\.(\w+)$", pages, re.MULTILINE))
    names = {*tailorsecrets.__all__, *tailorsecrets.kit.__all__, *tailorsecrets.testing.__all__, "driver"}
    assert names - shown == set()
