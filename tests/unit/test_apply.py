"""Planning and applying on stores of every ability: convergence, counts, failures, crashes, conflicts."""

import os
import signal
import threading
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tailorsecrets import define_config, define_secret_manager, env, file, generate
from tailorsecrets.declared.sources import Generate
from tailorsecrets.deploy.apply import Report, apply
from tailorsecrets.deploy.observe import escaped, make_plan, nothing_desired, read_desired
from tailorsecrets.deploy.plan import Desired, DesiredValue, Plan
from tailorsecrets.driver import ABSENT, Caps, Entry
from tailorsecrets.errors import (
    Conflict,
    Denied,
    NotFound,
    SecretsError,
    StoreNotFound,
    TooLarge,
    Unavailable,
    ValueInvalid,
)
from tailorsecrets.secret import Secret
from tailorsecrets.store.record import Owner
from tailorsecrets.store.store import Store, workspace_of
from tailorsecrets.testing.faults import Crash, Faults
from tailorsecrets.testing.memory import FULL, WITH_CONTAINERS, Memory

APP = Owner("my-app")
PLAIN = replace(FULL, transactions=False)
STORES = {
    "one write": FULL,
    "many writes": PLAIN,
    "containers": replace(WITH_CONTAINERS, transactions=False),
    "no atomic expect": replace(PLAIN, cas="none", batch=1),
    "no stamps": replace(PLAIN, stamps=False),
    "escape form": replace(PLAIN, joiner="--", max_name=127, empty=False),
}
WANTED: dict[str, dict[str, DesiredValue]] = {
    "api-keys": {"stripe": Secret("one"), "sendgrid": Secret(""), "made": Generate()},
    "database": {"url": Secret("two")},
    "empty": {},
}


@pytest.fixture(params=sorted(STORES))
def caps(request: pytest.FixtureRequest) -> Caps:
    """Return the abilities of each kind of store."""
    return STORES[request.param]


def deploy(driver: Memory | Faults, wanted: Mapping[str, Mapping[str, DesiredValue]], owner: Owner = APP) -> Report:
    """Plan and apply *wanted*."""
    store = Store(driver)
    return apply(make_plan(Desired(owner, wanted), store), store)


def plan(
    driver: Memory | Faults,
    wanted: Mapping[str, Mapping[str, DesiredValue]],
    *,
    prune: bool = True,
    trust: bool = False,
) -> Plan:
    """Plan *wanted*."""
    return make_plan(Desired(APP, wanted), Store(driver), prune=prune, trust=trust)


def values(driver: Memory) -> dict[str, str | None]:
    """Return all that a program can read, but for generated values."""
    store = Store(driver)
    return {
        f"{vault.name}/{entry.name}": store.get(vault.name, entry.name)
        for vault in store.list_vaults()
        for entry in store.list_secrets(vault.name)
        if entry.name != "made"
    }


def test_apply_makes_the_store_equal_to_the_config(caps: Caps) -> None:
    """After an apply the store holds what is declared, under its owner, and a second plan is empty."""
    driver = Memory(caps=caps)
    report = deploy(driver, WANTED)
    assert report.complete
    assert values(driver) == {"api-keys/stripe": "one", "api-keys/sendgrid": "", "database/url": "two"}
    assert all(workspace_of(Store(driver)).record(vault).owner == APP for vault in WANTED)
    assert plan(driver, WANTED).steps == ()


def test_changes_by_hand_are_repaired(caps: Caps) -> None:
    """A changed, a deleted and an added secret are brought back to what is declared; generated ones stay."""
    driver = Memory(caps=caps)
    deploy(driver, WANTED)
    store, made = Store(driver), Store(driver).get("api-keys", "made")
    driver.backdoor.write(caps.joiner.join(["default", "api-keys", "stripe"]), "by hand")
    store.delete_secret("database", "url")
    store.create_secret("database", "added", Secret("by hand"))
    report = deploy(driver, WANTED)
    assert sorted((step.action, step.place.secret) for step in report.done) == [
        ("create", "url"),
        ("delete", "added"),
        ("update", "stripe"),
    ]
    assert values(driver) == {"api-keys/stripe": "one", "api-keys/sendgrid": "", "database/url": "two"}
    assert store.get("api-keys", "made") == made


def test_what_is_no_longer_declared_goes(caps: Caps) -> None:
    """Vaults and secrets that left the config are deleted, the vaults of others are not."""
    driver = Memory(caps=caps)
    deploy(driver, WANTED)
    deploy(driver, {"theirs": {"token": Secret("x")}}, Owner("other-app"))
    report = deploy(driver, {"api-keys": {"stripe": Secret("one")}})
    assert report.complete
    assert values(driver) == {"api-keys/stripe": "one", "theirs/token": "x"}
    assert [vault.name for vault in Store(driver).list_vaults()] == ["api-keys", "theirs"]


