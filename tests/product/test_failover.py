"""Reading with failover on real servers: outages of each kind at the first target, and answers that are not outages."""

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tailorsecrets import (
    Corrupt,
    Denied,
    Disabled,
    SecretManager,
    SecretsError,
    Unauthenticated,
    Unavailable,
    define_secret_manager,
)
from tailorsecrets.testing.proxy import Rule
from tests.support.aws.wire import Reply
from tests.support.azure.faults import Rule as AzureRule
from tests.support.azure.rules import Refusal as AzureRefusal
from tests.support.gcp.faults import Rule as GoogleRule
from tests.support.gcp.faults import unavailable
from tests.support.gcp.relay import Wire
from tests.support.product.backend import Backend
from tests.support.product.backends import BACKENDS, Start
from tests.support.waiting import wait_for

NAMES = [f"name-{number}" for number in range(100)]
REPLICAS = {
    "openbao-folders": "aws",
    "openbao-mounts": "file",
    "aws": "openbao-folders",
    "aws-localstack": "file",
    "gcp": "azure",
    "azure": "gcp",
}
PATIENCE = 0.8  # seconds
TIMEOUT = 1.5  # seconds of the first target
IN_TURN = 100 / 8 * TIMEOUT  # seconds of 100 reads of a target that hangs, on its 8 threads


class Pair:
    """A program under a profile with two targets, and a stretch of wire before the first one."""

    def __init__(self, primary: Backend, replica: Backend, wire: Wire, folder: Path, timeout: float) -> None:
        self.primary, self.replica, self.wire = primary, replica, wire
        self.later = 0.0  # seconds that the clock of the program is ahead
        urls = [with_options(primary.url.replace(str(port_of(primary.url)), str(wire.port)), primary, timeout)]
        urls.append(with_options(replica.url, replica, 15))
        store = ", ".join(f'"{url}"' for url in urls)
        (folder / "tailorsecrets.toml").write_text(f"[profiles.prod]\nstore = [{store}]\nfailover_after = {PATIENCE}\n")
        self.urls = [url.partition("?workspace")[0].partition("&workspace")[0] for url in urls]
        self.secrets: SecretManager = define_secret_manager({"abc": dict.fromkeys(NAMES)}, folder=folder)
        self.secrets.connect(profile="prod")
        self.secrets._cache.clock = lambda: time.monotonic() + self.later
        self.secrets.configure(timeout=30)

    def put(self, name: str, value: str) -> None:
        """Write *value* to both."""
        for backend in (self.primary, self.replica):
            with backend.store() as store:
                if not any(vault.name == "abc" for vault in store.list_vaults()):
                    store.create_vault("abc")
                store.create_secret("abc", name, value)

    def replica_calls(self, do: Callable[[], object]) -> int:
        """Return how many calls arrive at the replica while *do* runs."""
        before = len(self.replica.arrived())
        do()
        return len(self.replica.since(before))

    def answered_by(self, name: str) -> int:
        """Return which of the two gives the value of *name* now."""
        reading = self.secrets.read("abc", name, max_age=0)
        assert reading.value == name
        return [url.partition("?")[0] for url in self.urls].index(reading.store.partition("?")[0])


def with_options(url: str, backend: Backend, timeout: float) -> str:
    """Return *url* with a timeout and the workspace of *backend*."""
    return f"{url}{'&' if '?' in url else '?'}timeout={timeout}&workspace={backend.workspace}"


def port_of(url: str) -> int:
    """Return the port of the server on this machine that *url* names."""
    return int(re.findall(r"(?::|%3A)(\d+)", url)[-1])


@pytest.fixture
def pair(
    request: pytest.FixtureRequest, tmp_path: Path, servers: Start, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Pair]:
    """Give a program on two stores; the parameter names the first one."""
    with ExitStack() as stack:
        opened = []
        for store in (request.param, REPLICAS[request.param]):
            folder = tmp_path / store
            folder.mkdir()
            opened.append(stack.enter_context(BACKENDS[store](folder, servers)))
        for backend in opened:
            for name, value in backend.environ.items():
                monkeypatch.setenv(name, value)
        primary, replica = opened
        wire = Wire(("127.0.0.1", port_of(primary.url)))
        stack.callback(wire.cut)
        pair = Pair(primary, replica, wire, tmp_path, TIMEOUT)
        yield pair
        pair.secrets.close()


def killed(pair: Pair) -> None:
    """Refuse connections, and reset those that stand."""
    pair.wire.cut()


def hung(pair: Pair) -> None:
    """Take what is sent, and answer nothing."""
    pair.wire.mode = "swallow"


def resetting(pair: Pair) -> None:
    """Reset each connection when something is sent on it."""
    pair.wire.mode = "reset"


def overloaded(pair: Pair) -> None:
    """Answer 503, in the store's own form."""
    door: Any = pair.primary.backdoor
    if hasattr(door, "proxy"):
        door.proxy.rules.append(Rule(status=503, headers={"Content-Type": "application/json"}, body=b'{"errors":[]}'))
    elif hasattr(door, "_aws"):
        door._aws.wire.fail(Reply(503, b"{}"), times=float("inf"))
    elif pair.primary.name == "GCP":
        door._server.faults.add(GoogleRule(refusal=unavailable()))
    else:
        door.server.faults.add(AzureRule(refusal=AzureRefusal(503, "ServiceUnavailable", "later")))


def throttling(pair: Pair) -> None:
    """Answer 429, in the store's own form."""
    pair.primary.backdoor.throttle(10**9)


OUTAGES = [killed, hung, resetting, overloaded, throttling]


