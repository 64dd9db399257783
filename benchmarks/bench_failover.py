"""What a read costs with a healthy primary and a replica, and how long reads wait while it hangs, on a real OpenBao."""

import os
import socket
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measure import Row
from tailorsecrets import SecretManager, define_secret_manager, open_store
from tests.support.servers import start, stop

ROUNDS, READS, READERS = 400, 20_000, 100
NAMES = [f"name-{number}" for number in range(READERS)]
FAILOVER_AFTER = 0.8  # seconds


def main() -> list[Row]:
    """Measure cold and cached reads, by turns."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        server = start("openbao", folder / "servers")
        try:
            os.environ["VAULT_TOKEN"] = server.variables["VAULT_TOKEN"]
            return _rows(folder, f"vault+http://{server.url.partition('//')[2]}/secret")
        finally:
            stop(folder / "servers")


def _rows(folder: Path, mount: str) -> list[Row]:
    urls = [f"{mount}/{name}" for name in ("one", "two")]
    for url in urls:
        with open_store(url) as store:
            store.create_vault("api-keys")
            for name in ("stripe-key", *NAMES):
                store.create_secret("api-keys", name, "value")
    alone, both = (_manager(folder / profile, urls[:count]) for profile, count in (("alone", 1), ("both", 2)))
    cold = _ratio(
        lambda: both.get("api-keys", "stripe-key", max_age=0), lambda: alone.get("api-keys", "stripe-key", max_age=0)
    )
    cached = _ratio(lambda: _many(both), lambda: _many(alone), rounds=20)
    return [
        Row("cold get with a healthy primary and a replica / without", cold, 1.05),
        Row("cached get under a profile with a replica / without", cached, 1.1),
        Row("100 readers, primary hangs / failover_after + a replica alone", _hung(folder, urls), 2),
    ]


def _hung(folder: Path, urls: list[str]) -> float:
    """Return how long readers wait, beside the least that they must."""
    with socket.create_server(("127.0.0.1", 0), backlog=READERS) as silent:  # connects, and never answers
        hangs = f"vault+http://127.0.0.1:{silent.getsockname()[1]}/secret/one?timeout=5"
        secrets, replica = _manager(folder / "hung", [hangs, urls[1]]), _manager(folder / "replica", urls[1:])
        return _seconds(secrets) / (FAILOVER_AFTER + _seconds(replica))


def _seconds(secrets: SecretManager) -> float:
    """Return how long it takes until every reader has its value."""
    begun = time.perf_counter()
    with ThreadPoolExecutor(READERS) as readers:
        list(readers.map(lambda name: secrets.get("api-keys", name), NAMES))
    return time.perf_counter() - begun


def _manager(folder: Path, urls: list[str]) -> SecretManager:
    """Return a manager whose profile has *urls*."""
    folder.mkdir()
    stores = ", ".join(f'"{url}"' for url in urls)
    (folder / "tailorsecrets.toml").write_text(
        f"[profiles.prod]\nstore = [{stores}]\nfailover_after = {FAILOVER_AFTER}\n"
    )
    secrets = define_secret_manager({}, external={"api-keys": ["stripe-key", *NAMES]}, folder=folder)
    secrets.connect(profile="prod")
    return secrets


def _many(secrets: SecretManager) -> None:
    for _ in range(READS):
        secrets.get("api-keys", "stripe-key")


def _ratio(first: Callable[[], object], second: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Return the ratio of the medians of both, taken by turns."""
    times: tuple[list[float], list[float]] = ([], [])
    for turn in range(rounds):
        for number, do in ((0, first), (1, second)) if turn % 2 else ((1, second), (0, first)):
            begun = time.perf_counter()
            do()
            times[number].append(time.perf_counter() - begun)
    return statistics.median(times[0]) / statistics.median(times[1])
