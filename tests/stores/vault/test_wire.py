"""Faults on the wire between the real client and a real server: the right error in time, and no write doubled."""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from tailorsecrets import Secret, Store, open_store
from tailorsecrets.driver import Stored
from tailorsecrets.errors import Denied, SecretsError, Throttled, Unauthenticated, Unavailable
from tailorsecrets.testing.proxy import Proxy, Rule
from tests.support.servers import Server

T = TypeVar("T")

TIMEOUT = 0.6  # seconds for a read; four times as many for a write
SLACK = 1.0  # seconds that a loaded machine may take more
JSON = {"Content-Type": "application/json"}
HTML = {"Content-Type": "text/html"}
PAGE = b"<html><body>Sign in to the corporate network</body></html>"


def refusal(status: int, text: str, **headers: str) -> Rule:
    """Return a rule that answers as the server does when it refuses."""
    return Rule(status=status, headers={**JSON, **headers}, body=f'{{"errors":["{text}"]}}'.encode())


def denial(**options: Any) -> Rule:
    """Return a rule that answers as a policy does when it denies."""
    return replace(refusal(403, r"1 error occurred:\n\t* permission denied\n\n"), **options)


DENIED = denial()
EXPIRED = refusal(403, "permission denied")
PASSING = {
    "throttled": lambda: refusal(429, "rate limit quota exceeded"),
    "throttled, with Retry-After": lambda: refusal(429, "rate limit quota exceeded", **{"Retry-After": "0.1"}),
    "sealed": lambda: refusal(503, "Vault is sealed"),
    "error": lambda: refusal(500, "internal error"),
    "bad gateway": lambda: Rule(status=502, headers=HTML, body=PAGE),
    "lagging standby": lambda: refusal(412, "required index state not present"),
    "reset": lambda: Rule(reset=True),
    "cut": lambda: Rule(cut=40),
    "web page": lambda: Rule(status=200, headers=HTML, body=PAGE),
    "web page that finds nothing": lambda: Rule(status=404, headers=HTML, body=PAGE),
    "other JSON": lambda: Rule(status=200, headers=JSON, body=b"[]"),
    "another service": lambda: Rule(status=200, headers=JSON, body=b'{"ok": true}'),
}
LASTING = {name: Throttled if name.startswith("throttled") else Unavailable for name in PASSING}


@pytest.fixture
def proxy(openbao: Server) -> Iterator[Proxy]:
    """Give a proxy in front of the server."""
    with Proxy(openbao.url).running() as proxy:
        yield proxy


@pytest.fixture
def store(openbao: Server, proxy: Proxy) -> Iterator[Store]:
    """Give a store behind the proxy with the secret ``api/key``."""
    url = f"vault+http://127.0.0.1:{proxy.port}/secret?timeout={TIMEOUT}"
    with open_store(url, f"w{uuid.uuid4().hex[:8]}", environ=openbao.variables) as store:
        store.create_vault("api-keys")
        store.create_secret("api-keys", "old", Secret("value"))
        proxy.seen.clear()
        yield store


def times(rule: Rule, number: float) -> Rule:
    """Return *rule* for that many requests."""
    rule.times = number
    return rule


def done(do: Callable[[], T], within: float) -> T:
    """Return what *do* returns, which must come in time."""
    began = time.monotonic()
    answer = do()
    assert time.monotonic() - began < within + SLACK
    return answer


def failing(do: Callable[[], object], within: float) -> SecretsError:
    """Return the error of *do*, which must come in time."""
    began = time.monotonic()
    with pytest.raises(SecretsError) as caught:
        do()
    assert time.monotonic() - began < within + SLACK
    return caught.value


@pytest.mark.parametrize("fault", PASSING)
def test_a_read_outlives_a_fault_that_passes(store: Store, proxy: Proxy, fault: str) -> None:
    """A read that fails once is done again, and answers."""
    proxy.rules = [times(PASSING[fault](), 1)]
    assert store.get("api-keys", "old") == "value"


