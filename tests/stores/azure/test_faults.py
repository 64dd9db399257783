"""Faults between the driver and a Key Vault: the right error within the budget, or success; no write is done twice."""

import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from tailorsecrets.driver import ABSENT, PRESENT, Driver
from tailorsecrets.errors import (
    ConfigError,
    Denied,
    Disabled,
    NotFound,
    SecretsError,
    Throttled,
    Unauthenticated,
    Unavailable,
    Unsupported,
)
from tailorsecrets.secret import Secret
from tailorsecrets.testing.conformance.suite import problem, refused
from tailorsecrets_azure.driver import AzureDriver
from tests.support.azure import rules
from tests.support.azure.backdoor import AzureBackdoor
from tests.support.azure.faults import Rule
from tests.support.azure.fixtures import server, target
from tests.support.azure.server import Server

__all__ = ["server"]

SLACK = 0.6  # seconds that a busy machine may take on top
READ = 1.0  # seconds of a read in these tests; a write has four times as many
NAME = "default--api-keys--stripe"
BROKEN = [
    Rule(answer="reset"),
    Rule(answer="cut"),
    Rule(answer="html"),
    Rule(answer="empty"),
    Rule(refusal=rules.down(500)),
    Rule(refusal=rules.down(503)),
]
IDS = ["reset", "cut", "html", "empty", "500", "503"]


@pytest.fixture
def driver(server: Server) -> Iterator[Driver]:
    """Give a connection that is signed in, to a Key Vault that has one secret."""
    backdoor = AzureBackdoor(server)
    backdoor.write(NAME, "value")
    backdoor.close()
    driver = AzureDriver(target(server, timeout=READ))
    driver.get(NAME)
    yield driver
    server.faults.recover()
    driver.close()


def meaning(driver: Driver, op: str) -> type[SecretsError]:
    """Return the kind of the exception that a call of method *op* raises."""
    calls: dict[str, Callable[[], object]] = {
        "get": lambda: driver.get(NAME),
        "list": lambda: list(driver.list("")),
        "put": lambda: driver.put(NAME, Secret("new")),
        "delete": lambda: driver.delete(NAME),
        "purge": lambda: driver.delete(NAME, purge=True),
    }
    try:
        calls[op]()
    except Exception as exc:  # noqa: BLE001 - whatever the driver raises must have a meaning
        return problem(driver, exc, "delete" if op == "purge" else op).kind
    raise AssertionError(f"{op} succeeded")


def rule(like: Rule, operation: str = "", times: int = 10**9, *, applied: bool = False) -> Rule:
    """Return a rule of the kind of *like*."""
    return Rule(operation=operation, times=times, refusal=like.refusal, answer=like.answer, applied=applied)


@pytest.mark.parametrize("broken", BROKEN, ids=IDS)
def test_a_read_outlives_two_broken_answers(server: Server, driver: Driver, broken: Rule) -> None:
    """A read is sent again, and so is each page of a list."""
    server.faults.add(rule(broken, "get", 2))
    server.faults.add(rule(broken, "list", 2))
    assert driver.get(NAME).value == Secret("value")
    assert [entry.name for entry in driver.list("default--")] == [NAME]


@pytest.mark.parametrize("broken", BROKEN, ids=IDS)
@pytest.mark.parametrize("op", ["get", "list"])
def test_a_read_that_never_works_is_unavailable_in_time(server: Server, driver: Driver, broken: Rule, op: str) -> None:
    """Whatever breaks each answer to a read, it ends as Unavailable within its budget."""
    server.faults.add(rule(broken))
    start = time.monotonic()
    assert meaning(driver, op) is Unavailable
    assert time.monotonic() - start < READ + SLACK


@pytest.mark.parametrize("applied", [False, True], ids=["lost on its way", "answer lost"])
@pytest.mark.parametrize("broken", BROKEN, ids=IDS)
def test_a_write_is_sent_once(server: Server, driver: Driver, broken: Rule, applied: bool) -> None:
    """A write without a good answer is Unavailable, was sent once, and made at most one version."""
    server.faults.add(rule(broken, "set", applied=applied))
    assert meaning(driver, "put") is Unavailable
    assert server.operations().count("set") == 2  # the other tool's, and ours
    assert len(server.vault.versions(NAME)) == (2 if applied else 1)


