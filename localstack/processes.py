"""Server processes: each has a folder with its data, its log and ``state.json``, which says what runs."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

STARTING = 90.0  # seconds until a server that is not ready has failed
STOPPING = 10.0  # seconds between asking and killing


@dataclass(frozen=True)
class State:
    """A server that was started."""

    pid: int
    born: str  # when the process began, by the system: another process may get the same number
    url: str
    variables: Mapping[str, str]  # with which programs find the server
    bin: str  # where its executables are


def running(home: Path) -> State | None:
    """Return the server that runs in *home*, None where there is none or a dead one."""
    state = _noted(home)
    return state if state and _born(state.pid) == state.born else None


def start(
    home: Path,
    command: Sequence[str],
    variables: Mapping[str, str],
    is_ready: Callable[[], bool],
) -> int:
    """Start *command* with *variables* in *home* and return its number once it is ready."""
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=home,
            env={**_environment(), **variables},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    end = time.monotonic() + STARTING
    while not is_ready():
        if process.poll() is not None or time.monotonic() > end:
            _end(process.pid)
            raise SystemExit(f"{home.name} does not start; the end of its log:\n{_tail(home / 'log')}")
        time.sleep(0.05)
    return process.pid


def note(home: Path, pid: int, url: str, variables: Mapping[str, str], bin_: Path) -> State:
    """Write down what runs in *home*. The file holds keys of a server for tests: only its owner may read it."""
    state = State(pid, _born(pid), url, variables, str(bin_))
    with os.fdopen(os.open(home / "state.json", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(asdict(state), file)
    return state


def stop(home: Path) -> bool:
    """End what runs in *home* and tell whether anything did; delete the folder."""
    state = running(home)
    if state:
        _end(state.pid)
    shutil.rmtree(home, ignore_errors=True)
    return state is not None


def free_port() -> int:
    """Return a port of the loopback that is free, as is the one after it."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            with suppress(OSError, OverflowError):
                second.bind(("127.0.0.1", port + 1))
                return port


def _noted(home: Path) -> State | None:
    with suppress(OSError, ValueError, TypeError):
        return State(**json.loads((home / "state.json").read_text()))
    return None


def _born(pid: int) -> str:
    """Return when process *pid* began, "" where there is none."""
    done = subprocess.run(["ps", "-o", "lstart=,stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    began, _, status = done.stdout.strip().rpartition(" ")
    return "" if status.startswith("Z") else began.strip()


def _end(pid: int) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(pid, number)
        if _ended(pid):
            return


def _ended(pid: int) -> bool:
    end = time.monotonic() + STOPPING
    while time.monotonic() < end:
        with suppress(ChildProcessError):  # it is our child only if this process started it
            os.waitpid(pid, os.WNOHANG)
        if not _born(pid):
            return True
        time.sleep(0.05)
    return False


def _environment() -> dict[str, str]:
    """Return the environment without what belongs to the user's own stores."""
    return {name: text for name, text in os.environ.items() if not name.startswith(("VAULT_", "BAO_", "AWS_"))}


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-20:])