@pytest.mark.parametrize("fault", PASSING)
def test_a_read_gives_up_in_time(store: Store, proxy: Proxy, fault: str) -> None:
    """A lasting fault is the right error within the budget of a read, never a value or None."""
    proxy.rules = [PASSING[fault]()]
    error = failing(lambda: store.get("api-keys", "old"), TIMEOUT)
    assert type(error) is LASTING[fault]
    assert not error.retryable


def test_a_long_retry_after_ends_at_once(store: Store, proxy: Proxy) -> None:
    """A read fails at once where the server asks to wait longer than the budget."""
    proxy.rules = [refusal(429, "rate limit quota exceeded", **{"Retry-After": "3600"})]
    assert isinstance(failing(lambda: store.get("api-keys", "old"), 0), Throttled)
    assert len(proxy.seen) == 1


def test_a_hanging_read_ends_in_time(store: Store, proxy: Proxy) -> None:
    """A server that takes a read and says nothing is Unavailable when the budget is spent."""
    proxy.rules = [Rule(seconds=5 * TIMEOUT)]
    assert isinstance(failing(lambda: store.get("api-keys", "old"), TIMEOUT), Unavailable)


def test_a_slow_answer_is_an_answer(store: Store, proxy: Proxy) -> None:
    """An answer that takes half of the budget is good."""
    proxy.rules = [Rule(seconds=TIMEOUT / 2)]
    assert store.get("api-keys", "old") == "value"


def test_denied_and_expired_differ_and_are_not_repeated(store: Store, proxy: Proxy) -> None:
    """A denial is Denied and an expired token Unauthenticated, each after one call."""
    for rule, kind in ((DENIED, Denied), (EXPIRED, Unauthenticated)):
        proxy.seen.clear()
        proxy.rules = [rule]
        assert isinstance(failing(lambda: store.get("api-keys", "old"), 0), kind)
        assert len(proxy.seen) == 1


def test_a_sealed_server(store: Store, proxy: Proxy) -> None:
    """The error of a sealed server says so."""
    proxy.rules = [PASSING["sealed"]()]
    assert "sealed" in failing(lambda: store.get("api-keys", "old"), TIMEOUT).hint


@pytest.mark.parametrize("fault", ["throttled", "throttled, with Retry-After", "lagging standby"])
def test_a_write_that_was_refused_is_repeated(store: Store, proxy: Proxy, fault: str) -> None:
    """A write that the server refused for now is sent again, and done once."""
    proxy.rules = [times(refused := PASSING[fault](), 2)]
    refused.methods = ("POST",)
    store.create_secret("api-keys", "new", Secret("value"))
    proxy.rules = []
    assert len(store.history("api-keys", "new")) == 1


@pytest.mark.parametrize("fault", ["sealed", "error", "bad gateway", "reset"])
def test_a_write_that_may_have_been_done_is_not_repeated(store: Store, proxy: Proxy, fault: str) -> None:
    """A write without a clear answer is Unavailable after one attempt."""
    proxy.rules = [PASSING[fault]()]
    proxy.rules[0].methods = ("POST",)
    assert isinstance(failing(lambda: store.create_secret("api-keys", "new", Secret("value")), 0), Unavailable)
    assert [method for method, _ in proxy.seen].count("POST") == 1
    proxy.rules = []
    assert store.get("api-keys", "new") is None


@pytest.mark.parametrize(
    "rule",
    [Rule(methods=("POST",), lost=True), Rule(methods=("POST",), cut=30), Rule(methods=("POST",), seconds=5 * TIMEOUT)],
    ids=["answer lost", "answer cut", "hang"],
)
def test_a_write_whose_answer_is_lost_is_done_at_most_once(store: Store, proxy: Proxy, rule: Rule) -> None:
    """A write without an answer is looked for within its budget: done, or not done so far; and it is there once."""
    proxy.rules = [rule]
    if rule.seconds:
        error = failing(lambda: store.create_secret("api-keys", "new", Secret("value")), 4 * TIMEOUT)
        assert isinstance(error, Unavailable)
        assert error.outcome == "not done"
    else:
        assert store.create_secret("api-keys", "new", Secret("value")).version
    proxy.rules = []
    time.sleep(rule.seconds)
    assert len(store.history("api-keys", "new")) == 1


