"""Installing servers: one virtual environment each, rebuilt only when its pins change."""

import fcntl
import hashlib
import shutil
import subprocess
import sys
import venv
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

PINS = Path(__file__).parent / "pins"


def installed(name: str, cache: Path) -> Path:
    """Return the folder of executables of the server *name*, which is installed below *cache* if it is not yet."""
    pins = PINS / f"{name}.txt"
    folder = cache / "venvs" / f"{name}-{_key(pins)}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    done = folder / "complete"
    with _locked(folder.with_suffix(".lock")):
        if not done.exists():
            _install(folder, pins)
            done.touch()
    return folder / "bin"


def _key(pins: Path) -> str:
    """Return a text that changes with the pins and with the Python that they are installed for."""
    return hashlib.sha256(pins.read_bytes() + sys.version.encode()).hexdigest()[:12]


def _install(folder: Path, pins: Path) -> None:
    print(f"installing {pins.stem} into {folder}", file=sys.stderr)
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True)
    command = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-deps", "--requirement", pins]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"cannot install {pins.stem}:\n{done.stdout}")


@contextmanager
def _locked(path: Path) -> Generator[None]:
    """Let one process at a time into the block; the system lets go of the lock of one that dies."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