def test_a_hanging_read_is_tried_again_and_ends_in_time(server: Server, driver: Driver) -> None:
    """A read that never gets an answer is tried three times within its budget."""
    server.faults.add(Rule(hangs=True))
    before, start = len(server.arrived), time.monotonic()
    assert meaning(driver, "get") is Unavailable
    assert READ * 0.8 < time.monotonic() - start < READ + SLACK
    assert len(server.arrived) - before >= 3


def test_a_hanging_write_ends_in_time(server: Server, driver: Driver) -> None:
    """A write that never gets an answer is sent once and ends within its budget."""
    server.faults.add(Rule(operation="set", hangs=True))
    start = time.monotonic()
    assert meaning(driver, "put") is Unavailable
    assert time.monotonic() - start < 4 * READ
    assert server.operations().count("set") == 2


def test_a_refused_connection_is_an_answer(server: Server) -> None:
    """Where nothing listens, a read is tried again for two seconds, however long its time-out is."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        host = f"localhost:{gone.getsockname()[1]}"
    driver = AzureDriver(replace(target(server, timeout=15.0), host=host))
    start = time.monotonic()
    with pytest.raises(Exception) as caught:
        driver.get(NAME)
    assert 0.5 < time.monotonic() - start < 2.0 + SLACK
    explained = driver.explain(caught.value, "get")
    assert (explained.kind, "refused" in explained.reason) == (Unavailable, True)
    driver.close()


def test_a_slow_answer_is_an_answer(server: Server, driver: Driver) -> None:
    """Latency within the budget costs time and nothing else."""
    server.faults.add(Rule(seconds=READ / 5))
    assert driver.get(NAME).value == Secret("value")
    driver.put(NAME, Secret("new"))
    assert len(server.vault.versions(NAME)) == 2


@pytest.mark.parametrize("seconds", [None, 0.2], ids=["no Retry-After", "Retry-After"])
def test_throttled_then_served(server: Server, driver: Driver, seconds: float | None) -> None:
    """Throttled reads and writes are sent again after the wait that the service asks for, and done once."""
    server.faults.add(Rule(times=2, refusal=rules.throttled(seconds)))
    start = time.monotonic()
    assert driver.get(NAME).value == Secret("value")
    server.faults.add(Rule(times=2, refusal=rules.throttled(seconds)))
    entry = driver.put(NAME, Secret("new"), stamp="s" * 32)
    assert time.monotonic() - start >= 4 * (seconds or 0.0)
    assert (entry.stamp, len(server.vault.versions(NAME))) == ("s" * 32, 2)


@pytest.mark.parametrize("op", ["get", "list", "put", "delete"])
def test_throttled_for_too_long(server: Server, driver: Driver, op: str) -> None:
    """Where the service asks for a longer wait than the budget has left, the call is Throttled at once."""
    server.faults.add(Rule(refusal=rules.throttled(60)))
    start = time.monotonic()
    assert meaning(driver, op) is Throttled
    assert time.monotonic() - start < 0.5


@pytest.mark.parametrize(
    ("op", "operation"), [("get", "get"), ("list", "list"), ("put", "set"), ("delete", "delete"), ("purge", "purge")]
)
def test_denied(server: Server, driver: Driver, op: str, operation: str) -> None:
    """An operation without the right for it is Denied."""
    server.faults.add(Rule(operation=operation, refusal=rules.denied(operation)))
    assert meaning(driver, op) is Denied


@pytest.mark.parametrize(
    ("refusal", "kind", "hint"),
    [
        (rules.firewalled(), Denied, "firewall"),
        (rules.denied("getSecret"), Denied, "Key Vault Secrets User"),
        (rules.is_disabled(), Disabled, ""),
        (rules.Refusal(403, "Forbidden", "Operation get is not allowed on a disabled secret."), Disabled, ""),
        (rules.not_found(NAME), NotFound, ""),
        (rules.Refusal(404, "NotFound", "nothing here"), ConfigError, "not a Key Vault"),
        (rules.Refusal(418, "Teapot", "short and stout"), ConfigError, "not a Key Vault"),
        (rules.Refusal(400, "BadParameter", "no"), ConfigError, "options"),
    ],
    ids=[
        "firewall",
        "role",
        "disabled",
        "disabled, no code",
        "missing",
        "another service",
        "no service",
        "bad request",
    ],
)
def test_refusals_are_told_apart(
    server: Server, driver: Driver, refusal: rules.Refusal, kind: type[SecretsError], hint: str
) -> None:
    """Each of the service's refusals has its own kind and hint."""
    server.faults.add(Rule(operation="get", refusal=refusal))
    with pytest.raises(Exception) as caught:
        driver.get(NAME)
    explained = driver.explain(caught.value, "get")
    assert explained.kind is kind
    assert hint in explained.hint


