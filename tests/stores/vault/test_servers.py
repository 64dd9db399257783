"""The command that starts the servers: again, after a kill, and down."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.servers import COMMAND

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Command]:
    """Return a function that runs the command with its own run folder; stop the servers at the end."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        program = [sys.executable, str(COMMAND), "--run", str(tmp_path / "run"), *words]
        return subprocess.run(program, capture_output=True, text=True, check=False)

    yield run
    run("down")


def started(command: Command) -> dict[str, str]:
    """Start OpenBao and return its description."""
    server: dict[str, str] = json.loads(command("up", "--json", "openbao").stdout)["openbao"]
    return server


def test_up_again_changes_nothing(command: Command) -> None:
    """Starting what runs gives the same server."""
    assert started(command) == started(command)


def test_up_after_a_kill(command: Command) -> None:
    """A server that was killed is started again; its old process number does not count."""
    old = started(command)
    os.kill(int(old["pid"]), signal.SIGKILL)
    new = started(command)
    assert new["pid"] != old["pid"]
    with urllib.request.urlopen(f"{new['url']}/v1/sys/health") as answer:
        assert answer.status == 200


def test_env_and_down(command: Command) -> None:
    """The environment is printed for a server that runs; down stops it, and twice is fine."""
    url = started(command)["url"]
    assert f"export VAULT_ADDR={url}\n" in command("env", "openbao").stdout
    assert command("down").stdout == "openbao is stopped\n"
    assert (command("down").returncode, command("down").stdout) == (0, "")
    assert command("env", "openbao").returncode == 1


def test_an_unknown_server(command: Command) -> None:
    """An unknown name is refused, and the known ones are named."""
    done = command("up", "postgres")
    assert done.returncode == 2
    assert "openbao-raft" in done.stderr
