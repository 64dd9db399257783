"""The overhead of this library over a vendor's own SDK on the same server, and the gain of reading many at once.

OpenBao is real, AWS is moto; GCP and Azure are the wire-level servers of the tests. Each server is a separate process,
without a proxy in between.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote

from azure.identity import ManagedIdentityCredential
from azure.keyvault.secrets import SecretClient

from benchmarks.measure import Row
from benchmarks.wire_servers import serving
from tailorsecrets import Secret, Store, open_store
from tailorsecrets.driver import ABSENT
from tailorsecrets.store.layers import Call, Layer
from tailorsecrets.store.store import workspace_of
from tests.support.aws.backdoor import LOGIN, REGION, raw_client
from tests.support.gcp.backdoor import PROJECT
from tests.support.gcp.backdoor import raw_client as raw_google
from tests.support.servers import start, stop

T = TypeVar("T")

ROUNDS, MANY = 1_000, 100
NETWORK = 0.005  # seconds to a store that is not on this machine
VARIABLES = 10_000  # of an environment that a large env file fills
BUDGETS = {"OpenBao": 1.0, "AWS": 1.03, "GCP": 1.03, "Azure": 1.03}


class Far(Layer):
    """A driver whose store is far away."""

    def around(self, call: Call, do: Callable[[], T]) -> T:
        """Wait, then call."""
        del call
        time.sleep(NETWORK)
        return do()


class Bench(NamedTuple):
    """A store, and a function that reads one of its secrets with the vendor's SDK alone."""

    store: Store
    read: Callable[[str], object]


@contextmanager
def openbao(folder: Path) -> Generator[Bench]:
    """Open OpenBao, with folders in one mount."""
    server = start("openbao", folder)
    token = server.variables["VAULT_TOKEN"]
    raw: Any = import_module("hvac").Client(url=server.url, token=token).secrets.kv.v2
    url = f"vault+http://{server.url.partition('//')[2]}/secret/bench"
    with open_store(url, environ={"VAULT_TOKEN": token}) as store:
        yield Bench(
            store,
            lambda name: raw.read_secret_version(
                name.removeprefix("secret/"), mount_point="secret", raise_on_deleted_version=True
            ),
        )


@contextmanager
def aws(folder: Path) -> Generator[Bench]:
    """Open AWS as moto has it."""
    server = start("moto", folder)
    raw = raw_client(server.url)
    os.environ.update(LOGIN)
    with open_store(f"aws://{REGION}?endpoint_url={quote(server.url, safe='')}") as store:
        yield Bench(store, lambda name: raw.get_secret_value(SecretId=name, VersionStage="AWSCURRENT"))


@contextmanager
def gcp(folder: Path) -> Generator[Bench]:
    """Open the tests' server for Google's protocol."""
    with serving("gcp", folder) as server, open_store(f"gcp://{PROJECT}?endpoint={server['address']}") as store:
        raw = raw_google(server["address"])
        path = f"projects/{PROJECT}/secrets/{{}}/versions/latest"
        yield Bench(store, lambda name: raw.access_secret_version(name=path.format(name)))


@contextmanager
def azure(folder: Path) -> Generator[Bench]:
    """Open the tests' server for Azure's protocol."""
    with serving("azure", folder) as server:
        os.environ.update(server["environ"])
        raw = SecretClient(
            f"https://{server['host']}",
            ManagedIdentityCredential(),
            verify_challenge_resource=False,
            connection_verify=server["authority"],
        )
        url = f"azure://{server['host']}?credential=managed&ca_bundle={quote(server['authority'], safe='')}"
        with open_store(url) as store:
            yield Bench(store, raw.get_secret)


def main() -> list[Row]:
    """Measure every store."""
    rows: list[Row] = []
    for name, opened in {"OpenBao": openbao, "AWS": aws, "GCP": gcp, "Azure": azure}.items():
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            stack.callback(stop, folder)
            bench = stack.enter_context(opened(folder))
            names = filled(bench.store)
            rows.append(
                Row(f"{name}: a cold get / the SDK's own call", against_the_sdk(bench, names[0]), BUDGETS[name])
            )
            rows.append(
                Row(f"{name}: a cold get with {VARIABLES:,} variables / without", crowded(bench.store, names[0]), 1.1)
            )
            bench.store._operations._driver = Far(bench.store._operations._driver)  # noqa: SLF001
            rows.append(Row(f"{name}: get_all of {MANY} / one by one, 5 ms away", many(bench.store, names), 0.5))
    return rows


def filled(store: Store) -> list[str]:
    """Write secrets and return their names."""
    store.create_vault("api-keys")
    record, names = workspace_of(store).record("api-keys"), [f"secret{number}" for number in range(MANY)]
    for name in names:
        workspace_of(store).put_secret(record, "api-keys", name, Secret("value"), expect=ABSENT)
    return names


def against_the_sdk(bench: Bench, name: str) -> float:
    """Return the median of a get over that of the SDK's call, each in turn."""
    native = workspace_of(bench.store).vault_names("api-keys").secrets + name
    return paired(lambda: bench.store.get("api-keys", name), lambda: bench.read(native))


def crowded(store: Store, name: str) -> float:
    """Return the median of a get in an environment with many variables over that of one without them."""
    many = {f"A_VARIABLE_{number}": "value" for number in range(VARIABLES)}
    alone = statistics.median(seconds(lambda: store.get("api-keys", name)) for _ in range(ROUNDS))
    os.environ.update(many)
    try:
        return statistics.median(seconds(lambda: store.get("api-keys", name)) for _ in range(ROUNDS)) / alone
    finally:
        for variable in many:
            del os.environ[variable]


def paired(ours: Callable[[], object], theirs: Callable[[], object]) -> float:
    """Return the median ratio of *ours* to *theirs*, each pair in turn and in changing order."""
    ratios: list[float] = []
    for turn in range(ROUNDS):
        if turn % 2:
            first, second = seconds(ours), seconds(theirs)
            ratios.append(first / second)
        else:
            first, second = seconds(theirs), seconds(ours)
            ratios.append(second / first)
    return statistics.median(ratios)


def many(store: Store, names: list[str]) -> float:
    """Return the median time of reading all at once over that of one by one."""
    ratios = [
        seconds(lambda: store.get_all("api-keys", names))
        / seconds(lambda: [store.get("api-keys", name) for name in names])
        for _ in range(7)
    ]
    return statistics.median(ratios)


def seconds(do: Callable[[], object]) -> float:
    """Return how long *do* takes."""
    begun = time.perf_counter()
    do()
    return time.perf_counter() - begun
