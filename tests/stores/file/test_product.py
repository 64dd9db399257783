"""The whole product on the encrypted file: one rewrite for each apply, two deployers, changes by hand."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tailorsecrets import Secret, Store, open_store

DEPLOY = """
import json, os, sys
from tailorsecrets import open_store
from tailorsecrets.deploy.apply import apply
from tailorsecrets.store.record import Owner
from tailorsecrets.deploy.plan import Desired
from tailorsecrets.deploy.observe import make_plan
from tailorsecrets.secret import Secret

renames = []
sys.addaudithook(lambda event, args: renames.append(args[1]) if event == "os.rename" else None)
url, value, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
wanted = {"api-keys": {f"secret-{n}": Secret(value) for n in range(count)}}
with open_store(url) as store:
    plan = make_plan(Desired(Owner("my-app"), wanted), store)
    print("planned", flush=True)
    sys.stdin.readline()
    report = apply(plan, store)
print(json.dumps({
    "rewrites": len([name for name in renames if str(name).endswith("s.jsonl")]),
    "done": len(report.done),
    "failed": sorted({type(error).__name__ for _, error in report.failed}),
    "left": len(report.left),
}))
"""


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Return an environment with keys in its own folder."""
    return {"XDG_CONFIG_HOME": str(tmp_path / "config"), "PYTHONPATH": ":".join(sys.path)}


def store_in(folder: Path, environ: dict[str, str]) -> Store:
    """Return the store of *folder*."""
    return open_store(f"file:{folder}/s.jsonl", environ=environ)


class Deployer:
    """A process that plans, waits for a word, and applies."""

    def __init__(self, folder: Path, environ: dict[str, str], value: str, count: int) -> None:
        command = [sys.executable, "-c", DEPLOY, f"file:{folder}/s.jsonl", value, str(count)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ)
        assert self._process.stdout
        assert self._process.stdout.readline() == "planned\n"

    def go(self) -> None:
        """Let it apply."""
        assert self._process.stdin
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def report(self) -> dict[str, object]:
        """Return what came of it."""
        out, _ = self._process.communicate(timeout=60)
        assert self._process.returncode == 0
        report: dict[str, object] = json.loads(out)
        return report


def deploy(folder: Path, environ: dict[str, str], value: str, count: int) -> dict[str, object]:
    """Plan and apply in a process."""
    deployer = Deployer(folder, environ, value, count)
    deployer.go()
    return deployer.report()


def test_an_apply_of_1000_new_secrets_is_one_rewrite(tmp_path: Path, environ: dict[str, str]) -> None:
    """A vault and 1,000 secrets are written by one rewrite of the file; a second apply writes nothing."""
    store_in(tmp_path, environ).setup()
    first = deploy(tmp_path, environ, "value", 1000)
    assert first == {"rewrites": 1, "done": 1001, "failed": [], "left": 0}
    assert deploy(tmp_path, environ, "value", 1000) == {"rewrites": 0, "done": 0, "failed": [], "left": 0}


def test_two_deployers_at_once(tmp_path: Path, environ: dict[str, str]) -> None:
    """Of two processes that apply the same plan at once, one may get conflicts; every secret has one of the values."""
    deploy(tmp_path, environ, "old", 50)
    deployers = [Deployer(tmp_path, environ, value, 50) for value in ("one", "two")]
    for deployer in deployers:
        deployer.go()
    reports = [deployer.report() for deployer in deployers]
    assert all(report["failed"] in ([], ["Conflict"]) for report in reports)
    assert [report["done"] for report in reports].count(50) == 1
    with store_in(tmp_path, environ) as store:
        values = set(store.get_all("api-keys", [f"secret-{n}" for n in range(50)]))
    assert values in ({"one"}, {"two"})


def test_two_deployers_of_a_new_vault(tmp_path: Path, environ: dict[str, str]) -> None:
    """Of two processes that make the same vault, the loser writes nothing, and a rerun has nothing to do but values."""
    store_in(tmp_path, environ).setup()
    deployers = [Deployer(tmp_path, environ, "same", 5) for _ in range(2)]
    for deployer in deployers:
        deployer.go()
    reports = sorted((deployer.report() for deployer in deployers), key=lambda report: str(report["done"]))
    assert reports[0] == {"rewrites": 0, "done": 0, "failed": ["Conflict"], "left": 5}
    assert reports[1]["done"] == 6
    assert deploy(tmp_path, environ, "same", 5)["done"] == 0


def test_a_deployer_and_a_hand(tmp_path: Path, environ: dict[str, str]) -> None:
    """A secret written by hand between plan and apply is a conflict; the others are written."""
    deploy(tmp_path, environ, "old", 3)
    deployer = Deployer(tmp_path, environ, "new", 3)
    with store_in(tmp_path, environ) as store:
        store.update_secret("api-keys", "secret-1", Secret("by hand"))
        deployer.go()
        assert deployer.report() == {"rewrites": 1, "done": 2, "failed": ["Conflict"], "left": 0}
        assert store.get_all("api-keys", ["secret-0", "secret-1", "secret-2"]) == ["new", "by hand", "new"]