@pytest.mark.parametrize("outage", OUTAGES)
@pytest.mark.parametrize("pair", sorted(REPLICAS), indirect=True)
def test_reads_go_on_from_the_replica(pair: Pair, outage: Callable[[Pair], None]) -> None:
    """A cold read is answered by the replica, from the second one on without waiting; then the first target is back."""
    for name in NAMES[:4]:
        pair.put(name, name)
    pair.secrets.get("abc", NAMES[0])  # makes the client and signs in
    assert pair.replica_calls(lambda: pair.answered_by(NAMES[1])) == 0
    outage(pair)
    assert pair.secrets.get("abc", NAMES[2]) == NAMES[2]
    begin = time.monotonic()
    assert pair.answered_by(NAMES[3]) == 1
    assert time.monotonic() - begin < PATIENCE  # nobody waits for the first target again
    assert pair.secrets.get("abc", NAMES[0]) == NAMES[0]
    pair.wire.mend()
    pair.primary.backdoor.recover()
    back, pair.later = time.monotonic(), pair.later + 60
    while not is_back(pair, NAMES[3]):
        assert time.monotonic() - back < 20
        time.sleep(0.05)
        pair.later += 1


def is_back(pair: Pair, name: str) -> bool:
    """Tell whether the first target gives the value of *name*, without a call of the replica."""
    answered = list[int]()
    return pair.replica_calls(lambda: answered.append(pair.answered_by(name))) == 0 and answered == [0]


@pytest.mark.parametrize("pair", ["openbao-folders"], indirect=True)
def test_100_cold_readers_while_the_first_target_hangs(pair: Pair) -> None:
    """All are answered on at most 17 threads, and none waits for its turn at the first target."""
    for name in NAMES:
        pair.replica.backdoor.write(native(pair.replica, name), name)
    hung(pair)
    values, most, done = list[str | None](), [0], threading.Event()

    def watch() -> None:
        while not done.wait(0.005):
            most[0] = max(most[0], sum(t.name.startswith("tailorsecrets") for t in threading.enumerate()))

    watcher = threading.Thread(target=watch)
    watcher.start()
    readers = [
        threading.Thread(target=lambda name=name: values.append(pair.secrets.get("abc", name))) for name in NAMES
    ]
    begin = time.monotonic()
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(30)
    took = time.monotonic() - begin
    done.set()
    watcher.join()
    assert sorted(map(str, values)) == sorted(NAMES)
    assert took < IN_TURN / 2  # benchmarks/bench_failover.py measures how long it takes
    assert most[0] <= 17
    assert pair.secrets.cache_info().failovers == 100


def native(backend: Backend, name: str) -> str:
    """Return the native name of ``abc/name``."""
    with backend.store() as store:
        return backend.native(store, "abc", name)


ANSWERS: Mapping[str, tuple[Callable[[Backend, str], object], type[SecretsError] | None]] = {
    "missing": (lambda _, __: None, None),
    "denied": (lambda backend, name: backend.backdoor.deny(name), Denied),
    "disabled": (lambda backend, name: backend.backdoor.disable(name), Disabled),
    "unauthenticated": (lambda backend, _: backend.backdoor.expire_login(), Unauthenticated),
    "corrupt": (lambda backend, name: backend.backdoor.write_bytes(name, b"\xff\xfe"), Corrupt),
}
CANNOT = {
    ("openbao-folders", "disabled"),
    ("aws", "disabled"),
    ("azure", "corrupt"),
}


@pytest.mark.parametrize(
    ("pair", "answer"),
    [
        pytest.param(store, answer, id=f"{store}-{answer}")
        for store in ("openbao-folders", "aws", "gcp", "azure")
        for answer in ANSWERS
        if (store, answer) not in CANNOT
    ],
    indirect=["pair"],
)
def test_an_answer_is_never_asked_of_the_replica(pair: Pair, answer: str) -> None:
    """Missing, denied, disabled, unauthenticated and corrupt at the first target are its answer: 0 calls elsewhere."""
    arrange, kind = ANSWERS[answer]
    pair.put(NAMES[0], NAMES[0])
    name = NAMES[1] if kind in {None, Corrupt} else NAMES[0]
    arrange(pair.primary, native(pair.primary, name))
    before = len(pair.replica.arrived())
    if kind is None:
        assert pair.secrets.get("abc", name) is None
    else:
        with pytest.raises(kind):
            pair.secrets.get("abc", name)
    assert len(pair.replica.since(before)) == 0


@pytest.mark.parametrize("pair", ["aws"], indirect=True)
def test_a_cold_read_of_a_healthy_store_is_one_call(pair: Pair) -> None:
    """With a replica in the profile too; 100 names one by one are 100 calls, and none at the replica."""
    for name in NAMES:
        pair.primary.backdoor.write(native(pair.primary, name), name)
    before = len(pair.primary.arrived())
    assert pair.replica_calls(lambda: [pair.secrets.get("abc", name) for name in NAMES]) == 0
    assert len(pair.primary.since(before)) == 100
    wait_for(lambda: pair.secrets.cache_info().flights == 0)


@pytest.mark.parametrize("pair", ["openbao-folders", "gcp"], indirect=True)
def test_missing_at_the_replica_during_an_outage(pair: Pair) -> None:
    """The error is Unavailable, with the answer of each target."""
    pair.put(NAMES[0], NAMES[0])
    killed(pair)
    with pytest.raises(Unavailable) as caught:
        pair.secrets.get("abc", NAMES[1])
    first, second = (url.partition("?")[0] for url in pair.urls)
    assert f"{first}" in str(caught.value)
    assert f"{second}" in str(caught.value)
    assert str(caught.value).endswith("the secret does not exist")
