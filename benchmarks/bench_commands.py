"""The time of a command, as multiples of the start of Python."""

import os
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import PASS, Row, process_ratios
from tailorsecrets import Secret, open_store
from tailorsecrets.driver import ABSENT
from tailorsecrets.store.store import workspace_of

TAILORSECRETS = str(Path(sys.executable).parent / "tailorsecrets")
GET = "from tailorsecrets import open_store; import sys; open_store(sys.argv[1]).get('api-keys', 'secret-5')"


def main() -> list[Row]:
    """Measure the start of the command line, a list, and a read out of a small and a large file."""
    with tempfile.TemporaryDirectory() as folder:
        environ = {**os.environ, "XDG_CONFIG_HOME": folder, "TAILORSECRETS_STORE": f"file:{folder}/10.jsonl"}
        environ["TAILORSECRETS_CONFIG"] = config_in(folder)
        small, large = (store_of(count, folder, environ) for count in (10, 10_000))
        commands = {
            "tailorsecrets --version / python -c pass": [TAILORSECRETS, "--version"],
            "tailorsecrets --help / python -c pass": [TAILORSECRETS, "--help"],
            "tailorsecrets secret list / python -c pass": [TAILORSECRETS, "secret", "list", "-V", "api-keys"],
            "tailorsecrets run -V api-keys -- true / python -c pass": [
                TAILORSECRETS,
                "run",
                "-V",
                "api-keys",
                "--",
                "true",
            ],
            "tailorsecrets run -- true, of a config / python -c pass": [TAILORSECRETS, "run", "--", "true"],
        }
        starts = process_ratios(commands, PASS, environ)
        reads = process_ratios({"get": [sys.executable, "-c", GET, large]}, [sys.executable, "-c", GET, small], environ)
    budgets = dict(zip(commands, (3, 4.5, 6.5, 6, 7), strict=True))
    rows = [Row(name, ratio, budgets[name]) for name, ratio in starts.items()]
    return [*rows, Row("one get of 10,000 secrets / of 10", reads["get"], 2)]


def config_in(folder: str) -> str:
    """Write a config that declares the 10 secrets of the small store, and return its path."""
    path = Path(folder, "tailor_config.py")
    names = [f"secret-{number}" for number in range(10)]
    path.write_text(
        "from tailorsecrets import define_config, define_secret_manager, env\n"
        f"secrets = define_secret_manager({{'api-keys': {{name: env('VALUE') for name in {names}}}}})\n"
        "config = define_config('my-app', secrets=secrets)\n"
    )
    return str(path)


def store_of(count: int, folder: str, environ: dict[str, str]) -> str:
    """Make a store file with *count* secrets and return its URL."""
    url = f"file:{folder}/{count}.jsonl"
    with open_store(url, environ=environ) as store, workspace_of(store).transaction():
        store.create_vault("api-keys")
        record = workspace_of(store).record("api-keys")
        for number in range(count):
            workspace_of(store).put_secret(
                record, "api-keys", f"secret-{number}", Secret(f"value {number}"), expect=ABSENT
            )
    return url