def test_a_second_apply_of_1000_writes_and_reads_nothing() -> None:
    """When nothing changed there are 0 writes, and 0 reads of values other than the vault's record."""
    memory = Memory(caps=PLAIN)
    wanted = {"vault": {f"secret-{n}": Secret(f"value {n}") for n in range(1000)}}
    deploy(memory, wanted)
    faults = Faults(memory)
    memory.forget_calls()
    assert deploy(faults, wanted).done == ()
    assert memory.writes == 0
    assert memory.calls == {"list": 1, "get_many": 1}
    assert [call.op for call in faults.calls if "secret-" in call.name] == []


def test_a_deployer_who_may_not_read_can_deploy() -> None:
    """Planning and applying work where every read of a secret's value is denied."""
    memory = Memory(caps=PLAIN)
    faults = Faults(memory)
    for name in ("default/api-keys/stripe", "default/api-keys/sendgrid"):
        faults.fail("get", Denied, name=name)
    deploy(faults, {"api-keys": {"stripe": Secret("one"), "sendgrid": Secret("two")}})
    report = deploy(faults, {"api-keys": {"stripe": Secret("changed")}})
    assert [(step.action, step.place.secret) for step in report.done] == [("update", "stripe"), ("delete", "sendgrid")]
    assert Store(memory).get("api-keys", "stripe") == "changed"


def test_beside_vaults_that_may_not_be_read(caps: Caps) -> None:
    """Such vaults, of the app or of others, are not changed; everything else is done as usual."""
    memory = Memory(caps=caps)
    faults = Faults(memory)
    deploy(memory, {"theirs": {"token": Secret("x")}}, Owner("other-app"))
    deploy(memory, {"left-over": {"key": Secret("x")}, "gone-vault": {"key": Secret("x")}})
    for vault in ("theirs", "left-over"):
        faults.fail("get", Denied, name=workspace_of(Store(memory)).vault_names(vault).record)
    made = plan(faults, WANTED)
    assert (made.unread, made.owned) == (("left-over", "theirs"), 1)
    assert apply(made, Store(faults)).complete
    assert plan(faults, WANTED).steps == ()
    assert plan(faults, {}).owned == 4
    kept = {"left-over/key": "x", "theirs/token": "x"}
    assert values(memory) == {"api-keys/stripe": "one", "api-keys/sendgrid": "", "database/url": "two", **kept}


@pytest.mark.parametrize("prune", [True, False])
def test_a_declared_vault_that_may_not_be_read(caps: Caps, prune: bool) -> None:
    """It is an error that names the vault; so is any record that cannot be read because of an outage."""
    memory = Memory(caps=caps)
    faults = Faults(memory)
    deploy(memory, {"theirs": {}}, Owner("other-app"))
    faults.fail("get", Denied, name=workspace_of(Store(memory)).vault_names("theirs").record)
    with pytest.raises(Denied, match="vault theirs"):
        plan(faults, {"theirs": {}}, prune=prune)
    faults.heal()
    faults.fail("get", Unavailable, name=workspace_of(Store(memory)).vault_names("theirs").record)
    with pytest.raises(Unavailable):
        plan(faults, {"theirs" if not prune else "api-keys": {}}, prune=prune)


class Hearsay(Memory):
    """A store whose list shows no versions, and the stamps of our last puts even if another tool wrote later."""

    def __init__(self, *, caps: Caps) -> None:
        super().__init__(caps=replace(caps, list_stamps=False))
        self._last: dict[str, str] = {}

    def put(self, name: str, value: Secret, *, stamp: str = "", **options: Any) -> Entry:
        """Keep the stamp."""
        self._last[name] = stamp
        return super().put(name, value, stamp=stamp, **options)

    def list(self, prefix: str, *, deleted: bool = False) -> Iterator[Entry]:
        """Yield names, and the stamps that were kept, bare names among it."""
        return (replace(entry, stamp=self._last.get(entry.name, "")) for entry in super().list(prefix, deleted=deleted))


def test_a_terse_list_is_completed_by_looks() -> None:
    """If the stamps in a list may be outdated, the metadata of each declared or deleted secret is read, once."""
    driver = Hearsay(caps=PLAIN)
    deploy(driver, WANTED)
    driver.backdoor.write("default/api-keys/stripe", "by hand")
    driver.backdoor.write("default/api-keys/added", "by hand")
    driver.forget_calls()
    made = plan(driver, WANTED)
    assert driver.calls == {"list": 1, "get_many": 1, "stat": 5}
    assert [(step.action, step.place.secret) for step in made.steps] == [("update", "stripe"), ("delete", "added")]
    assert all(step.expect for step in made.steps)
    assert made.trusted == 0
    assert apply(made, Store(driver)).complete


