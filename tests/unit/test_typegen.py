"""The generated types: what mypy and pyright accept and reject in a project that uses them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tailorsecrets.config.typegen import types_module
from tests.support.mypy import MYPY

NAMES = {"api-keys": ["sendgrid-api-key", "stripe-secret-key"], "database": ["url"], "empty": []}
CONFIG = """
from tailor_config_types import Secrets
from tailorsecrets import define_config, define_secret_manager, env, file, generate

secrets = define_secret_manager(
    {
        "api-keys": {"stripe-secret-key": env("STRIPE"), "sendgrid-api-key": generate()},
        "database": {"url": file("url")},
        "empty": {},
    },
    types=Secrets,
)
config = define_config("my-app", secrets=secrets)
"""
PROGRAM = """
from typing import assert_type
from tailor_config import secrets

names = ["stripe-secret-key"]
assert_type(secrets.get("api-keys", "stripe-secret-key"), str | None)
assert_type(secrets.get_all("api-keys", ["sendgrid-api-key", "stripe-secret-key"]), list[str | None])

assert_type(secrets.get("database", "url", max_age=0), str | None)
assert_type(secrets.read("database", "url").value, str | None)
assert_type(secrets.recent("database", "url", 3), list[str])
secrets.preload()
secrets.configure(ttl=60).refresh("database")

async def read() -> None:
    assert_type((await secrets.aread("database", "url", max_age=1.5)).age, float)
    assert_type(await secrets.arecent("database", "url"), list[str])
    await secrets.aread("database", "uri")  # wrong
    await secrets.arecent("api-keys", "url")  # wrong
    assert_type(await secrets.aget("database", "url"), str | None)
    assert_type(await secrets.aget_all("database", ["url"]), list[str | None])
    await secrets.aget("database", "stripe-secret-key")  # wrong
    await secrets.aget_all("database", ["uri"])  # wrong

secrets.connect(store="file:x").get("database", "url")
secrets.get("api-keys", "stripe-secret-kay")  # wrong
secrets.get("database", "stripe-secret-key")  # wrong
secrets.get("undeclared", "url")  # wrong
secrets.get("database", "url", 0)  # wrong
secrets.read("database", "uri")  # wrong
secrets.recent("undeclared", "url")  # wrong
secrets.get("empty", "url")  # wrong
secrets.get_all("api-keys", ["stripe-secret-key", "typo"])  # wrong
secrets.get_all("api-keys", names)  # wrong
secrets.get_all("undeclared", ["url"])  # wrong
"""
WRONG = {number for number, line in enumerate(PROGRAM.splitlines(), 1) if line.endswith("# wrong")}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project with a config, its types and a program with right and wrong reads."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "tailor_config_types.py").write_text(types_module(NAMES))
    (folder / "tailor_config.py").write_text(CONFIG)
    (folder / "program.py").write_text(PROGRAM)
    few: list[dict[str, list[str]]] = [{}, {"only": ["one"]}, {"only": []}, {"one": [], "two": []}]
    for names in few:
        (folder / f"types_{len(names)}_{sum(map(len, names.values()))}.py").write_text(types_module(names))
    return folder


def checked(project: Path, *command: str) -> str:
    """Return what a type checker says about *project*."""
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


@pytest.mark.type_checker
def test_mypy(project: Path) -> None:
    """Mypy --strict rejects exactly the wrong reads, in all methods."""
    output = checked(project, *MYPY, "--output=json", ".").splitlines()
    errors = [json.loads(line) for line in output]
    assert {(error["file"], error["line"]) for error in errors if error["severity"] == "error"} == {
        ("program.py", line) for line in WRONG
    }


@pytest.mark.type_checker
def test_pyright(project: Path) -> None:
    """Pyright in strict mode rejects exactly the wrong reads, in all methods."""
    (project / "pyrightconfig.json").write_text(
        json.dumps({"typeCheckingMode": "strict", "pythonVersion": "3.11", "venvPath": str(Path(sys.prefix).parent)})
    )
    command = (sys.executable, "-m", "pyright", "--outputjson", f"--pythonpath={sys.executable}")
    output = json.loads(checked(project, *command))
    found = {(Path(e["file"]).name, e["range"]["start"]["line"] + 1) for e in output["generalDiagnostics"]}
    assert found == {("program.py", line) for line in WRONG}


def test_the_module_runs(project: Path) -> None:
    """At run time the generated class is the plain manager."""
    code = "import tailor_config, tailorsecrets; assert type(tailor_config.secrets) is tailorsecrets.SecretManager"
    subprocess.run([sys.executable, "-c", code], cwd=project, check=True)


def test_the_text_depends_on_the_names_alone() -> None:
    """The same names in any order give the same text, so a stale module can be detected."""
    shuffled = {vault: NAMES[vault][::-1] for vault in reversed(NAMES)}
    assert types_module(shuffled) == types_module(NAMES)
    assert types_module({"database": ["url"]}) != types_module(NAMES)
