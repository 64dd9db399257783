"""The example app and the command line on OpenBao, as the guide in ``localstack/`` walks through them."""

import os
import shutil
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from tests.support.servers import ROOT, Server
from tests.support.shell import Shell

VALUES = {"STRIPE_SECRET_KEY": "sk_test_1", "SENDGRID_API_KEY": "SG.1", "ANALYTICS_DB_URL": "postgres://localhost"}


@pytest.fixture
def run(openbao: Server, tmp_path: Path, path: str) -> Shell:
    """Return a command line in a copy of the example app and in a workspace of this test's own."""
    shutil.copytree(ROOT / "examples" / "shop", tmp_path / "shop", ignore=shutil.ignore_patterns("__pycache__"))
    variables = {**openbao.variables, **VALUES, "TAILORSECRETS_STORE": f"vault://{path}"}
    return Shell(tmp_path / "shop").having({**variables, "TAILORSECRETS_WORKSPACE": f"w{uuid.uuid4().hex[:8]}"})


def shop(run: Shell) -> subprocess.CompletedProcess[str]:
    """Run the app."""
    environ = {**run.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(
        [sys.executable, "shop.py"], cwd=run.folder, env=environ, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("path", ["", "/secret", "/secret/team"])
def test_the_walk(run: Shell) -> None:
    """Apply creates all secrets, a second apply none; the app reads; a change is one update; remove leaves nothing."""
    assert "Plan: 7 to create" in run("apply", "--yes").out
    assert "Plan: 0 to create, 0 to update, 0 to delete" in run("apply", "--dry-run").out
    assert "order 1001 signed:" in shop(run).stdout
    assert "stripe-secret-key" in run("secret", "list", "-V", "api-keys").out
    assert "0 to create, 1 to update" in run("apply", "--yes", STRIPE_SECRET_KEY="sk_test_2").out
    assert run("remove", "--yes").code == 0
    assert run("secret", "vault", "list", "--json").out.strip() == "[]"
    assert "no payment key yet" in shop(run).stderr


@pytest.mark.parametrize("path", ["", "/secret"])
def test_the_history_of_a_deleted_secret(run: Shell) -> None:
    """The history of a deleted secret shows it as deleted, also where it has one version; a purged one is missing."""
    secret = ("-V", "api-keys", "-n", "key")
    run("secret", "vault", "create", "api-keys")
    run("secret", "create", *secret, "--value", "v")
    run("secret", "delete", *secret, "--yes")
    assert [row["state"] for row in run("secret", "history", *secret, "--json").data] == ["deleted"]
    run("secret", "restore", *secret)
    run("secret", "update", *secret, "--value", "w")
    run("secret", "delete", *secret, "--yes")
    rows = run("secret", "history", *secret, "--json").data
    assert [row["state"] for row in rows] == ["deleted", "old"]
    run("secret", "purge", *secret, "--yes")
    assert "SECRET_NOT_FOUND" in run("secret", "history", *secret).err


@pytest.mark.parametrize("path", [""])
@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"VAULT_TOKEN": ""}, "VAULT_TOKEN"),
        ({"VAULT_TOKEN": "wrong"}, "error[UNAUTHENTICATED]"),
        ({"VAULT_ADDR": ""}, "VAULT_ADDR"),
        ({"VAULT_ADDR": "http://127.0.0.1:9", "TAILORSECRETS_STORE": "vault://?timeout=1"}, "127.0.0.1:9"),
        ({"TAILORSECRETS_STORE": "vault:///no-such-mount"}, "error[STORE_NOT_FOUND]"),
        ({"TAILORSECRETS_STORE": "vault://?colour=red"}, "unknown option colour"),
        ({"TAILORSECRETS_STORE": "vault://root@host"}, "credential"),
        ({"VAULT_NAMESPACE": "nowhere"}, "namespace"),
    ],
)
def test_an_error_is_one_line_with_its_remedy(run: Shell, more: dict[str, str], expected: str) -> None:
    """A bad store, login or address ends with status 1, one line of error, and no traceback."""
    done = run.having(more)("secret", "vault", "list")
    assert done.code == 1
    assert expected in done.err
    assert [line[:6] for line in done.err.splitlines()].count("error[") == 1
    assert "Traceback" not in done.err