def test_trust_looks_at_what_is_written_alone() -> None:
    """With trust a plan reads the metadata only of secrets to write and those without a stamp; it counts the others."""
    driver = Hearsay(caps=PLAIN)
    deploy(driver, WANTED)
    driver.backdoor.write("default/api-keys/added", "by hand")
    driver.forget_calls()
    changed: dict[str, dict[str, DesiredValue]] = {**WANTED, "database": {"url": Secret("three"), "new": Secret("x")}}
    made = plan(driver, changed, trust=True)
    assert driver.calls == {"list": 1, "get_many": 1, "stat": 2}
    assert {(step.action, step.place.secret, bool(step.expect)) for step in made.steps} == {
        ("update", "url", True),
        ("create", "new", False),
        ("delete", "added", True),
    }
    assert made.trusted == 3
    assert apply(made, Store(driver)).complete
    assert plan(driver, changed).steps == ()


def test_trust_does_not_see_another_tool() -> None:
    """With trust another tool's value stays; a metadata read detects it, and shows what is really unchanged."""
    driver = Hearsay(caps=PLAIN)
    deploy(driver, WANTED)
    driver.backdoor.write("default/api-keys/stripe", "by hand")
    driver._last["default/database/url"] = "an old list's"
    trusting = plan(driver, WANTED, trust=True)
    assert (trusting.steps, trusting.trusted) == ((), 3)
    assert [step.place.secret for step in plan(driver, WANTED).steps] == ["stripe"]


def test_trust_creates_what_is_gone() -> None:
    """A secret that is changed by the list, and missing by its metadata, is created, not updated."""
    driver = Hearsay(caps=PLAIN)
    deploy(driver, WANTED)
    driver.delete("default/database/url")
    driver.server.bare("default/database/url")
    driver._last["default/database/url"] = ""
    made = plan(driver, WANTED, trust=True)
    assert [(step.action, step.place.secret, step.expect) for step in made.steps] == [("create", "url", ABSENT)]
    assert apply(made, Store(driver)).complete


def test_trust_changes_nothing_where_a_list_tells_it_all(caps: Caps) -> None:
    """On a store whose list always has the current stamps, or which has no stamps, a plan with trust is the same."""
    driver = Memory(caps=caps)
    deploy(driver, WANTED)
    for name in ("stripe", "added"):
        driver.backdoor.write(caps.joiner.join(["default", "api-keys", name]), "by hand")
    assert plan(driver, WANTED, trust=True) == plan(driver, WANTED)
    assert plan(driver, WANTED, trust=True).trusted == 0


def test_no_prune_lists_nothing(caps: Caps) -> None:
    """Without pruning no list right is needed, and nothing is deleted."""
    driver = Memory(caps=caps)
    deploy(driver, WANTED)
    driver.forget_calls()
    made = plan(driver, {"database": {"url": Secret("two"), "new": Secret("x")}}, prune=False)
    assert [(step.action, step.place.secret) for step in made.steps] == [("create", "new")]
    assert driver.calls["list"] == driver.calls["containers"] == 0


