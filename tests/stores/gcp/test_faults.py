"""Faults between the Google driver and the service end as the right error in time, or as success."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from grpc import StatusCode

from tailorsecrets.driver import ABSENT, Entry
from tailorsecrets.errors import (
    ConfigError,
    Denied,
    SecretsError,
    Throttled,
    Unauthenticated,
    Unavailable,
)
from tailorsecrets.secret import Secret
from tailorsecrets.store.layers import stack
from tailorsecrets.store.store import Store
from tailorsecrets_gcp.driver import GcpDriver
from tests.support.gcp.faults import Rule, api_off, denied, exhausted, not_signed_in, unavailable
from tests.support.gcp.fixtures import Bench, bench
from tests.support.gcp.rules import Refusal

NAME = "default_api-keys_stripe"
STAMP = "q3JmW8x-T0_vLr5kYc2ZbH9sNfDgA7eP"
TIMEOUT = 1.5  # seconds of a read
SLACK = 1.0  # seconds, on a machine that has other things to do

BROKEN = Refusal(StatusCode.INTERNAL, "Internal error.")


@pytest.fixture
def at() -> Iterator[Bench]:
    """Yield a server with one secret."""
    with bench(timeout=TIMEOUT) as made:
        made.backdoor.write(NAME, "value")
        yield made


@pytest.fixture
def driver(at: Bench) -> Iterator[GcpDriver]:
    """Yield a driver."""
    driver = at.connect()
    yield driver
    driver.close()


def outcome(driver: GcpDriver, op: str, call: Callable[[], object]) -> type[SecretsError] | object:
    """Return what *call* returns, or the kind of error that it raises."""
    try:
        return call()
    except Exception as exc:  # noqa: BLE001 - whatever a driver raises has to have a meaning
        return driver.explain(exc, op).kind


def versions(at: Bench) -> int:
    """Return how many versions there are."""
    return len(list(at.backdoor.client.list_secret_versions(parent=at.backdoor.secret(NAME))))


@pytest.mark.parametrize("refusal", [unavailable(), BROKEN, exhausted(), exhausted(0.1)], ids=lambda r: r.message)
def test_a_read_outlives_two_refusals(at: Bench, driver: GcpDriver, refusal: Refusal) -> None:
    """A read that is refused twice waits as long as the service asks, and is answered."""
    at.server.faults.add(Rule(times=2, refusal=refusal))
    started = time.monotonic()
    assert driver.get(NAME).value == Secret("value")
    assert len(at.methods()) == 3
    assert time.monotonic() - started > (0.2 if refusal.details else 0.1)


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        (Rule(refusal=unavailable()), Unavailable),
        (Rule(refusal=BROKEN), Unavailable),
        (Rule(refusal=exhausted()), Throttled),
        (Rule(refusal=exhausted(3600)), Throttled),
        (Rule(hangs=True), Unavailable),
        (Rule(seconds=5), Unavailable),
    ],
    ids=["unavailable", "internal", "throttled", "throttled for an hour", "silent", "slow"],
)
def test_a_read_ends_in_time(at: Bench, driver: GcpDriver, rule: Rule, kind: type[SecretsError]) -> None:
    """A fault that does not end is given up within the budget, with its own error."""
    at.server.faults.add(rule)
    started = time.monotonic()
    assert outcome(driver, "get", lambda: driver.get(NAME)) is kind
    assert time.monotonic() - started < TIMEOUT + SLACK


@pytest.mark.parametrize("mode", ["swallow", "reset", "cut"])
def test_a_broken_wire(at: Bench, driver: GcpDriver, mode: str) -> None:
    """Without a wire a read is Unavailable in time, and the same connection reads once the wire is mended."""
    driver.get(NAME)
    if mode == "cut":
        at.wire.cut()
    else:
        at.wire.mode = "reset" if mode == "reset" else "swallow"
    started = time.monotonic()
    assert outcome(driver, "get", lambda: driver.get(NAME)) is Unavailable
    assert time.monotonic() - started < TIMEOUT + SLACK
    at.wire.mend()
    assert driver.get(NAME).value == Secret("value")


def test_nobody_listens() -> None:
    """A refused connection is an answer: a read and a write fail in about two seconds, not in the time for silence."""
    with bench(timeout=15.0) as at:
        driver = at.connect()
        at.wire.cut()
        for op, call in (("get", lambda: driver.get(NAME)), ("put", lambda: driver.put(NAME, Secret("new")))):
            started = time.monotonic()
            assert outcome(driver, op, call) is Unavailable
            assert 0.5 < time.monotonic() - started < 2.0 + SLACK  # a pause that would end later is not begun


def test_a_service_that_restarts(at: Bench, driver: GcpDriver) -> None:
    """A write is sent when the service listens again: it was not done before."""
    at.wire.cut()
    with ThreadPoolExecutor(1) as thread:
        written = thread.submit(driver.put, NAME, Secret("new"), stamp=STAMP)
        time.sleep(0.3)
        at.wire.mend()
        assert written.result().stamp == STAMP
    assert versions(at) == 2


def test_a_reset_connection_is_replaced(at: Bench, driver: GcpDriver) -> None:
    """A read over a connection that was reset meanwhile goes through."""
    driver.get(NAME)
    at.wire.reset()
    assert driver.get(NAME).value == Secret("value")


def test_latency_is_waited_for(at: Bench, driver: GcpDriver) -> None:
    """A slow answer within the budget is an answer."""
    at.server.faults.add(Rule(seconds=0.2))
    assert driver.get(NAME).value == Secret("value")


@pytest.mark.parametrize("lost", [unavailable(), None], ids=["refused", "silent"])
@pytest.mark.parametrize("applied", [True, False], ids=["done", "not done"])
def test_a_version_is_sent_once(at: Bench, driver: GcpDriver, lost: Refusal | None, *, applied: bool) -> None:
    """A version whose answer is lost is sent once and searched for; if it is missing, the next write adds it."""
    at.server.faults.add(Rule(methods=["AddSecretVersion"], refusal=lost, hangs=not lost, applied=applied))
    found = outcome(driver, "put", lambda: driver.put(NAME, Secret("new"), stamp=STAMP))
    assert at.methods().count("AddSecretVersion") == 1
    assert versions(at) == 1 + applied
    if applied:
        assert isinstance(found, Entry)
        assert found.stamp == STAMP
    else:
        assert found is Unavailable
    at.backdoor.recover()
    driver.put(NAME, Secret("new"), stamp=STAMP)
    assert versions(at) == 2 + applied
    assert driver.stat(NAME).stamp == STAMP


def test_a_lost_answer_and_another_value(at: Bench, driver: GcpDriver) -> None:
    """A version of another tool is not taken for the one whose answer was lost."""
    at.server.faults.add(Rule(methods=["AddSecretVersion"], refusal=unavailable()))
    at.backdoor.write(NAME, "theirs")
    assert outcome(driver, "put", lambda: driver.put(NAME, Secret("new"), stamp=STAMP)) is Unavailable
    assert driver.stat(NAME).stamp == ""


def test_a_lost_answer_to_a_login_that_reads_no_values(at: Bench, driver: GcpDriver) -> None:
    """Without the right to compare the value an update is Unavailable, and a create is found by its stamp."""
    at.server.faults.add(Rule(methods=["AccessSecretVersion"], refusal=denied("AccessSecretVersion", "it")))
    at.server.faults.add(Rule(methods=["AddSecretVersion"], refusal=unavailable(), applied=True))
    assert outcome(driver, "put", lambda: driver.put(NAME, Secret("new"), stamp=STAMP)) is Unavailable
    assert driver.put("default_api-keys_new", Secret("new"), expect=ABSENT, stamp=STAMP).stamp == STAMP


def test_a_lost_answer_to_a_claim(at: Bench, driver: GcpDriver) -> None:
    """A lost answer to the claim of a name without a value is not a Conflict: the name is filled."""
    at.backdoor.bare("default_api-keys_new")
    at.server.faults.add(Rule(methods=["UpdateSecret"], times=1, refusal=unavailable(), applied=True))
    assert driver.put("default_api-keys_new", Secret("new"), expect=ABSENT, stamp=STAMP).stamp == STAMP


@pytest.mark.parametrize(
    ("method", "refusal", "reason"),
    [
        ("UpdateSecret", denied("UpdateSecret", "it"), "permission denied"),
        ("GetSecret", denied("GetSecret", "it"), "permission denied"),
        ("UpdateSecret", unavailable(), "the store does not answer"),
        (
            "UpdateSecret",
            Refusal(StatusCode.FAILED_PRECONDITION, "The etag does not match."),
            "it changed in the meantime",
        ),
    ],
    ids=["denied", "may not read the secret", "unavailable", "moving"],
)
def test_a_write_without_its_stamp_is_done(
    at: Bench, driver: GcpDriver, method: str, refusal: Refusal, reason: str
) -> None:
    """Once the version is there the write is done: what fails after it is a note, and the version has no stamp."""
    at.server.faults.add(Rule(methods=[method], refusal=refusal))
    written = driver.put(NAME, Secret("canary"), stamp=STAMP)
    assert versions(at) == 2
    assert (written.version.partition("@")[0], written.stamp) == ("2", "")
    assert written.note == f"the value is written, but its stamp is missing: {reason}"
    at.backdoor.recover()
    assert driver.stat(NAME).version == written.version
    assert driver.stat(NAME).stamp == ""


def test_a_throttled_write_is_sent_again(at: Bench, driver: GcpDriver) -> None:
    """Each call of a write is repeated when it was refused as too many, and there is one version more."""
    at.server.faults.add(Rule(methods=["AddSecretVersion"], times=2, refusal=exhausted(0.05)))
    at.server.faults.add(Rule(methods=["UpdateSecret"], times=2, refusal=exhausted()))
    driver.put(NAME, Secret("new"), stamp=STAMP)
    assert versions(at) == 2
    at.server.faults.add(Rule(methods=["CreateSecret"], times=2, refusal=exhausted()))
    driver.put("default_api-keys_other", Secret("new"), expect=ABSENT)


@pytest.mark.parametrize("method", ["UpdateSecret", "GetSecret"])
def test_what_may_be_done_twice_is_sent_again(at: Bench, driver: GcpDriver, method: str) -> None:
    """A note of a stamp without an answer is sent again, though its etag is used up; the version is not."""
    at.server.faults.add(Rule(methods=[method], times=1, refusal=unavailable(), applied=True))
    assert driver.put(NAME, Secret("new"), stamp=STAMP).stamp == STAMP
    assert versions(at) == 2


@pytest.mark.parametrize("method", ["UpdateSecret", "DisableSecretVersion", "EnableSecretVersion", "DeleteSecret"])
def test_deletes_and_restores_outlive_lost_answers(at: Bench, driver: GcpDriver, method: str) -> None:
    """A delete, a restore and a purge whose answers are lost once are done."""
    at.server.faults.add(Rule(methods=[method], times=1, refusal=unavailable(), applied=True))
    driver.delete(NAME)
    assert driver.stat(NAME).state == "deleted"
    assert driver.restore(NAME).state == "live"
    driver.delete(NAME, purge=True)
    assert at.backdoor.secret_or_none(NAME) is None


def test_a_create_without_an_answer(at: Bench, driver: GcpDriver) -> None:
    """A create whose answer is lost leaves a bare name, which the next create fills."""
    name = "default_api-keys_new"
    at.server.faults.add(Rule(methods=["CreateSecret"], refusal=unavailable(), applied=True))
    assert outcome(driver, "put", lambda: driver.put(name, Secret("x"), expect=ABSENT, stamp=STAMP)) is Unavailable
    assert driver.stat(name).state == "bare"
    at.backdoor.recover()
    driver.put(name, Secret("x"), expect=ABSENT, stamp=STAMP)
    assert driver.stat(name).stamp == STAMP


def test_a_list_is_whole_or_an_error(at: Bench, driver: GcpDriver) -> None:
    """A page that fails once is requested again; a list that breaks off raises, and does not end early."""
    at.server.page = 4
    for number in range(10):
        at.backdoor.write(f"default_api-keys_key-{number}", "value")
    at.server.faults.add(Rule(methods=["ListSecrets"], skip=1, times=1, refusal=unavailable()))
    assert len([entry.name for entry in driver.list("default_")]) == 11
    assert at.methods().count("ListSecrets") == 4
    at.server.faults.add(Rule(methods=["ListSecrets"], skip=1, refusal=unavailable()))
    assert outcome(driver, "list", lambda: list(driver.list("default_"))) is Unavailable


@pytest.mark.parametrize(
    ("refusal", "kind", "hint"),
    [
        (denied("AccessSecretVersion", "it"), Denied, "may not secretmanager.versions.access"),
        (api_off(), Denied, "gcloud services enable secretmanager.googleapis.com"),
        (not_signed_in(), Unauthenticated, "gcloud auth application-default login"),
        (Refusal(StatusCode.INVALID_ARGUMENT, "The project is not valid."), ConfigError, "check project"),
    ],
    ids=["denied", "API off", "not signed in", "invalid"],
)
def test_what_the_user_reads(at: Bench, refusal: Refusal, kind: type[SecretsError], hint: str) -> None:
    """A refusal is not repeated, and says in one line what to do."""
    at.server.faults.add(Rule(refusal=refusal))
    with Store(stack(at.connect()), url="gcp://my-project") as store, pytest.raises(kind) as caught:
        store.get("api-keys", "stripe")
    assert hint in caught.value.hint
    assert str(caught.value).startswith("secret api-keys/stripe: ")
    assert "\n" not in f"{caught.value} {caught.value.hint}"
    assert len(at.methods()) == 1


def test_the_service_s_own_words(at: Bench) -> None:
    """An error of a read has the code and message of the service as its reason, one of a write only the code."""
    at.server.faults.add(Rule(refusal=Refusal(StatusCode.INVALID_ARGUMENT, "The project [x] is not valid.")))
    with Store(stack(at.connect()), url="gcp://my-project") as store:
        with pytest.raises(ConfigError) as caught:
            store.get("api-keys", "stripe")
        assert caught.value.reason == "INVALID_ARGUMENT: The project [x] is not valid."
        with pytest.raises(ConfigError) as refused:
            store.restore_secret("api-keys", "stripe")
        assert refused.value.reason == "INVALID_ARGUMENT"


def test_a_missing_name_under_rights_by_name(at: Bench) -> None:
    """Where rights are given secret by secret, a missing one is denied, never None, and the hint says so."""
    at.server.faults.add(Rule(resource=at.backdoor.secret("default_api-keys_none"), refusal=denied("GetSecret", "it")))
    with Store(at.connect(), url="gcp://my-project") as store, pytest.raises(Denied) as caught:
        store.get("api-keys", "none")
    assert "a missing secret is denied too" in caught.value.hint


def test_a_purge_that_found_nothing_is_fine(at: Bench, driver: GcpDriver) -> None:
    """Purging a secret that is purged already succeeds."""
    at.backdoor.client.delete_secret(name=at.backdoor.secret(NAME))
    driver.delete(NAME, purge=True)
    driver.delete(NAME)
    assert at.methods() == ["DeleteSecret", "GetSecret"]
