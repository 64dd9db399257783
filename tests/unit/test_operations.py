"""One driver made uniform: errors with a meaning, and what reaches the driver."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from threading import get_ident
from typing import Any, Literal, TypeVar

import pytest

from tailorsecrets.declared.sources import generate
from tailorsecrets.driver import ABSENT, PRESENT, Driver, Entry, Problem
from tailorsecrets.errors import Conflict, Denied, SecretsError, Throttled, Unavailable
from tailorsecrets.secret import Secret
from tailorsecrets.store.layers import Call, Layer, Retry, stack
from tailorsecrets.store.names import Place
from tailorsecrets.store.record import Owner
from tailorsecrets.store.store import Store, workspace_of
from tailorsecrets.targets.choice import Choice
from tailorsecrets.targets.opening import target_of
from tailorsecrets.targets.routes import DEFAULT_STORE, DEFAULT_WORKSPACE
from tailorsecrets.testing.clock import FakeClock
from tailorsecrets.testing.faults import Faults
from tailorsecrets.testing.memory import FULL, WITH_CONTAINERS, Memory

T = TypeVar("T")


def test_a_local_store_needs_no_threads() -> None:
    """Calls that wait for no network are made one by one in the caller's thread, as 10,000 tasks cost more."""

    class Watched(Memory):
        threads: set[int]

        def stat(self, name: str) -> Entry:
            self.threads.add(get_ident())
            return super().stat(name)

    for local in (True, False):
        memory = Watched(caps=replace(FULL, local=local))
        memory.threads = set()
        places = [Place("api-keys", f"secret-{n}") for n in range(50)]
        workspace_of(Store(memory)).stat(places)
        assert (memory.threads == {get_ident()}) == local


QUOTING = "invalid body: {'value': 'canary'}"

READS: dict[str, Callable[[Store], object]] = {
    "get": lambda store: store.get("api-keys", "stripe"),
    "list": lambda store: store.list_secrets("api-keys"),
    "versions": lambda store: store.history("api-keys", "stripe"),
}
WRITES: dict[str, Callable[[Store], object]] = {
    "put": lambda store: store.update_secret("api-keys", "stripe", Secret("canary")),
    "delete": lambda store: store.delete_secret("api-keys", "stripe"),
    "restore": lambda store: store.restore_secret("api-keys", "stripe"),
    "make": lambda store: store.create_vault("other"),
}


class Failing(Layer):
    """A driver whose method *op* fails, and which quotes what its SDK raised without asking which method that was."""

    def __init__(self, inner: Driver, op: str, failure: Exception, kind: type[SecretsError] = Denied) -> None:
        super().__init__(inner)
        self._op, self._failure, self._kind = op, failure, kind

    def explain(self, exc: Exception, op: str) -> Problem:
        """Quote."""
        del op
        return Problem(self._kind, reason=str(exc), reason_code="InvalidRequest")

    def around(self, call: Call, do: Callable[[], T]) -> T:
        """Fail, or pass on."""
        if call.op == self._op:
            raise self._failure
        return do()

    def around_each(self, call: Call, do: Callable[[], Iterator[Entry]]) -> Iterator[Entry]:
        """Fail, or pass on."""
        return self.around(call, do)


FAILURES: dict[str, Callable[[], Exception]] = {
    "explained": lambda: RuntimeError(QUOTING),
    "raised": lambda: Denied(reason=QUOTING, reason_code="InvalidRequest"),
}


def error_of(failure: Exception, op: str, do: Callable[[Store], object], *, layered: bool) -> SecretsError:
    """Return the error of *do* where method *op* fails."""
    memory = Memory(caps=replace(WITH_CONTAINERS, batch=1))
    store = Store(memory)
    store.create_vault("api-keys")
    store.create_secret("api-keys", "stripe", Secret("old"))
    if op == "restore":
        store.delete_secret("api-keys", "stripe")
    driver = Failing(memory, op, failure)
    with pytest.raises(SecretsError) as caught:
        do(Store(stack(driver) if layered else driver))
    return caught.value


@pytest.mark.parametrize("layered", [False, True], ids=["plain", "layered"])
@pytest.mark.parametrize("how", FAILURES)
@pytest.mark.parametrize("op", WRITES)
def test_the_text_of_a_failed_write_is_never_shown(op: str, how: str, layered: bool) -> None:
    """An SDK may quote the value that it could not write, so only the service's code is kept, on every driver."""
    error = error_of(FAILURES[how](), op, WRITES[op], layered=layered)
    assert (type(error), error.reason, error.reason_code) == (Denied, "InvalidRequest", "InvalidRequest")
    assert "canary" not in f"{error} {error.hint} {error.__dict__} {error.__context__} {error.__cause__}"


@pytest.mark.parametrize("layered", [False, True], ids=["plain", "layered"])
@pytest.mark.parametrize("how", FAILURES)
@pytest.mark.parametrize("op", READS)
def test_the_text_of_a_failed_read_is_kept(op: str, how: str, layered: bool) -> None:
    """The service's own code and message say what an administrator must change."""
    assert error_of(FAILURES[how](), op, READS[op], layered=layered).reason == f"InvalidRequest: {QUOTING}"


