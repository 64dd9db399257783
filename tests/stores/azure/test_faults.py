"""What goes wrong between the driver and a Key Vault: the right error within the budget, or success; no write twice."""

import time
from collections.abc import Callable, Iterator

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
    """Return what the exception means that a call of method *op* raises."""
    calls: dict[str, Callable[[], object]] = {
        "get": lambda: driver.get(NAME),
        "list": lambda: list(driver.list("")),
        "put": lambda: driver.put(NAME, Secret("new")),
        "delete": lambda: driver.delete(NAME),
        "purge": lambda: driver.delete(NAME, purge=True),
    }
    try:
        calls[op]()
    except Exception as exc:  # noqa: BLE001 - whatever the driver raises has to have a meaning
        return problem(driver, exc, "delete" if op == "purge" else op).kind
    raise AssertionError(f"{op} went through")


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


def test_a_slow_answer_is_an_answer(server: Server, driver: Driver) -> None:
    """Latency within the budget costs time and nothing else."""
    server.faults.add(Rule(seconds=READ / 5))
    assert driver.get(NAME).value == Secret("value")
    driver.put(NAME, Secret("new"))
    assert len(server.vault.versions(NAME)) == 2


@pytest.mark.parametrize("seconds", [None, 0.2], ids=["no Retry-After", "Retry-After"])
def test_throttled_then_served(server: Server, driver: Driver, seconds: float | None) -> None:
    """Reads and writes that were refused as too many are sent again after what the service asks, and done once."""
    server.faults.add(Rule(times=2, refusal=rules.throttled(seconds)))
    start = time.monotonic()
    assert driver.get(NAME).value == Secret("value")
    server.faults.add(Rule(times=2, refusal=rules.throttled(seconds)))
    entry = driver.put(NAME, Secret("new"), stamp="s" * 32)
    assert time.monotonic() - start >= 4 * (seconds or 0.0)
    assert (entry.stamp, len(server.vault.versions(NAME))) == ("s" * 32, 2)


@pytest.mark.parametrize("op", ["get", "list", "put", "delete"])
def test_throttled_for_too_long(server: Server, driver: Driver, op: str) -> None:
    """Where the service asks for more patience than the budget has, the call is Throttled at once."""
    server.faults.add(Rule(refusal=rules.throttled(60)))
    start = time.monotonic()
    assert meaning(driver, op) is Throttled
    assert time.monotonic() - start < 0.5


@pytest.mark.parametrize(
    ("op", "operation"), [("get", "get"), ("list", "list"), ("put", "set"), ("delete", "delete"), ("purge", "purge")]
)
def test_denied(server: Server, driver: Driver, op: str, operation: str) -> None:
    """Each operation that the login may not do is Denied."""
    server.faults.add(Rule(operation=operation, refusal=rules.denied(operation)))
    assert meaning(driver, op) is Denied


@pytest.mark.parametrize(
    ("refusal", "kind", "hint"),
    [
        (rules.firewalled(), Denied, "firewall"),
        (rules.denied("getSecret"), Denied, "Key Vault Secrets User"),
        (rules.is_disabled(), Disabled, ""),
        (rules.not_found(NAME), NotFound, ""),
        (rules.Refusal(404, "NotFound", "nothing here"), ConfigError, "not a Key Vault"),
        (rules.Refusal(418, "Teapot", "short and stout"), ConfigError, "not a Key Vault"),
        (rules.Refusal(400, "BadParameter", "no"), ConfigError, "options"),
    ],
    ids=["firewall", "role", "disabled", "missing", "another service", "no service", "bad request"],
)
def test_refusals_are_told_apart(
    server: Server, driver: Driver, refusal: rules.Refusal, kind: type[SecretsError], hint: str
) -> None:
    """Each reason that the service gives has its own meaning and remedy."""
    server.faults.add(Rule(operation="get", refusal=refusal))
    with pytest.raises(Exception) as caught:
        driver.get(NAME)
    told = driver.explain(caught.value, "get")
    assert told.kind is kind
    assert hint in told.hint