class FullDisk(Memory):
    """A store whose writes fail when they are made one."""

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Fail at the end."""
        yield
        raise Unavailable("no space left")


def test_a_failed_commit_fails_every_step() -> None:
    """When the one write of a transaction fails, no step is reported as done."""
    report = deploy(FullDisk(), WANTED)
    assert (report.done, report.left) == ((), ())
    assert {str(error) for _, error in report.failed} == {"FullDisk: no space left"}


def test_a_failing_secret_stops_no_other(caps: Caps) -> None:
    """A step that fails is reported with its error; the others are done; a rerun finishes the job."""
    memory = Memory(caps=caps)
    faults = Faults(memory)
    native = caps.joiner.join(["default", "api-keys", "stripe"])
    faults.fail("put", Denied, name=native)
    report = deploy(faults, WANTED)
    [(step, error)] = report.failed
    assert (step.place.secret, type(error)) == ("stripe", Denied)
    assert not report.left
    assert values(memory) == {"api-keys/sendgrid": "", "database/url": "two"}
    assert deploy(memory, WANTED).complete
    assert values(memory)["api-keys/stripe"] == "one"


def test_a_vault_that_cannot_be_made_holds_up_only_its_own_secrets() -> None:
    """Secrets of a vault whose record failed are not tried."""
    faults = Faults(Memory(caps=PLAIN))
    faults.fail("put", Denied, name="default/v/api-keys")
    report = deploy(faults, WANTED)
    assert [step.place.vault for step, _ in report.failed] == ["api-keys"]
    assert {step.place.vault for step in report.left} == {"api-keys"}
    assert {step.place.vault for step in report.done} == {"database", "empty"}


def test_a_vault_with_a_secret_that_stays_is_not_deleted() -> None:
    """A vault is not deleted when a deletion in it failed."""
    memory = Memory(caps=PLAIN)
    deploy(memory, WANTED)
    faults = Faults(memory)
    faults.fail("delete", Denied, name="default/database/url")
    report = deploy(faults, {"api-keys": WANTED["api-keys"]})
    assert [step.place for step in report.left] == [("database", "")]
    assert [vault.name for vault in Store(memory).list_vaults()] == ["api-keys", "database"]


def test_an_outage_stops_the_run() -> None:
    """When the store stops answering, no further step is tried, and the report says which were not."""
    faults = Faults(Memory(caps=replace(PLAIN, batch=1)))
    faults.fail("put", Unavailable, name="default/many/secret-0")
    report = deploy(faults, {"many": {f"secret-{n}": Secret("x") for n in range(500)}})
    assert [step.place.secret for step, _ in report.failed] == ["secret-0"]
    assert len(report.left) > 100
    assert len(report.done) + len(report.failed) + len(report.left) == 501


def test_an_outage_in_one_write_leaves_nothing() -> None:
    """In a store with transactions an outage midway writes nothing and reports nothing as done."""
    memory = Memory()
    faults = Faults(memory)
    faults.fail("put", Unavailable, name="default/database/url")
    report = deploy(faults, WANTED)
    assert report.done == ()
    assert Store(memory).list_vaults() == []


def test_a_secret_that_moved_since_the_plan_is_a_conflict(caps: Caps) -> None:
    """A secret written by somebody else after the plan is not overwritten or deleted, the rest is done."""
    lagging = replace(caps, list_lag=0.0 if caps.cas == "full" else 300.0)
    driver = Memory(caps=lagging)
    wanted = {"api-keys": {"stripe": Secret("one"), "sendgrid": Secret("two"), "old": Secret("three")}}
    deploy(driver, wanted)
    driver.settle()
    store = Store(driver)
    made = plan(driver, {"api-keys": {"stripe": Secret("changed"), "sendgrid": Secret("changed")}})
    for name in ("stripe", "old"):
        driver.backdoor.write(caps.joiner.join(["default", "api-keys", name]), "theirs")
    report = apply(made, store)
    assert [(step.place.secret, type(error)) for step, error in report.failed] == [
        ("stripe", Conflict),
        ("old", Conflict),
    ]
    assert store.get_all("api-keys", ["stripe", "sendgrid", "old"]) == ["theirs", "changed", "theirs"]


def test_two_creators_of_one_secret() -> None:
    """The loser of a race to create gets a Conflict, and the winner's value stays."""
    driver = Memory(caps=PLAIN)
    made = plan(driver, {"vault": {"secret": Secret("loser")}})
    deploy(driver, {"vault": {"secret": Secret("winner")}})
    report = apply(made, Store(driver))
    assert all(isinstance(error, Conflict) for _, error in report.failed)
    assert Store(driver).get("vault", "secret") == "winner"


def test_deleting_what_is_gone_is_success() -> None:
    """A secret or vault that somebody else deleted since the plan is deleted."""
    driver = Memory(caps=PLAIN)
    deploy(driver, WANTED)
    made = plan(driver, {})
    deploy(driver, {})
    assert apply(made, Store(driver)).complete


@pytest.mark.parametrize("kind", ["many writes", "containers", "no atomic expect", "escape form", "one write"])
def test_a_crash_between_any_two_calls_converges(kind: str) -> None:
    """An apply killed after its call k, for every k, leaves a store that a rerun makes equal to the config."""
    caps, crashed = STORES[kind], 0
    for k in range(200):
        memory = Memory(caps=caps)
        deploy(memory, {"api-keys": {"stripe": Secret("old"), "gone": Secret("x")}, "gone": {"secret": Secret("x")}})
        faults = Faults(memory)
        faults.crash(after=k)
        try:
            deploy(faults, WANTED)
        except Crash:
            crashed += 1
        else:
            break
        made = plan(memory, WANTED)
        assert made.conflicts == ()
        assert deploy(memory, WANTED).complete
        assert values(memory) == {"api-keys/stripe": "one", "api-keys/sendgrid": "", "database/url": "two"}
        assert plan(memory, WANTED).steps == ()
    assert 5 < crashed < 200


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_running_writes_end_and_starts_no_other(number: signal.Signals) -> None:
    """After Ctrl-C or SIGTERM the report says what was done and what was not, and a rerun finishes the job."""
    before = signal.getsignal(number)
    memory = Memory(caps=replace(PLAIN, batch=1))
    store, once = Store(memory), threading.Lock()

    def interrupt(_step: object, _entry: object) -> None:
        if once.acquire(blocking=False):
            os.kill(os.getpid(), number)
            threading.Event().wait(0.05)  # for the signal to reach the main thread

    wanted = {"vault": {f"secret-{n}": Secret("x") for n in range(2000)}}
    report = apply(make_plan(Desired(APP, wanted), store), store, interrupt)
    assert report.interrupted
    assert report.signal == number
    assert signal.getsignal(number) is before
    assert report.left
    assert not report.failed
    assert len(values(memory)) == len([step for step in report.done if step.place.secret])
    assert deploy(memory, wanted).complete


