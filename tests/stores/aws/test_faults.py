"""Trouble on the wire: each ends as success or as the right error, within the budget, and no write is doubled."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Timer

import pytest

from tailorsecrets.driver import ABSENT, PRESENT, Driver, Entry
from tailorsecrets.errors import Denied, SecretsError, Throttled, Unauthenticated, Unavailable
from tailorsecrets.secret import Secret
from tailorsecrets.store.store import Store
from tailorsecrets.testing.conformance.suite import STAMP, names, refused
from tailorsecrets.testing.serving import free_port
from tailorsecrets.testing.web_server import WebServer
from tests.support.aws.backdoor import THROTTLED, Aws, aws_before
from tests.support.aws.wire import (
    CLOSED,
    EXPIRED,
    PAGE,
    RESET,
    Call,
    Do,
    Fault,
    Reply,
    _Handler,
    answer,
    cut,
    denied,
    lost,
    refuse,
    slow,
)
from tests.support.servers import Server

READ = 0.9  # seconds; a write has four times that
CHECKED = 1.5  # seconds, of which a third is enough for a metadata read on a busy machine
FOREVER = float("inf")
SLACK = 1.0  # seconds more than the budget, for a busy machine
NUMBERS = count()
WRITES = ("create", "put", "delete", "restore")

TROUBLE: dict[str, tuple[Fault | Reply, type[SecretsError]]] = {
    "throttled": (THROTTLED, Throttled),
    "throttled by a proxy": (Reply(429, b"slow down"), Throttled),
    "500": (refuse("InternalServiceError", status=500), Unavailable),
    "503 of a load balancer": (Reply(503, b"<html>no backend</html>", {"Content-Type": "text/html"}), Unavailable),
    "closed": (CLOSED, Unavailable),
    "reset": (RESET, Unavailable),
    "a page": (PAGE, Unavailable),
    "nothing": (answer({}), Unavailable),
    "half an answer": (cut, Unavailable),
    "no answer": (slow(READ), Unavailable),
}
FINAL: dict[str, tuple[Fault | Reply, type[SecretsError]]] = {
    "denied": (lambda call, _do: denied(call, call.name), Denied),
    "a proxy's 403": (Reply(403, b"<html>blocked</html>"), Denied),
    "expired": (EXPIRED, Unauthenticated),
    "unknown key": (refuse("UnrecognizedClientException"), Unauthenticated),
    "wrong secret key": (refuse("InvalidSignatureException"), Unauthenticated),
    "skewed clock": (refuse("RequestExpired"), Unauthenticated),
}


@pytest.fixture(params=["moto", "localstack_aws"])
def both(request: pytest.FixtureRequest) -> Iterator[Aws]:
    """Give the wire before each emulator: they answer a repeated write in different ways."""
    aws = aws_before(request.getfixturevalue(request.param))
    yield aws
    aws.close()


@pytest.fixture
def aws(moto: Server) -> Iterator[Aws]:
    """Give the wire before moto."""
    aws = aws_before(moto)
    yield aws
    aws.close()


def operations(driver: Driver) -> dict[str, tuple[str, Callable[[], object]]]:
    """Return a call of each kind with its method, on secrets that are made for it."""
    prefix = f"faults/v{next(NUMBERS)}/"
    for name in ("live", "deleted"):
        driver.put(prefix + name, Secret("old"), expect=ABSENT)
    driver.delete(prefix + "deleted")
    return {
        "get": ("get", lambda: driver.get(prefix + "live")),
        "get_many": ("get_many", lambda: driver.get_many([prefix + "live"])),
        "stat": ("stat", lambda: driver.stat(prefix + "live")),
        "list": ("list", lambda: names(driver.list(prefix))),
        "versions": ("versions", lambda: list(driver.versions(prefix + "live"))),
        "create": ("put", lambda: driver.put(prefix + "new", Secret("new"), expect=ABSENT)),
        "put": ("put", lambda: driver.put(prefix + "live", Secret("new"), expect=PRESENT)),
        "delete": ("delete", lambda: driver.delete(prefix + "live")),
        "restore": ("restore", lambda: driver.restore(prefix + "deleted")),
    }


@pytest.mark.parametrize("trouble", TROUBLE)
def test_trouble_that_lasts(aws: Aws, trouble: str) -> None:
    """Each operation retries while its budget lasts, and then raises the meaning of the last answer."""
    fault, kind = TROUBLE[trouble]
    driver = aws.open(timeout=READ)
    prepared = operations(driver)
    aws.wire.fail(fault, times=FOREVER)

    with ThreadPoolExecutor(len(prepared)) as threads:
        outcomes = dict(zip(prepared, threads.map(lambda op: outcome(driver, *prepared[op]), prepared), strict=True))

    assert dict.fromkeys(prepared, kind) == {op: kind for op, (kind, _) in outcomes.items()}
    late = {op: took for op, (_, took) in outcomes.items() if took > READ * (4 if op in WRITES else 1) + SLACK}
    assert not late
    driver.close()


def outcome(driver: Driver, method: str, call: Callable[[], object]) -> tuple[type[SecretsError], float]:
    """Return the meaning of the exception that *call* raises, and the seconds that it took."""
    start = time.monotonic()
    try:
        call()
    except Exception as exc:  # noqa: BLE001  # every exception of a driver has a meaning
        return driver.explain(exc, method).kind, time.monotonic() - start
    raise AssertionError(f"{method} went through")


@pytest.mark.parametrize("trouble", [name for name in TROUBLE if name != "no answer"])
def test_trouble_that_passes(aws: Aws, trouble: str) -> None:
    """After two bad answers a good one makes each operation succeed, and each write was done once."""
    fault, _ = TROUBLE[trouble]
    driver = aws.open(timeout=3.0)
    for method, call in operations(driver).values():
        aws.wire.fail(fault, times=2)
        done = call()
        if method == "put":
            assert isinstance(done, Entry)
            assert [done.version, *_before(driver, done)] == [entry.version for entry in driver.versions(done.name)]
    driver.close()


def _before(driver: Driver, written: Entry) -> list[str]:
    """Return the one older version that the secret has, if it was there before."""
    older = [entry.version for entry in driver.versions(written.name) if entry.version != written.version]
    return older if written.name.endswith("live") and len(older) == 1 else []


@pytest.mark.parametrize("trouble", FINAL)
def test_no_retry_after_a_final_refusal(aws: Aws, trouble: str) -> None:
    """A refusal that a retry would not change is final: one call, and the right error at once."""
    fault, kind = FINAL[trouble]
    driver = aws.open(timeout=READ)
    for method, call in operations(driver).values():
        aws.wire.forget()
        aws.wire.fail(fault, times=FOREVER)
        with refused(driver, method, kind):
            call()
        aws.wire.heal()
        assert len(aws.wire.arrived) == 1
    driver.close()


@pytest.mark.parametrize("expect", [ABSENT, PRESENT, None])
def test_a_write_that_was_done_and_not_answered(both: Aws, expect: str | None) -> None:
    """A write whose answer is lost is sent again with the same version id, and is there once."""
    driver = both.open(timeout=3.0)
    name = f"faults/lost-{next(NUMBERS)}/key"
    if expect != ABSENT:
        driver.put(name, Secret("old"), expect=ABSENT)
    both.wire.fail(lost, op="CreateSecret" if expect == ABSENT else "PutSecretValue", times=2)
    both.wire.forget()

    written = driver.put(name, Secret("new"), expect=expect, stamp=STAMP)

    tokens = {call.facts["ClientRequestToken"] for call in both.wire.arrived if "ClientRequestToken" in call.facts}
    assert tokens == {written.version}
    stored = driver.get(name)
    assert (stored.value, stored.entry.version, stored.entry.stamp) == (Secret("new"), written.version, STAMP)
    assert len(list(driver.versions(name))) == (1 if expect == ABSENT else 2)
    driver.close()


def test_a_write_that_is_never_answered(both: Aws) -> None:
    """A write whose answer never comes is Unavailable, and was done once at most."""
    driver = both.open(timeout=READ)
    name = f"faults/never-{next(NUMBERS)}/key"
    both.wire.fail(lost, op="CreateSecret", times=FOREVER)

    with refused(driver, "put", Unavailable):
        driver.put(name, Secret("new"), expect=ABSENT)

    both.wire.heal()
    assert len(list(driver.versions(name))) == 1
    driver.close()


def test_a_write_whose_repeats_are_throttled(aws: Aws) -> None:
    """A write may be done whose answer is lost and whose repeats AWS refuses: that is Unavailable, not Throttled."""
    driver = aws.open(timeout=READ)
    aws.wire.fail(THROTTLED, op="CreateSecret", times=FOREVER)
    aws.wire.fail(lost, op="CreateSecret")

    with pytest.raises(Unavailable) as caught:
        driver.put(f"faults/repeats-{next(NUMBERS)}/key", Secret("new"), expect=ABSENT)

    assert (caught.value.retryable, caught.value.__context__) == (False, None)
    driver.close()


WRITTEN: list[tuple[str, Callable[[Store], object]]] = [
    ("CreateSecret", lambda store: store.create_secret("api-keys", "new", Secret("new"))),
    ("PutSecretValue", lambda store: store.update_secret("api-keys", "live", Secret("new"))),
    ("DeleteSecret", lambda store: store.delete_secret("api-keys", "live")),
    ("RestoreSecret", lambda store: store.restore_secret("api-keys", "deleted")),
]  # an operation of AWS, and a write of the product that sends it


@pytest.fixture
def store(aws: Aws) -> Iterator[Store]:
    """Give a store with a live and a deleted secret."""
    prefix = f"faults/s{next(NUMBERS)}"
    with Store(aws.open(), url="aws://eu-west-1", prefix=prefix) as prepared:
        prepared.create_vault("api-keys")
        for name in ("live", "deleted"):
            prepared.create_secret("api-keys", name, Secret("old"))
        prepared.delete_secret("api-keys", "deleted")
    with Store(aws.open(timeout=CHECKED), url="aws://eu-west-1", prefix=prefix) as store:
        yield store


@pytest.mark.parametrize(("op", "write"), WRITTEN, ids=[op for op, _ in WRITTEN])
@pytest.mark.parametrize("fault", [lost, CLOSED], ids=["done", "not-done"])
def test_the_outcome_of_a_write_without_an_answer(
    aws: Aws, store: Store, fault: Fault | Reply, op: str, write: Callable[[Store], object]
) -> None:
    """A write without an answer is success where it was done, else the error says that it was not done."""
    aws.wire.fail(fault, op=op, times=FOREVER)
    if fault is lost:
        write(store)
        return
    with pytest.raises(Unavailable) as caught:
        write(store)
    assert caught.value.outcome == "not done"


def test_the_outcome_of_a_write_is_unknown(aws: Aws, store: Store) -> None:
    """Where the store does not answer the read after the write either, the error says that it may be done."""

    def lost_for_good(call: Call, do: Do) -> Reply:
        aws.wire.fail(CLOSED, times=FOREVER)
        return lost(call, do)

    aws.wire.fail(lost_for_good, op="PutSecretValue")

    with pytest.raises(Unavailable) as caught:
        store.update_secret("api-keys", "live", Secret("new"))

    assert caught.value.outcome == "unknown"


def test_a_delete_and_a_restore_that_were_done_and_not_answered(both: Aws) -> None:
    """A repeated delete or restore succeeds where the first one was done."""
    driver = both.open(timeout=3.0)
    name = f"faults/again-{next(NUMBERS)}/key"
    driver.put(name, Secret("value"))
    both.wire.fail(lost, op="DeleteSecret")
    both.wire.fail(lost, op="RestoreSecret")

    driver.delete(name)
    assert driver.stat(name).state == "deleted"
    driver.restore(name)
    assert driver.get(name).value == Secret("value")
    driver.close()


@pytest.mark.parametrize(("header", "text"), [("Retry-After", "1"), ("x-amz-retry-after", "1000")])
def test_retry_after(aws: Aws, header: str, text: str) -> None:
    """A pause is at least as long as the store asks for."""
    driver = aws.open()
    name = f"faults/retry-after-{header}/key"
    driver.put(name, Secret("value"))
    aws.wire.fail(refuse("ThrottlingException", "Rate exceeded", headers={header: text}))
    start = time.monotonic()

    driver.get(name)

    assert time.monotonic() - start >= 1.0
    driver.close()


def test_retry_after_the_end_of_the_budget(aws: Aws) -> None:
    """A pause that is longer than the budget does not begin."""
    driver = aws.open()
    aws.wire.fail(refuse("ThrottlingException", "Rate exceeded", headers={"Retry-After": "60"}), times=FOREVER)
    start = time.monotonic()

    with refused(driver, "get", Throttled):
        driver.get("faults/v/key")

    assert time.monotonic() - start < 5.0
    assert len(aws.wire.arrived) == 1
    driver.close()


def test_a_slow_store_is_waited_for(aws: Aws) -> None:
    """A late answer within the time-out is an answer, and nothing is sent twice."""
    driver = aws.open(timeout=3.0)
    driver.put("faults/slow/key", Secret("value"))
    aws.wire.fail(slow(0.5), times=FOREVER)
    aws.wire.forget()

    assert driver.get("faults/slow/key").value == Secret("value")
    assert len(aws.wire.arrived) == 1
    driver.close()


def test_a_page_in_the_middle_of_a_list(aws: Aws) -> None:
    """A damaged second page of a list is requested again, and each name appears once."""
    driver = aws.open()
    for number in range(120):
        aws.raw.create_secret(Name=f"faults/middle/key-{number:03}", SecretString="x")
    listing = driver.list("faults/middle/")
    first = next(listing)
    aws.wire.fail(cut, op="ListSecrets")

    assert sorted([first.name, *names(listing)]) == [f"faults/middle/key-{number:03}" for number in range(120)]
    assert aws.wire.counts["ListSecrets"] == 3
    driver.close()


@pytest.mark.parametrize("timeout", [READ, 15.0])
def test_a_refused_connection(aws: Aws, timeout: float) -> None:
    """A refused connection is Unavailable after two seconds at most, and the hint names the settings to check."""
    driver = aws.open(timeout=timeout, endpoint_url="http://127.0.0.1:9")
    calls: dict[str, Callable[[str], object]] = {"get": driver.get, "delete": driver.delete}
    for op, call in calls.items():
        start = time.monotonic()
        with pytest.raises(Exception, match="connect") as caught:
            call("faults/v/key")
        problem = driver.explain(caught.value, op)
        assert problem.kind is Unavailable
        assert "region" in problem.hint
        assert time.monotonic() - start < 2.0 + SLACK
    driver.close()


def test_a_server_that_starts_to_listen(aws: Aws) -> None:
    """A refused connection is tried again for a moment, in which a server may start."""
    port = free_port()
    driver = aws.open(endpoint_url=f"http://127.0.0.1:{port}")
    aws.raw.create_secret(Name="faults/starts/key", SecretString="value")
    servers: list[WebServer] = []
    start = Timer(0.3, lambda: servers.append(WebServer(_Handler, aws.wire, port=port)))
    start.start()

    assert driver.get("faults/starts/key").value == Secret("value")
    driver.close()
    start.join()
    servers[0].close()