@pytest.mark.parametrize(
    ("op", "do", "reason"),
    [
        ("get", lambda store: store.get("api-keys", "stripe"), "InvalidRequest: slow down"),
        ("put", lambda store: store.create_vault("api-keys"), "InvalidRequest"),
    ],
)
def test_a_spent_retry_keeps_the_reason(op: str, do: Callable[[Store], object], reason: str) -> None:
    """The reason of the last answer is that of the error, with its code alone for a write."""
    clock = FakeClock()
    driver = Failing(Memory(), op, RuntimeError("slow down"), Throttled)
    store = Store(Retry(driver, clock=clock, sleep=clock.sleep))
    with pytest.raises(Throttled) as caught:
        do(store)
    assert (caught.value.reason, caught.value.retryable) == (reason, False)


def test_a_reason_is_one_printable_line() -> None:
    """A service's answer moves no cursor and breaks no line."""
    failure = Denied(reason="one\n\ttwo \x1b[2Jthree " + "x" * 500)
    reason = error_of(failure, "get", READS["get"], layered=False).reason
    assert reason.startswith("one two [2Jthree xxx")
    assert len(reason) == 300


LOST: dict[str, tuple[Callable[[Store], object], str | None]] = {
    "put a new one": (lambda store: store.create_secret("api-keys", "new", Secret("value")), "value"),
    "put over one": (lambda store: store.update_secret("api-keys", "old", Secret("value")), "value"),
    "put over a version": (
        lambda store: workspace_of(store).put_secret(
            workspace_of(store).record("api-keys"),
            "api-keys",
            "old",
            Secret("value"),
            expect=store.read("api-keys", "old").entry.version,
        ),
        "value",
    ),
    "delete": (lambda store: store.delete_secret("api-keys", "old"), None),
    "purge": (lambda store: store.purge_secret("api-keys", "old"), None),
    "restore": (lambda store: store.restore_secret("api-keys", "gone"), "gone"),
}


@pytest.fixture(params=["stamps", "no stamps", "no atomic expect", "no stat"])
def memory(request: pytest.FixtureRequest) -> Memory:
    """Return a store with a vault, a secret and a deleted one."""
    caps = {
        "stamps": FULL,
        "no stamps": replace(FULL, stamps=False),
        "no atomic expect": replace(FULL, cas="none"),
        "no stat": replace(FULL, cas="none", stats=False),
    }[request.param]
    memory = Memory(caps=replace(caps, transactions=False))
    store = Store(memory)
    store.create_vault("api-keys")
    for secret in ("old", "gone"):
        store.create_secret("api-keys", secret, Secret(secret))
    store.delete_secret("api-keys", "gone")
    return memory


@pytest.mark.parametrize("write", LOST)
def test_a_write_whose_answer_is_lost_is_done(memory: Memory, write: str) -> None:
    """The store is read again: it holds what was written, so the write is reported as done, and is sent once."""
    do, value = LOST[write]
    faults = Faults(memory)
    faults.lose_answer(op := {"purge": "delete"}.get(write, write.split(maxsplit=1)[0]))
    do(Store(faults))
    assert [call.op for call in faults.calls].count(op) == 1
    secret = {"put a new one": "new", "restore": "gone"}.get(write, "old")
    assert Store(memory).get("api-keys", secret) == value


def test_a_stamp_shows_a_lost_write_to_a_login_that_may_not_read() -> None:
    """Where the store keeps stamps, no value is read to find out whether a write was done."""
    memory = Memory(caps=replace(FULL, transactions=False))
    Store(memory).create_vault("api-keys")
    faults = Faults(memory)
    faults.fail("get", Denied, name="default/api-keys/new")
    faults.lose_answer("put")
    assert Store(faults).create_secret("api-keys", "new", Secret("value")).stamp


@pytest.mark.parametrize("write", LOST)
def test_a_write_that_did_not_arrive_is_not_done(memory: Memory, write: str) -> None:
    """The store is as before, and the error says so."""
    faults = Faults(memory)
    faults.fail({"purge": "delete"}.get(write, write.split(maxsplit=1)[0]), Unavailable)
    with pytest.raises(Unavailable, match="the store is as it was before the write") as caught:
        LOST[write][0](Store(faults))
    assert caught.value.outcome == "not done"
    assert caught.value.__context__ is None


@pytest.mark.parametrize("write", LOST)
def test_a_write_that_cannot_be_looked_at_is_unknown(memory: Memory, write: str) -> None:
    """Where the store does not answer the read either, the error says that the outcome is not known."""

    class Silent(Faults):
        """Falls silent with the first write."""

        def around(self, call: Call, do: Callable[[], T]) -> T:
            if call.writes:
                self.fail("", Unavailable)
            return super().around(call, do)

    with pytest.raises(Unavailable, match="whether the write was done is not known") as caught:
        LOST[write][0](Store(Silent(memory)))
    assert caught.value.outcome == "unknown"