def test_watch_sees_each_step_once() -> None:
    """Progress is reported for each step as it is done."""
    store, seen = Store(Memory(caps=PLAIN)), list[object]()
    report = apply(make_plan(Desired(APP, WANTED), store), store, lambda step, _entry: seen.append(step))
    assert sorted(map(repr, seen)) == sorted(map(repr, report.done))


def test_sources_are_read_when_the_plan_is_made(tmp_path: Path) -> None:
    """A config holds no value from a source before a plan is made of it."""
    (tmp_path / "key.pem").write_bytes(b"line\r\n\n")
    config = define_config(
        "my-app",
        secrets=define_secret_manager({"abc": {"one": env("ONE"), "two": file("key.pem"), "six": generate(6)}}),
    )
    declared = read_desired(config, {"ONE": "1"}, tmp_path)
    assert declared.vaults["abc"] == {"one": Secret("1"), "two": Secret("line\r\n\n"), "six": Generate(6)}
    assert nothing_desired(config) == Desired(Owner("my-app"), {}, {}, known={"abc": ["one", "six", "two"]})


def test_all_missing_values_at_once(tmp_path: Path) -> None:
    """One error lists every secret without a value and where it should come from."""
    secrets = define_secret_manager(
        {"abc": {"one": env("ONE"), "two": None, "six": file("none"), "ten": env("TEN", allow_empty=True)}}
    )
    with pytest.raises(ValueInvalid) as caught:
        read_desired(define_config("my-app", secrets=secrets), {"ONE": "", "TEN": ""}, tmp_path)
    assert caught.value.code == "SECRET_VALUE_REQUIRED"
    for part in ("abc/one (environment variable ONE)", "abc/two", "abc/six (file none)"):
        assert part in str(caught.value)
    assert "ten" not in str(caught.value)


def test_nullish_values_are_skipped_when_asked(tmp_path: Path) -> None:
    """With the option, secrets without a value are listed, and are not created, updated or deleted."""
    driver = Memory()
    deploy(driver, {"abc": {"one": Secret("kept")}})
    secrets = define_secret_manager({"abc": {"one": env("ONE"), "two": None}}, ignore_nullish_values=True)
    made = make_plan(read_desired(define_config("my-app", secrets=secrets), {}, tmp_path), Store(driver))
    assert made.steps == ()
    assert made.skipped == (("abc", "one"), ("abc", "two"))


@pytest.mark.parametrize(("value", "kind"), [("x" * 9, TooLarge), ("\ud800", ValueInvalid)])
def test_a_plan_checks_values_before_any_call(value: str, kind: type[SecretsError]) -> None:
    """A value that the store cannot hold fails the plan, before any call, naming every such secret."""
    driver = Memory(caps=replace(FULL, max_bytes=8))
    wanted = {"vault": {"one": Secret(value), "two": Secret(value), "fine": Secret("x")}}
    with pytest.raises(kind, match=r"vault/one.*vault/two") as caught:
        plan(driver, wanted)
    assert not driver.calls
    assert "fine" not in str(caught.value)


def test_escaped_values_are_listed() -> None:
    """A plan shows which secrets are stored in another form."""
    store = Store(Memory(caps=STORES["escape form"]))
    assert escaped(make_plan(Desired(APP, WANTED), store), store) == [("api-keys", "sendgrid")]


class Nowhere(Memory):
    """A store that does not exist."""

    def list(self, prefix: str, *, deleted: bool = False) -> None:  # type: ignore[override]
        """Say so."""
        raise StoreNotFound


@pytest.mark.parametrize("may_create", [True, False])
def test_planning_on_a_store_that_is_not_there(may_create: bool) -> None:
    """A store that the first write may make is planned as empty; any other is StoreNotFound."""
    store = Store(Nowhere(), may_create=may_create)
    if may_create:
        assert make_plan(Desired(APP, {"abc": {}}), store).count("create") == 1
    else:
        with pytest.raises(StoreNotFound):
            make_plan(Desired(APP, {"abc": {}}), store)


