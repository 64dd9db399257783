"""What a read at run time costs, and whether readers wait for a refresh; compared with what people use instead."""

import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from timeit import Timer
from typing import Any, Final, TypeVar

from benchmarks.measure import Row
from tailorsecrets import Secret, SecretManager, Store
from tailorsecrets.declared.declarations import Declarations
from tailorsecrets.store.layers import Call, Layer
from tailorsecrets.testing import Memory
from tests.support.aws.backdoor import raw_client
from tests.support.servers import start, stop

T = TypeVar("T")

VAULT, SECRET = "api-keys", "stripe-secret-key"
ROUNDS: Final = 50
READS: Final = 2_000  # in a round
READERS: Final = 8
SLOW: Final = 1.0  # seconds that a refresh takes
MOST_WAIT: Final = 5.0  # milliseconds
MANY: Final = 100  # names
PEER: Final = "aws_secretsmanager_caching"


class Slow(Layer):
    """A driver that takes a second once it is set to."""

    seconds = 0.0

    def around(self, call: Call, do: Callable[[], T]) -> T:
        """Sleep, then call."""
        del call
        time.sleep(self.seconds)
        return do()


@contextmanager
def peer_client() -> Generator[Any]:
    """Give the peer's real client, boto3, on a server with the secret; its answers are as large as AWS's."""
    with TemporaryDirectory() as folder:
        server = start("moto", Path(folder))
        try:
            client = raw_client(server.url)
            client.create_secret(Name=SECRET, SecretString="value")
            yield client
        finally:
            stop(Path(folder))


def main() -> list[Row]:
    """Measure a cached read of each kind, and the slowest of eight readers during a refresh of one second."""
    if not find_spec(PEER):
        return [*cached_reads(None), many_cached(), *reads_during_a_refresh(None)]
    with peer_client() as client:
        return [*cached_reads(client), many_cached(), *reads_during_a_refresh(client)]


def many_cached() -> Row:
    """Return the time of a cached get_all of 100 names as a multiple of a loop of get."""
    names = [f"secret-{number}" for number in range(MANY)]
    store = Store(Memory())
    store.create_vault(VAULT)
    for name in names:
        store.create_secret(VAULT, name, Secret("value"))
    secrets = SecretManager(Declarations({}, {VAULT: frozenset(names)})).connect(store=lambda: store)
    secrets.preload()
    scope = {"secrets": secrets, "vault": VAULT, "names": names}
    loop = Timer("[secrets.get(vault, name) for name in names]", globals=scope)
    ratios = in_turn({"get_all": Timer("secrets.get_all(vault, names)", globals=scope)}, loop, READS // MANY)
    return Row(f"cached get_all of {MANY} / a loop of get", ratios["get_all"], 1.5)


def cached_reads(client: Any) -> list[Row]:
    """Return the time of cached reads as multiples of a dict look-up of a tuple key."""
    secrets, _ = service()
    table = {(VAULT, SECRET): secrets.get(VAULT, SECRET)}

    @lru_cache(maxsize=128)
    def remembered(vault: str, secret: str) -> str | None:
        return table[vault, secret]

    reads: dict[str, Callable[[str, str], object]] = {
        "cached get": secrets.get,
        "functools.lru_cache, never expires": remembered,
    }
    if client:
        peer = caching_peer(client)
        peer(SECRET)
        reads[f"{PEER}, cached read"] = lambda _, secret: peer(secret)
    unit = Timer("table[vault, secret]", globals={"table": table, "vault": VAULT, "secret": SECRET})
    timers = {
        name: Timer("read(vault, secret)", globals={"read": read, "vault": VAULT, "secret": SECRET})
        for name, read in reads.items()
    }
    ratios = in_turn(timers, unit)
    return [Row(f"{name} / dict look-up", ratio, 5 if name == "cached get" else 0) for name, ratio in ratios.items()]


def reads_during_a_refresh(client: Any) -> list[Row]:
    """Return the milliseconds that the slowest of eight readers takes while the value is refreshed."""
    secrets, driver = service()
    secrets.configure(ttl=0.01, grace=60)
    secrets.get(VAULT, SECRET)
    time.sleep(0.02)
    driver.seconds = SLOW
    rows = [Row("slowest of 8 reads during a refresh, ms", slowest(lambda: secrets.get(VAULT, SECRET)), MOST_WAIT)]
    if client:
        peer = caching_peer(client)
        peer(SECRET)
        time.sleep(1.1)  # its shortest interval between refreshes is a second
        client.meta.events.register("before-send", lambda **_: time.sleep(SLOW))
        rows.append(Row(f"slowest of 8 reads during a refresh, {PEER}, ms", slowest(lambda: peer(SECRET))))
    return rows


def service() -> tuple[SecretManager, Slow]:
    """Return a manager of one secret, and the driver behind it."""
    memory = Memory()
    store = Store(memory)
    store.create_vault(VAULT)
    store.create_secret(VAULT, SECRET, Secret("value"))
    driver = Slow(memory)
    secrets = SecretManager(Declarations({}, {VAULT: frozenset([SECRET])}))
    return secrets.connect(store=lambda: Store(driver)), driver


def caching_peer(client: Any) -> Callable[[str], object]:
    """Return the read of AWS's own caching library."""
    peer: Any = import_module(PEER)
    cache = peer.SecretCache(peer.SecretCacheConfig(secret_refresh_interval=1), client)
    read: Callable[[str], object] = cache.get_secret_string
    return read


def in_turn(timers: Mapping[str, Timer], unit: Timer, reads: int = READS) -> dict[str, float]:
    """Return each timer's best time as a multiple of that of *unit*; measured in turn, so that noise hits all alike."""
    times: dict[str, list[float]] = {name: [] for name in timers}
    units = list[float]()
    for _ in range(ROUNDS):
        units.append(unit.timeit(reads))
        for name, timer in timers.items():
            times[name].append(timer.timeit(reads))
    return {name: min(found) / min(units) for name, found in times.items()}


def slowest(read: Callable[[], object]) -> float:
    """Return the milliseconds of the slowest of eight reads, one a thread, all begun at once."""
    start, times = threading.Barrier(READERS), list[float]()

    def timed() -> None:
        start.wait()
        begin = time.perf_counter()
        read()
        times.append(time.perf_counter() - begin)

    threads = [threading.Thread(target=timed) for _ in range(READERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return max(times) * 1000