def test_a_write_between_others_is_unknown() -> None:
    """If another tool wrote too, it is unknown whether that was before the write that got no answer."""
    memory = Memory(caps=replace(FULL, transactions=False))
    store = Store(memory)
    store.create_vault("api-keys")

    class Raced(Faults):
        """Loses the answer, and lets another tool write."""

        def around(self, call: Call, do: Callable[[], T]) -> T:
            try:
                return super().around(call, do)
            finally:
                if call.op == "put":
                    memory.backdoor.write("default/api-keys/new", "theirs")

    raced = Raced(memory)
    raced.lose_answer("put")
    with pytest.raises(Unavailable) as caught:
        Store(raced).create_secret("api-keys", "new", Secret("value"))
    assert caught.value.outcome == "unknown"


class Witness(Layer):
    """Notes what each put expects."""

    def __init__(self, inner: Driver) -> None:
        super().__init__(inner)
        self.expected: list[str | None] = []

    def put(self, name: str, value: Secret, **options: Any) -> Entry:
        """Note, and pass on."""
        self.expected.append(options.get("expect"))
        return super().put(name, value, **options)


@pytest.mark.parametrize(("cas", "passed"), [("full", {"create", "update"}), ("create", {"create"}), ("none", set())])
def test_compare_and_swap_reaches_the_driver(cas: Literal["full", "create", "none"], passed: set[str]) -> None:
    """What the store does atomically is left to it: without that, two deployers overwrite each other unseen."""
    witness = Witness(Memory(caps=replace(FULL, cas=cas, transactions=False)))
    store, create, update = Store(witness), "create" in passed, "update" in passed
    workspace = workspace_of(store)
    record = workspace.claim("api-keys", Owner("my-app"), None)
    first = workspace.put_secret(record, "api-keys", "stripe", Secret("one"), expect=ABSENT)
    workspace.put_secret(record, "api-keys", "stripe", Secret("two"), expect=first.version)
    workspace.claim("api-keys", Owner("other"), record)
    store.create_secret("api-keys", "by-hand", Secret("one"))
    store.update_secret("api-keys", "by-hand", Secret("two"))
    assert witness.expected == [
        ABSENT if create else None,
        ABSENT if create else None,
        first.version if update else None,
        record.version if update else None,
        ABSENT if create else None,
        PRESENT if update else None,
    ]


@pytest.mark.parametrize("cas", ["full", "create", "none"])
def test_two_deployers_never_overwrite_each_other(cas: Literal["full", "create", "none"]) -> None:
    """The second one, who planned on what was there before, gets a conflict, for a record and for a secret."""
    store = Store(Memory(caps=replace(FULL, cas=cas)))
    workspace = workspace_of(store)
    record = workspace.claim("api-keys", Owner("my-app"), None)
    seen = workspace.put_secret(record, "api-keys", "stripe", Secret("one"), expect=ABSENT).version
    workspace.put_secret(record, "api-keys", "stripe", Secret("two"), expect=seen)
    for expect in (seen, ABSENT):
        with pytest.raises(Conflict):
            workspace.put_secret(record, "api-keys", "stripe", Secret("three"), expect=expect)
    workspace.claim("api-keys", Owner("other"), record)
    for known in (record, None):
        with pytest.raises(Conflict):
            workspace.claim("api-keys", Owner("my-app"), known)
    assert store.get("api-keys", "stripe") == "two"


@pytest.mark.parametrize(
    ("problem", "retries", "retryable"),
    [(Unavailable, False, True), (Throttled, False, True), (Denied, False, False), (Unavailable, True, False)],
)
def test_who_may_try_again(problem: type[SecretsError], retries: bool, retryable: bool) -> None:
    """An outage may pass, unless the SDK has tried for as long as it may; a refusal does not."""
    driver = Failing(Memory(caps=replace(FULL, retries=retries)), "get", RuntimeError(), problem)
    with pytest.raises(problem) as caught:
        Store(driver).get("api-keys", "stripe")
    assert caught.value.retryable is retryable


@pytest.mark.parametrize("retryable", [True, False])
def test_what_a_driver_says_about_trying_again_is_kept(retryable: bool) -> None:
    """An error that a driver raises itself keeps its word on that."""
    driver = Failing(Memory(), "get", Unavailable(retryable=retryable))
    with pytest.raises(Unavailable) as caught:
        Store(driver).get("api-keys", "stripe")
    assert caught.value.retryable is retryable


def test_defaults() -> None:
    """The numbers and names of the documentation."""
    target = target_of(Choice("file:x", "default", "/"), {})
    assert (target.timeout, target.seconds(), target.seconds(write=True)) == (15.0, 15.0, 60.0)
    assert (generate().length, DEFAULT_STORE, DEFAULT_WORKSPACE) == (32, "file:.tailorsecrets/secrets.jsonl", "default")