def test_purge_protection_is_denied(server: Server, driver: Driver) -> None:
    """A purge under purge protection is Denied with the reason, and the secret can be restored."""
    server.vault.protected = True
    with pytest.raises(Exception) as caught:
        driver.delete(NAME, purge=True)
    explained = driver.explain(caught.value, "delete")
    assert (explained.kind, "purge protection" in explained.hint) == (Denied, True)
    assert driver.restore(NAME).name == NAME


def test_a_revoked_token_is_renewed_once(server: Server, driver: Driver) -> None:
    """After a token was revoked, the read signs in again and succeeds."""
    issued = server.issued
    server.revoke()
    assert driver.get(NAME).value == Secret("value")
    assert server.issued > issued


def test_a_login_that_is_gone_is_unauthenticated(server: Server, driver: Driver) -> None:
    """Where signing in again fails, reads and writes are Unauthenticated."""
    server.revoke()
    server.identity_works = False
    assert meaning(driver, "get") is Unauthenticated
    assert meaning(driver, "put") is Unauthenticated


def test_a_recovery_that_takes_too_long_is_unavailable(server: Server, driver: Driver) -> None:
    """A write of a deleted name that Azure does not recover in time is Unavailable and not done."""
    driver.delete(NAME)
    server.vault.delay = 60.0
    start = time.monotonic()
    assert meaning(driver, "put") is Unavailable
    assert time.monotonic() - start < 4 * READ + SLACK


def test_a_delete_that_takes_too_long_is_a_delete(server: Server, driver: Driver) -> None:
    """A secret that does not appear among the deleted in time reads as missing, so the delete is done."""
    server.vault.delay = 60.0
    driver.delete(NAME)
    assert meaning(driver, "get") is NotFound


def test_a_list_that_breaks_midway_asks_for_that_page_again(server: Server, driver: Driver) -> None:
    """A failed page is requested again, but no page before it."""
    backdoor = AzureBackdoor(server)
    for number in range(60):
        backdoor.write(f"default--api-keys--key{number}", "x")
    backdoor.close()
    entries = driver.list("default--")
    next(entries)
    server.faults.add(Rule(operation="list", times=1, answer="reset"))
    assert len(list(entries)) == 60
    assert server.operations().count("list") == 4


@pytest.mark.parametrize("broken", BROKEN, ids=IDS)
@pytest.mark.parametrize("applied", [False, True], ids=["lost on its way", "answer lost"])
def test_deletes_restores_and_purges_outlive_a_lost_answer(
    server: Server, driver: Driver, broken: Rule, applied: bool
) -> None:
    """A delete, a restore and a purge whose answer is lost are sent again: a second one does nothing more."""
    for operation in ("delete", "recover", "delete", "purge"):
        if (operation, broken.answer) != ("purge", "cut"):  # its answer has no body
            server.faults.add(rule(broken, operation, 1, applied=applied))
        if operation == "recover":
            assert driver.restore(NAME).state == "live"
        else:
            driver.delete(NAME, purge=operation == "purge")
            assert meaning(driver, "get") is NotFound
    assert [entry.name for entry in driver.list("", deleted=True)] == []


def test_a_name_that_is_not_deleted_is_not_restored(server: Server, driver: Driver) -> None:
    """A restore of a secret that is not deleted is NotFound."""
    with refused(driver, "restore", NotFound):
        driver.restore(NAME)