def test_purge_protection_is_denied(server: Server, driver: Driver) -> None:
    """A purge under purge protection is Denied, saying why, and the secret can be restored."""
    server.vault.protected = True
    with pytest.raises(Exception) as caught:
        driver.delete(NAME, purge=True)
    told = driver.explain(caught.value, "delete")
    assert (told.kind, "purge protection" in told.hint) == (Denied, True)
    assert driver.restore(NAME).name == NAME


def test_a_revoked_token_is_renewed_once(server: Server, driver: Driver) -> None:
    """A token that is not good any more costs one new login, and nobody notices."""
    issued = server.issued
    server.revoke()
    assert driver.get(NAME).value == Secret("value")
    assert server.issued > issued


def test_a_login_that_is_gone_is_unauthenticated(server: Server, driver: Driver) -> None:
    """Where no new token is to be had either, reads and writes are Unauthenticated."""
    server.revoke()
    server.identity_works = False
    assert meaning(driver, "get") is Unauthenticated
    assert meaning(driver, "put") is Unauthenticated


def test_a_recovery_that_takes_too_long_is_unavailable(server: Server, driver: Driver) -> None:
    """A write of a deleted name that Azure does not bring back in time is Unavailable, and written nowhere."""
    driver.delete(NAME)
    server.vault.delay = 60.0
    start = time.monotonic()
    assert meaning(driver, "put") is Unavailable
    assert time.monotonic() - start < 4 * READ + SLACK


def test_a_delete_that_takes_too_long_is_a_delete(server: Server, driver: Driver) -> None:
    """A secret that Azure does not show among the deleted in time reads as missing, which is what was asked."""
    server.vault.delay = 60.0
    driver.delete(NAME)
    assert meaning(driver, "get") is NotFound


def test_a_list_that_breaks_midway_asks_for_that_page_again(server: Server, driver: Driver) -> None:
    """A page that fails is asked for again, and no page before it."""
    backdoor = AzureBackdoor(server)
    for number in range(60):
        backdoor.write(f"default--api-keys--key{number}", "x")
    backdoor.close()
    entries = driver.list("default--")
    next(entries)
    server.faults.add(Rule(operation="list", times=1, answer="reset"))
    assert len(list(entries)) == 60
    assert server.operations().count("list") == 4


def test_an_answer_without_a_value_is_unavailable(
    server: Server, driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bundle that has no value in it is a broken answer, never an empty value."""
    monkeypatch.setattr(server.vault, "get", lambda *_: {"id": f"{server.vault.url}/secrets/{NAME}/{'0' * 32}"})
    assert meaning(driver, "get") is Unavailable


def test_a_version_that_is_not_there_is_not_found(driver: Driver) -> None:
    """An unknown token and an unknown id of Azure's are both missing."""
    for version in ("1.2.3", "0" * 32):
        with refused(driver, "get", NotFound):
            driver.get(NAME, version)


def test_a_condition_is_refused(driver: Driver) -> None:
    """The driver says that it cannot write on a condition, and writes nothing."""
    for expect in (ABSENT, PRESENT, "1.2.3"):
        with refused(driver, "put", Unsupported):
            driver.put(NAME, Secret("new"), expect=expect)
    assert driver.get(NAME).value == Secret("value")


def test_a_proxys_404_is_no_delete(server: Server, driver: Driver) -> None:
    """A 404 of something that is no Key Vault is not taken for a secret that is gone already."""
    server.faults.add(Rule(operation="delete", refusal=rules.Refusal(404, "NotFound", "nothing here")))
    assert meaning(driver, "delete") is ConfigError
    assert driver.get(NAME).value == Secret("value")


def test_a_restore_that_takes_too_long_is_unavailable(server: Server, driver: Driver) -> None:
    """A secret that Azure does not bring back in time is Unavailable, and on its way."""
    driver.delete(NAME)
    server.vault.delay = 60.0
    with refused(driver, "restore", Unavailable):
        driver.restore(NAME)