@pytest.mark.parametrize("fault", ["throttled", "sealed", "error", "bad gateway", "lagging standby", "reset"])
def test_a_stamp_outlives_a_fault_that_passes(store: Store, proxy: Proxy, fault: str) -> None:
    """The PATCH that follows a write is repeated without the write."""
    proxy.rules = [times(rule := PASSING[fault](), 1)]
    rule.methods = ("PATCH",)
    written = store.create_secret("api-keys", "new", Secret("value"))
    proxy.rules = []
    (only,) = store.history("api-keys", "new")
    assert only.stamp == written.stamp != ""


@pytest.mark.parametrize("fault", ["throttled", "error", "denied", "expired", "reset"])
def test_a_write_whose_stamp_fails_is_done(store: Store, proxy: Proxy, fault: str) -> None:
    """A write whose stamp cannot be stored is done: the value is there once, and a note reports the stamp in time."""
    faults: Mapping[str, Callable[[], Rule]] = {**PASSING, "denied": denial, "expired": lambda: replace(EXPIRED)}
    proxy.rules = [faults[fault]()]
    proxy.rules[0].methods = ("PATCH",)
    written = done(lambda: store.create_secret("api-keys", "new", Secret("value")), TIMEOUT)
    assert written.stamp == ""
    assert written.note.startswith("the value is written, but its stamp is missing: ")
    proxy.rules = []
    (only,) = store.history("api-keys", "new")
    assert (only.stamp, only.version) == ("", written.version)
    assert store.get("api-keys", "new") == "value"


def test_a_write_over_a_deleted_secret_is_done_without_its_history(store: Store, proxy: Proxy) -> None:
    """A write is done although the deleted version before it cannot be brought back: a note says so."""
    store.delete_secret("api-keys", "old")
    proxy.rules = [denial(path="/undelete/")]
    written = store.create_secret("api-keys", "old", Secret("new"))
    assert written.stamp != ""
    assert written.note == "the value is written, but the previous version stays deleted: permission denied"
    assert store.get("api-keys", "old") == "new"


def test_a_write_that_lacks_nothing_has_no_note(store: Store) -> None:
    """A write with its stamp has no note."""
    assert store.create_secret("api-keys", "new", Secret("value")).note == ""


def test_a_delete_without_an_answer(store: Store, proxy: Proxy) -> None:
    """A delete whose answer is lost is done."""
    proxy.rules = [Rule(methods=("DELETE",), lost=True)]
    store.delete_secret("api-keys", "old")
    assert [method for method, _ in proxy.seen].count("DELETE") == 1
    proxy.rules = []
    assert store.get("api-keys", "old") is None


def test_a_mount_that_is_not_ready_is_waited_for(store: Store, proxy: Proxy) -> None:
    """A read and a write wait while a new mount answers "Upgrading"."""
    text = "Upgrading from non-versioned to versioned data. This backend will be unavailable for a brief period"
    proxy.rules = [times(refusal(400, text), 3)]
    assert store.get("api-keys", "old") == "value"
    proxy.rules = [times(refusal(400, text), 3)]
    proxy.rules[0].methods = ("POST",)
    store.create_secret("api-keys", "new", Secret("value"))
    assert isinstance(store.read("api-keys", "new"), Stored)


def test_a_list_goes_on_where_it_broke(store: Store, proxy: Proxy) -> None:
    """A list that fails midway starts again and shows each name once."""
    proxy.rules = [Rule(methods=("LIST",), times=2, reset=True)]
    assert [entry.name for entry in store.list_secrets("api-keys")] == ["old"]
