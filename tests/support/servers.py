"""Real servers for the tests: each is started once a session, and one that cannot start fails what needs it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SESSIONS = ROOT / ".servers" / "sessions"
RUN = "TAILORSECRETS_TEST_RUN"  # the process id of the run that the servers belong to
COMMAND = ROOT / "localstack" / "servers.py"
FIXTURES = {
    "openbao": "openbao",
    "openbao_raft": "openbao-raft",
    "localstack_aws": "localstack",
    "moto": "moto",
}  # fixture -> the name that localstack/servers.py knows


@dataclass(frozen=True)
class Server:
    """A server that runs: its address, what a program's environment needs to use it, its executables."""

    url: str
    variables: Mapping[str, str]
    bin: Path


def start(name: str, run: Path) -> Server:
    """Start the server *name* with its files in *run*."""
    state = json.loads(_servers(run, "up", "--json", name))[name]
    return Server(state["url"], state["variables"], Path(state["bin"]))


def stop(run: Path) -> None:
    """Stop the servers with their files in *run*."""
    _servers(run, "down")
    shutil.rmtree(run, ignore_errors=True)


def install(fixtures: Sequence[str]) -> None:
    """Install the servers of *fixtures*, which takes minutes the first time and would count against one test."""
    names = [name for fixture, name in FIXTURES.items() if fixture in fixtures]
    if names:
        subprocess.run([sys.executable, COMMAND, "install", *names], stdout=subprocess.DEVNULL, check=False)


def of_worker(run: Path) -> Path:
    """Return the folder of servers that this worker does not share."""
    return run.with_name(f"{run.name}-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}")


def own_folder(name: str, run: Path) -> Path:
    """Return the folder for the server *name* of this worker.

    Workers share servers, but for moto: it answers 500 to a list while another client creates a secret.
    """
    return of_worker(run) if name == "moto" else run


@pytest.fixture(scope="session")
def run_folder() -> Path:
    """Return the folder of this run's servers; the workers of one run share them."""
    return this_run()


def this_run() -> Path:
    """Return the folder of the servers of this run."""
    return SESSIONS / os.environ[RUN]


def begin_run() -> None:
    """Name this run for its workers, in the process that starts them."""
    os.environ.setdefault(RUN, str(os.getpid()))


def end_run() -> None:
    """Stop the servers of this run, and those of runs that died; called by the process that named the run."""
    if os.environ.get(RUN) != str(os.getpid()):
        return
    for folder in SESSIONS.iterdir() if SESSIONS.exists() else ():
        run = folder.name.partition("-")[0]
        if run == os.environ[RUN] or not _lives(int(run)):
            stop(folder)
    del os.environ[RUN]


@pytest.fixture(scope="session")
def openbao(run_folder: Path) -> Server:
    """Return OpenBao in development mode; its token may do everything."""
    return start("openbao", run_folder)


@pytest.fixture(scope="session")
def openbao_raft(run_folder: Path) -> Server:
    """Return OpenBao with raft storage, as in production; its token may do everything."""
    return start("openbao-raft", run_folder)


@pytest.fixture(scope="session")
def localstack_aws(run_folder: Path) -> Server:
    """Return LocalStack with Secrets Manager."""
    return start("localstack", run_folder)


@pytest.fixture(scope="session")
def moto(run_folder: Path) -> Server:
    """Return moto's server with Secrets Manager."""
    return start("moto", own_folder("moto", run_folder))


def _servers(run: Path, *words: str) -> str:
    done = subprocess.run([sys.executable, COMMAND, "--run", run, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