APART = replace(PLAIN, stamps_apart=True)


class Unstamped(Memory):
    """A store where a login without the right to write stamps writes values."""

    denied = True

    def check_stamp(self, name: str) -> None:
        """Refuse."""
        if self.denied:
            raise Denied

    def put(self, name: str, value: Secret, **options: Any) -> Entry:
        """Write, and say that the stamp is missing."""
        if not self.denied or "/v/" in name:
            return super().put(name, value, **options)
        unstamped: dict[str, Any] = {**options, "stamp": ""}
        entry = super().put(name, value, **unstamped)
        return replace(entry, stamp="", note="its stamp could not be written")


def test_a_write_without_its_stamp_is_done_once() -> None:
    """The report says so, and the next plan compares the value, so nothing is written again; a change is seen."""
    driver = Unstamped(caps=APART)
    wanted = {"api-keys": {"stripe": Secret("one")}}
    report = deploy(driver, wanted)
    assert report.complete
    assert [(step.place.secret, note) for step, note in report.notes] == [("stripe", "its stamp could not be written")]
    assert plan(driver, wanted).steps == ()
    assert plan(driver, wanted, prune=False).steps == ()
    assert plan(driver, {"api-keys": {"stripe": Secret("two")}}).count("update") == 1
    driver.backdoor.write("default/api-keys/stripe", "by hand")
    assert plan(driver, wanted).count("update") == 1


def test_a_value_that_may_not_be_read_and_has_no_stamp_is_unknown() -> None:
    """It may be the declared value, so it is listed and not changed, while the rest is done."""
    memory = Unstamped(caps=APART)
    deploy(memory, {"api-keys": {"stripe": Secret("one")}})
    faults = Faults(memory)
    faults.fail("get", Denied, name="default/api-keys/stripe")
    made = plan(faults, {"api-keys": {"stripe": Secret("one"), "new": Secret("two")}})
    assert made.unknown == (("api-keys", "stripe"),)
    assert [step.place.secret for step in made.steps] == ["new"]


def test_a_login_that_may_stamp_repairs_what_it_may_not_read() -> None:
    """A change by hand is overwritten once, with a stamp: no value is read."""
    memory = Unstamped(caps=APART)
    memory.denied = False
    wanted = {"api-keys": {"stripe": Secret("one")}}
    deploy(memory, wanted)
    memory.backdoor.write("default/api-keys/stripe", "by hand")
    faults = Faults(memory)
    faults.fail("get", Denied, name="default/api-keys/stripe")
    assert deploy(faults, wanted).complete
    assert plan(faults, wanted).steps == ()


def test_a_write_and_its_stamp_in_one_call_need_no_reading() -> None:
    """In such a store a version without a stamp is another tool's: it is repaired, and no value is read."""
    memory = Memory(caps=PLAIN)
    wanted = {"api-keys": {"stripe": Secret("one")}}
    deploy(memory, wanted)
    memory.backdoor.write("default/api-keys/stripe", "by hand")
    faults = Faults(memory)
    faults.fail("get", Denied, name="default/api-keys/stripe")
    made = plan(faults, wanted)
    assert (made.count("update"), made.unknown) == (1, ())


def test_a_damaged_value_is_written_anew() -> None:
    """A value that is not text is not the declared one, so it is replaced."""
    memory = Memory(caps=APART)
    wanted = {"api-keys": {"stripe": Secret("one")}}
    deploy(memory, wanted)
    memory.backdoor.write_bytes("default/api-keys/stripe", b"\xff")
    made = plan(memory, wanted)
    assert (made.count("update"), made.unknown) == (1, ())


def test_an_outage_while_values_are_compared_is_no_difference() -> None:
    """A value that the store does not return now is not overwritten."""
    memory = Unstamped(caps=APART)
    deploy(memory, {"api-keys": {"stripe": Secret("one")}})
    faults = Faults(memory)
    faults.fail("get", Unavailable, name="default/api-keys/stripe")
    with pytest.raises(Unavailable):
        plan(faults, {"api-keys": {"stripe": Secret("one")}})


def test_vaults_that_are_taken_over_are_written_without_reading() -> None:
    """What another tool wrote into a vault that is not the app's is replaced; no value is read for that."""
    memory = Memory(caps=PLAIN)
    memory.backdoor.write("default/api-keys/stripe", "by hand")
    memory.forget_calls()
    assert plan(memory, {"api-keys": {"stripe": Secret("one")}}).count("update") == 2
    assert memory.calls["get"] == 0