@pytest.fixture
def without_inner_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the server answer 409 without an inner code, as other servers for this API do."""
    monkeypatch.setattr(rules, "is_deleted", lambda _: rules.Refusal(409, "Conflict", "no"))
    monkeypatch.setattr(rules, "is_being", lambda *_: rules.Refusal(409, "Conflict", "no"))


@pytest.mark.usefixtures("without_inner_codes")
@pytest.mark.parametrize("delay", [0.0, 0.2])
def test_a_409_without_an_inner_code_is_recovered(server: Server, driver: Driver, delay: float) -> None:
    """A write of a deleted name recovers it, though Azure does not say that it is deleted."""
    server.vault.delay = delay
    driver.delete(NAME)
    driver.put(NAME, Secret("new"))
    assert (driver.get(NAME).value, len(server.vault.versions(NAME))) == (Secret("new"), 2)


@pytest.mark.usefixtures("without_inner_codes")
def test_a_409_for_too_long_is_unavailable(server: Server, driver: Driver) -> None:
    """A name that Azure does not free in time is Unavailable: nobody else wrote it, so it is not a Conflict."""
    driver.delete(NAME)
    server.vault.delay = 60.0
    assert meaning(driver, "put") is Unavailable


def test_a_404_for_the_versions_of_a_missing_name(
    server: Server, driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A 404 means the same as an empty list of versions."""
    versions = server.vault.versions

    def versions_or_404(name: str) -> list[dict[str, object]]:
        found = versions(name)
        if not found:
            raise rules.not_found(name)
        return found

    monkeypatch.setattr(server.vault, "versions", versions_or_404)
    with refused(driver, "stat", NotFound):
        driver.stat(f"{NAME}-missing")
    assert list(driver.versions(f"{NAME}-missing")) == []
    driver.delete(NAME)
    assert driver.stat(NAME).state == "deleted"
    assert driver.restore(NAME).state == "live"


def test_a_bad_request_carries_the_services_reason(server: Server, driver: Driver) -> None:
    """The error of a read has the code and the message of the service."""
    server.faults.add(Rule(operation="get", refusal=rules.Refusal(400, "BadParameter", "the version is not known")))
    with pytest.raises(Exception) as caught:
        driver.get(NAME)
    explained = driver.explain(caught.value, "get")
    assert (explained.kind, explained.reason_code, explained.reason) == (
        ConfigError,
        "BadParameter",
        "the version is not known",
    )


def test_an_answer_without_a_value_is_unavailable(
    server: Server, driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer without a value is a broken answer, never an empty value."""
    monkeypatch.setattr(server.vault, "get", lambda *_: {"id": f"{server.vault.url}/secrets/{NAME}/{'0' * 32}"})
    assert meaning(driver, "get") is Unavailable


def test_a_version_that_is_not_there_is_not_found(driver: Driver) -> None:
    """An unknown token and an unknown id are both NotFound."""
    for version in ("1.2.3", "0" * 32):
        with refused(driver, "get", NotFound):
            driver.get(NAME, version)


def test_a_condition_is_refused(driver: Driver) -> None:
    """The driver refuses a conditional write and writes nothing."""
    for expect in (ABSENT, PRESENT, "1.2.3"):
        with refused(driver, "put", Unsupported):
            driver.put(NAME, Secret("new"), expect=expect)
    assert driver.get(NAME).value == Secret("value")


def test_a_proxys_404_is_no_delete(server: Server, driver: Driver) -> None:
    """A 404 from a server that is not a Key Vault does not count as a missing secret."""
    server.faults.add(Rule(operation="delete", refusal=rules.Refusal(404, "NotFound", "nothing here")))
    assert meaning(driver, "delete") is ConfigError
    assert driver.get(NAME).value == Secret("value")


def test_a_restore_that_takes_too_long_is_unavailable(server: Server, driver: Driver) -> None:
    """A restore that Azure does not finish in time is Unavailable."""
    driver.delete(NAME)
    server.vault.delay = 60.0
    with refused(driver, "restore", Unavailable):
        driver.restore(NAME)
