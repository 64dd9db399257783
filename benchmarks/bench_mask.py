"""The throughput of ``run --mask``, compared with ``cat``."""

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.bench_commands import TAILORSECRETS
from benchmarks.measure import Row
from tailorsecrets import Secret, open_store
from tailorsecrets.driver import ABSENT
from tailorsecrets.store.store import workspace_of

SIZE = 100_000_000  # bytes


def main() -> list[Row]:
    """Send 100 MB of log lines through cat and through the mask of 1 and of 2,000 values, without and with values."""
    with tempfile.TemporaryDirectory() as folder:
        environ = {**os.environ, "XDG_CONFIG_HOME": folder, "TAILORSECRETS_STORE": f"file:{folder}/secrets.jsonl"}
        fill(environ)
        clean, full = Path(folder, "clean.log"), Path(folder, "full.log")
        clean.write_bytes(b"".join(lines(every=0)))
        full.write_bytes(b"".join(lines(every=100)))
        unit = seconds(["cat", str(clean)], environ)
        mask = [TAILORSECRETS, "run", "--mask", "-V"]
        times = {
            "1 value": seconds([*mask, "one", "cat", str(clean)], environ),
            "2,000 values": seconds([*mask, "many", "cat", str(clean)], environ),
            "2,000 values, one of them in each 100th line": seconds([*mask, "many", "cat", str(full)], environ),
        }
    return [Row(f"run --mask, {name}: {rate(took)} / cat: {rate(unit)}", took / unit) for name, took in times.items()]


def value(number: int) -> str:
    """Return a value that looks like an API key."""
    return f"sk_live_{number * 7919:032x}"


def fill(environ: dict[str, str]) -> None:
    """Make a store with a vault of one secret and a vault of 2,000."""
    with open_store(environ["TAILORSECRETS_STORE"], environ=environ) as store, workspace_of(store).transaction():
        for vault, count in (("one", 1), ("many", 2000)):
            store.create_vault(vault)
            record = workspace_of(store).record(vault)
            for number in range(count):
                name = f"key-{number}"
                workspace_of(store).put_secret(record, vault, name, Secret(value(number)), expect=ABSENT)


def lines(*, every: int) -> Iterator[bytes]:
    """Yield log lines of the size of the benchmark; with *every*, a value in one line of so many."""
    size = number = 0
    while size < SIZE:
        number += 1
        secret = f" key={value(number % 2000)}" if every and number % every == 0 else ""
        line = f"2024-01-01T00:00:00Z INFO request {number} path=/api/v1/orders took 12 ms{secret}\n".encode()
        size += len(line)
        yield line


def seconds(command: Sequence[str], environ: dict[str, str]) -> float:
    """Return the wall time of *command* while a reader takes its output."""
    start = time.perf_counter()
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE) as child:
        subprocess.run(["cat"], stdin=child.stdout, stdout=subprocess.DEVNULL, check=True)
    assert child.returncode == 0
    return time.perf_counter() - start


def rate(took: float) -> str:
    """Return the throughput of a run that *took* so many seconds."""
    return f"{SIZE / took / 1e6:.0f} MB/s"