LAGGING = {
    "stamps in lists": replace(PLAIN, list_lag=300.0, cas="none"),
    "atomic creates": replace(PLAIN, list_lag=300.0, cas="create"),
    "no stamps in lists": replace(PLAIN, list_lag=300.0, cas="create", list_stamps=False, batch=1),
}


@pytest.mark.parametrize("caps", LAGGING.values(), ids=LAGGING.keys())
def test_a_second_apply_while_the_list_lags(caps: Caps) -> None:
    """New vaults and secrets that the list does not show yet are not planned again, and no value of theirs is read."""
    driver = Memory(caps=caps)
    assert deploy(driver, WANTED).complete
    driver.forget_calls()
    assert plan(driver, WANTED).steps == ()
    assert driver.value_reads <= len(WANTED)  # records
    report = deploy(driver, WANTED)
    assert (report.done, report.failed) == ((), ())


@pytest.mark.parametrize("caps", LAGGING.values(), ids=LAGGING.keys())
def test_changes_that_the_list_does_not_show_yet(caps: Caps) -> None:
    """A second apply that plans an update from an old list writes nothing; once the list shows it, it plans nothing."""
    driver = Memory(caps=caps)
    deploy(driver, {"api-keys": {"stripe": Secret("old"), "gone": Secret("x")}, "gone": {"key": Secret("x")}})
    driver.settle()
    assert deploy(driver, WANTED).complete
    deploy(driver, WANTED)
    assert len(Store(driver).history("api-keys", "stripe")) == 2
    driver.settle()
    assert plan(driver, WANTED).steps == ()


def test_an_unlisted_secret_of_another_tool_is_a_conflict() -> None:
    """This app did not see it, so it is not overwritten while the list lags or if its metadata is denied."""
    for denied in (False, True):
        memory = Memory(caps=LAGGING["atomic creates"])
        deploy(memory, {"api-keys": {}})
        memory.backdoor.write("default/api-keys/stripe", "by hand")
        faults = Faults(memory)
        if denied:
            faults.fail("stat", Denied, name="default/api-keys/stripe", times=1)
        report = deploy(faults, {"api-keys": {"stripe": Secret("one")}})
        assert [type(error) for _, error in report.failed] == [Conflict]
        assert Store(memory).get("api-keys", "stripe") == "by hand"


def test_an_unlisted_record_that_is_denied_is_none() -> None:
    """Some stores deny a missing name, so a denied record that no list shows stops no plan."""
    memory = Memory(caps=replace(LAGGING["atomic creates"], batch=1))
    faults = Faults(memory)
    faults.fail("get", Denied, name="default/v/api-keys")
    assert plan(faults, {"api-keys": {"stripe": Secret("one")}}).count("create") == 2


@pytest.mark.parametrize("caps", LAGGING.values(), ids=LAGGING.keys())
def test_a_first_deployment_stats_nothing_that_cannot_be_there(caps: Caps) -> None:
    """In a vault without a record every secret is new."""
    driver = Memory(caps=caps)
    assert plan(driver, WANTED).count("create") == 7
    assert driver.calls["stat"] == 0


def test_the_second_of_two_deployers_gets_a_conflict() -> None:
    """Two runs that planned the same create: the second writes nothing, and its next plan is empty."""
    driver = Memory(caps=PLAIN)
    deploy(driver, {"vault": {}})
    wanted = {"vault": {"secret": Secret("value")}}
    made = plan(driver, wanted)
    assert apply(made, Store(driver)).complete
    assert [type(error) for _, error in apply(made, Store(driver)).failed] == [Conflict]
    assert len(Store(driver).history("vault", "secret")) == 1
    assert plan(driver, wanted).steps == ()


OTHER = Owner("other-app")


@pytest.mark.parametrize("wanted", [{}, {"api-keys": {"stripe": Secret("two")}}], ids=["delete", "update"])
def test_a_vault_that_changed_hands_during_a_prompt(caps: Caps, wanted: dict[str, dict[str, DesiredValue]]) -> None:
    """Nothing is written to it: its first step is a conflict, and the rest is not tried."""
    driver = Memory(caps=caps)
    deploy(driver, {"api-keys": {"stripe": Secret("one")}, "others": {"key": Secret("x")}})
    store = Store(driver)
    made = plan(driver, wanted)
    workspace_of(store).claim("api-keys", OTHER, workspace_of(store).record("api-keys"))
    report = apply(made, store, prompted=True)
    assert [(step.place.vault, type(error)) for step, error in report.failed] == [("api-keys", Conflict)]
    assert store.get("api-keys", "stripe") == "one"
    if not caps.transactions:
        assert {step.place.vault for step in report.done} == {"others"}


