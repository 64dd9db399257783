"""A new plugin and the example plugins, as strangers: from their wheels, with their own tests."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

import pytest

from tests.support.servers import ROOT, Server, localstack_aws, moto, run_folder

__all__ = ["localstack_aws", "moto", "run_folder"]

EXAMPLES = ROOT / "examples" / "plugins"
WALK = ROOT / "examples" / "shop" / "walk.py"
LOGIN = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
BACKEND = "keyrings.alt.file.PlaintextKeyring"
pytestmark = [pytest.mark.timeout(600), pytest.mark.xdist_group("distributions")]


class Site:
    """A separate environment in *folder*, with tailorsecrets installed from its wheel."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.bin = folder, folder / "bin"
        uv("venv", "--python", sys.executable, folder)

    def install(self, *what: str | Path) -> None:
        """Install distributions."""
        uv("pip", "install", "--python", self.bin / "python", *what)

    def run(self, *words: str | Path, cwd: Path, environ: Mapping[str, str] | None = None) -> str:
        """Run a program of the environment, which must succeed; return its output."""
        kept = {
            name: text for name, text in os.environ.items() if not name.startswith(("AWS_", "TAILORSECRETS_", "PY"))
        }
        variables = {**kept, "PATH": f"{self.bin}:{kept['PATH']}", **(environ or {})}
        command = [str(self.bin / words[0]), *words[1:]]
        done = subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-6_000:] + done.stderr[-2_000:]
        return done.stdout


def uv(*words: str | Path) -> None:
    """Run uv, which must succeed."""
    done = subprocess.run([sys.executable, "-m", "uv", "--quiet", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4_000:]


def built(source: Path, folder: Path) -> Path:
    """Return the wheel of the distribution in *source*."""
    uv("build", "--wheel", "--out-dir", folder, source)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel of tailorsecrets."""
    return built(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Return an environment with both example plugins, from their wheels, and what their tests need."""
    made = Site(tmp_path_factory.mktemp("site") / "venv")
    plugins = [built(EXAMPLES / f"tailorsecrets-{name}", tmp_path_factory.mktemp(name)) for name in ("ssm", "keyring")]
    tools = ("keyrings.alt>=5", "boto3-stubs[ssm]", "mypy>=1.11", "pexpect>=4.9")
    made.install(f"tailorsecrets[testing] @ {wheel.as_uri()}", *plugins, *tools)
    return made


def test_a_new_plugin_is_green(wheel: Path, tmp_path: Path) -> None:
    """In a fresh environment, ``plugin new demo`` and the words that it prints succeed, and so does mypy."""
    fresh = Site(tmp_path / "venv")
    work = tmp_path / "work"
    work.mkdir()
    fresh.install(wheel)
    fresh.run("tailorsecrets", "plugin", "new", "demo", cwd=work)
    fresh.install("-e", f"{work / 'demo'}[test]")
    assert " passed" in fresh.run("pytest", "demo", cwd=work)
    fresh.run("mypy", cwd=work / "demo")
    assert "demo" in fresh.run("tailorsecrets", "plugin", "list", cwd=work)
    checked = fresh.run("tailorsecrets", "plugin", "check", "demo:secrets.json", "--yes", cwd=work)
    assert "write and read" in checked


def test_keyring(site: Site, tmp_path: Path) -> None:
    """The plugin for the system keyring passes the conformance suite and its own tests, and is typed."""
    source = copied("tailorsecrets-keyring", tmp_path)
    assert " passed" in site.run("pytest", cwd=source)
    site.run("mypy", cwd=source)


def test_the_walk_on_the_keyring(site: Site, tmp_path: Path) -> None:
    """The whole job of the example app runs on a keyring, and says what a keyring lacks."""
    homes = {name: str(tmp_path) for name in ("XDG_DATA_HOME", "XDG_STATE_HOME")}
    said = site.run("python", WALK, f"keyring:?backend={BACKEND}", cwd=tmp_path, environ=homes)
    assert "applied: 7 created, 0 updated, 0 deleted" in said
    assert "this store cannot list its secrets" in said
    assert "nothing is deleted, even if the config no longer declares it" in said
    assert "removed: 0 created, 0 updated, 6 deleted" in said
    assert "sk_live" not in said


@pytest.mark.long
@pytest.mark.parametrize("server", ["moto", "localstack_aws"])
def test_parameter_store(site: Site, server: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """The plugin for Parameter Store passes the conformance suite, its own tests and the walk of the example app."""
    running: Server = request.getfixturevalue(server)
    source = copied("tailorsecrets-ssm", tmp_path)
    assert " passed" in site.run("pytest", cwd=source, environ={"SSM_ENDPOINT": running.url})
    url = f"ssm://eu-west-1/w-{uuid4().hex[:8]}?endpoint_url={running.url}"
    said = site.run("python", WALK, url, cwd=tmp_path, environ=LOGIN)
    assert "applied: 0 created, 0 updated, 1 deleted" in said
    assert "removed: 0 created, 0 updated, 6 deleted" in said
    assert "error[" not in said
    if server == "moto":
        site.run("mypy", cwd=source)


def copied(name: str, folder: Path) -> Path:
    """Return a copy of an example: the tests leave nothing in the original."""
    return Path(shutil.copytree(EXAMPLES / name, folder / name, ignore=shutil.ignore_patterns("*.pyc", ".*_cache")))


@pytest.mark.parametrize("name", ["ssm", "keyring"])
def test_a_driver_to_copy(name: str) -> None:
    """The driver of each example has under 250 lines."""
    driver = EXAMPLES / f"tailorsecrets-{name}" / "src" / f"tailorsecrets_{name}" / "driver.py"
    assert len(driver.read_text().splitlines()) < 250