def test_a_vault_that_was_created_during_a_prompt() -> None:
    """Two apps that want one new vault do not share it."""
    driver = Memory(caps=PLAIN)
    made = plan(driver, {"api-keys": {"stripe": Secret("one")}})
    deploy(driver, {"api-keys": {}}, OTHER)
    report = apply(made, Store(driver), prompted=True)
    assert [type(error) for _, error in report.failed] == [Conflict]
    assert len(report.left) == 1


def test_owners_are_read_again_only_after_a_prompt() -> None:
    """A plan that is carried out at once costs no more calls; after a prompt, one batch of records."""
    driver = Memory(caps=PLAIN)
    deploy(driver, WANTED)
    made = plan(driver, {})
    driver.forget_calls()
    apply(made, Store(driver), prompted=False)
    without = driver.calls["get_many"]
    deploy(driver, WANTED)
    made = plan(driver, {})
    driver.forget_calls()
    assert apply(made, Store(driver), prompted=True).complete
    assert driver.calls["get_many"] == without + 1


def test_owners_that_cannot_be_read_again_stop_the_run() -> None:
    """Nothing is written when the owners of the vaults are unknown."""
    memory = Memory(caps=PLAIN)
    faults = Faults(memory)
    made = plan(memory, WANTED)
    faults.fail("get_many", Unavailable)
    report = apply(made, Store(faults), prompted=True)
    assert (len(report.failed), report.done, memory.writes) == (1, (), 0)
    faults.heal()
    faults.fail("get", Denied, name="default/v/api-keys")
    report = apply(made, Store(faults), prompted=True)
    assert [(step.place, type(error)) for step, error in report.failed] == [(("api-keys", ""), Denied)]


def test_one_unreadable_secret_in_a_store_without_stamps() -> None:
    """It is written again, since it may differ; the others are compared."""
    memory = Memory(caps=STORES["no stamps"])
    wanted = {"api-keys": {"stripe": Secret("one"), "sendgrid": Secret("two")}}
    deploy(memory, wanted)
    faults = Faults(memory)
    faults.fail("get", Denied, name="default/api-keys/stripe")
    made = plan(faults, wanted)
    assert [(step.action, step.place.secret) for step in made.steps] == [("update", "stripe")]
    assert made.compared_values


def test_a_listed_record_without_a_value() -> None:
    """A listed record that cannot be found, for example without a value, does not count: the vault is created."""
    memory = Memory(caps=PLAIN)
    deploy(memory, {"api-keys": {}})
    faults = Faults(memory)
    faults.fail("get", NotFound, name="default/v/api-keys")
    assert workspace_of(Store(faults)).snapshot() == {}
    assert [(step.action, step.place) for step in plan(faults, {"api-keys": {}}).steps] == [
        ("create", ("api-keys", ""))
    ]
    assert plan(faults, {}).steps == ()


class Merged(Memory):
    """A store whose record two branches wrote, until it is written again."""

    branches: tuple[str, ...] = ()

    def get(self, name: str, version: str = "") -> Any:
        """Refuse to choose between the branches."""
        if name == "default/v/api-keys" and self.branches and not version:
            raise Conflict("two branches wrote it")
        return super().get(name, version)

    def stat(self, name: str) -> Entry:
        """Show the branches."""
        entry = super().stat(name)
        if name == "default/v/api-keys" and self.branches:
            return replace(entry, branches=self.branches)
        return entry

    def put(self, name: str, value: Secret, **options: Any) -> Entry:
        """Resolve the conflict."""
        if name == "default/v/api-keys":
            self.branches = ()
        return super().put(name, value, **options)


@pytest.mark.parametrize(("other", "topic"), [(APP, ()), (Owner("other-app"), ("api-keys",))])
def test_a_record_that_two_branches_wrote_is_settled_once(other: Owner, topic: tuple[str, ...]) -> None:
    """The next apply writes the record, and asks where the branches have different owners; then nothing is left."""
    driver = Merged(caps=replace(PLAIN, batch=1))
    wanted = {"api-keys": {"stripe": Secret("one")}}
    deploy(driver, wanted)
    workspace = workspace_of(Store(driver))
    first = workspace.record("api-keys")
    second = workspace.claim("api-keys", other, first)
    driver.branches = (first.version, second.version)
    made = plan(driver, wanted)
    assert [(step.action, step.place) for step in made.steps] == [("update", ("api-keys", ""))]
    assert made.unmanaged == topic
    settled = workspace.claim("api-keys", APP, workspace.record("api-keys"))
    assert not settled.conflicted
    driver.branches = (first.version, second.version)
    assert apply(plan(driver, wanted), Store(driver)).complete
    assert plan(driver, wanted).steps == ()
    assert workspace.record("api-keys").owner == APP
