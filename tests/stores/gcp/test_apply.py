"""The whole product at Google: calls on the wire, two deployers, names and values at their limits."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest

from tailorsecrets.deploy.apply import apply
from tailorsecrets.deploy.plan import DesiredValue
from tailorsecrets.errors import Denied, TooLarge
from tailorsecrets.secret import Secret
from tailorsecrets.store.record import Owner
from tailorsecrets.store.store import workspace_of
from tailorsecrets.testing.faults import Crash
from tests.support.gcp.backdoor import PROJECT
from tests.support.gcp.deploying import APP, deploy, many, opened, planned
from tests.support.gcp.faults import Rule, denied, unavailable
from tests.support.gcp.fixtures import Bench, bench
from tests.support.shell import Shell

VALUE_CALLS = ("AccessSecretVersion",)
READ_CALLS = ("ListSecrets", "ListSecretVersions", "GetSecret", "GetSecretVersion", "AccessSecretVersion")


@pytest.fixture
def at() -> Iterator[Bench]:
    """Yield a server; its first secrets are an hour old."""
    with bench() as made:
        made.server.holdings.age(timedelta(hours=-1))
        yield made


def test_calls_of_a_new_deployment(at: Bench) -> None:
    """Each vault costs a read of its record, and each vault and secret that is new a create and a version."""
    assert deploy(at, many(20)).complete
    calls = {"ListSecrets": 1, "AccessSecretVersion": 2, "CreateSecret": 22, "AddSecretVersion": 22}
    assert Counter(at.methods()) == calls


def test_calls_of_an_unchanged_plan(at: Bench) -> None:
    """Planning N secrets in V vaults costs one list, V records and N metadata reads; no value is read or written."""
    deploy(at, many(20))
    at.methods()
    with opened(at) as store:
        assert planned(store, many(20)).steps == ()
    arrived = list(at.server.arrived)
    assert Counter(at.methods()) == {"ListSecrets": 1, "AccessSecretVersion": 2, "ListSecretVersions": 20}
    assert all("default_v_" in resource for method, resource in arrived if method in VALUE_CALLS)


def test_calls_of_one_change(at: Bench) -> None:
    """One changed secret costs a metadata read, a version and its stamp."""
    deploy(at, many(20))
    with opened(at) as store:
        plan = planned(store, many(20) | {"database": {**many(20)["database"], "key-3": Secret("new")}})
        at.methods()
        assert apply(plan, store).complete
    assert at.methods() == ["ListSecretVersions", "AddSecretVersion", "UpdateSecret"]


def test_calls_of_reads(at: Bench) -> None:
    """A get is one call, and get_all one for each name, of which several run at once."""
    deploy(at, many(40))
    at.methods()
    at.server.faults.add(Rule(seconds=0.05))
    with opened(at) as store, ThreadPoolExecutor(1) as thread:
        assert store.get("database", "key-3") == "database 3"
        assert at.methods() == ["AccessSecretVersion"]
        names = [f"key-{number}" for number in range(20)]
        got = thread.submit(store.get_all, "database", names).result(timeout=20 * 0.05)
    assert got == [f"database {number}" for number in range(20)]
    assert at.methods() == ["AccessSecretVersion"] * 20


def test_a_deployer_who_may_read_no_value(at: Bench) -> None:
    """A login that may access the vaults' own records alone can plan and apply, and cannot get."""
    rule = Rule(methods=VALUE_CALLS, refusal=denied("AccessSecretVersion", "it"))
    deploy(at, many(4))
    for vault in many(4):
        for name in many(4)[vault]:
            at.backdoor.deny(f"default_{vault}_{name}")
    assert rule.refusal
    assert deploy(at, {"api-keys": {"key-0": Secret("new"), "key-9": Secret("more")}}).complete
    with opened(at) as store, pytest.raises(Denied, match=r"api-keys/key-0"):
        store.get("api-keys", "key-0")


def test_two_deployers_at_once(at: Bench) -> None:
    """Of two deployments at once, each create is done once, the other gets Conflict, and both converge."""
    wanted = many(12)
    with ThreadPoolExecutor(2) as threads:
        reports = list(threads.map(lambda _: deploy(at, wanted), range(2)))
    created = [place for place, held in at.server.holdings.secrets.items() if len(held.versions) != 1]
    assert created == []
    assert all(error.code == "CONFLICT" for report in reports for _, error in report.failed)
    with opened(at) as store:
        assert planned(store, wanted).steps == ()


def test_a_change_behind_our_back_is_repaired(at: Bench) -> None:
    """A plan sees a value that another tool wrote, and replaces it."""
    wanted: dict[str, dict[str, DesiredValue]] = {"api-keys": {"stripe": Secret("mine")}}
    deploy(at, wanted)
    at.backdoor.write("default_api-keys_stripe", "theirs")
    with opened(at) as store:
        assert planned(store, wanted).count("update") == 1
    assert deploy(at, wanted).complete
    assert at.backdoor.read("default_api-keys_stripe") == "mine"


LONGEST = ("w" + "-" * 61 + "w", "v" + "-" * 61 + "v", "s" + "9" * 61 + "s")


def test_names_at_the_limit(at: Bench) -> None:
    """Names of 63 characters under a prefix of 63 are Google's longest, and are found again."""
    workspace, vault, secret = LONGEST
    with opened(at, prefix="p" * 63, workspace=workspace) as store:
        store.create_vault(vault)
        store.create_secret(vault, secret, Secret("value"))
        assert store.get(vault, secret) == "value"
        assert [entry.name for entry in store.list_secrets(vault)] == [secret]
        assert [found.name for found in store.list_vaults()] == [vault]
    native = f"{'p' * 63}_{workspace}_{vault}_{secret}"
    assert len(native) == 255
    assert at.backdoor.read(native) == "value"


HOSTILE = ["\x00", "\r\n", "\ufeffmark", "\N{MUSICAL SYMBOL G CLEF}", "end\n", " ", "{}", "tailorsecret"]


def test_values_are_plain_to_other_tools(at: Bench) -> None:
    """Hostile values come back code point by code point, and other tools read them as they are."""
    with opened(at) as store:
        store.create_vault("api-keys")
        store.create_secret("api-keys", "key", Secret("first"))
        for text in HOSTILE:
            store.update_secret("api-keys", "key", Secret(text))
            assert store.get("api-keys", "key") == text
            assert at.backdoor.read("default_api-keys_key") == text


def test_the_empty_value(at: Bench) -> None:
    """Google takes no empty payload, so "" is written as its escaped form, and read as ""."""
    with opened(at) as store:
        store.create_vault("api-keys")
        for text in ("", "tailorsecrets:=x"):
            store.create_secret("api-keys", f"key-{len(text)}", Secret(text))
            assert store.get("api-keys", f"key-{len(text)}") == text
            assert workspace_of(store).escapes(Secret(text))
    assert at.backdoor.read("default_api-keys_key-0") == "tailorsecrets:="


def test_over_the_limit(at: Bench) -> None:
    """One byte over 64 KiB is refused before any call."""
    with opened(at) as store:
        store.create_vault("api-keys")
        store.create_secret("api-keys", "key", Secret("x" * 65_536))
        at.methods()
        with pytest.raises(TooLarge, match="65536 bytes"):
            store.update_secret("api-keys", "key", Secret("é" * 32_768 + "x"))
    assert at.methods() == []


def test_ownership_is_taken_over_once(at: Bench) -> None:
    """A vault is released and claimed by the version of its record, and a record that moved is a Conflict."""
    with opened(at) as store:
        store.create_vault("api-keys", APP)
        seen = workspace_of(store).record("api-keys")
        assert workspace_of(store).release("api-keys") == APP
        assert deploy(at, {"api-keys": {}}).complete
        assert workspace_of(store).record("api-keys").owner == APP
        with pytest.raises(Exception, match="changed in the meantime"):
            workspace_of(store).claim("api-keys", Owner("other"), seen)


def test_history_and_undo(at: Bench) -> None:
    """A secret's history is read, rolled back to, deleted, restored and purged."""
    with opened(at) as store:
        store.create_vault("api-keys")
        old = store.create_secret("api-keys", "key", Secret("one"))
        store.update_secret("api-keys", "key", Secret("two"))
        assert [entry.version.partition("@")[0] for entry in store.history("api-keys", "key")] == ["2", "1"]
        store.rollback_secret("api-keys", "key", old.version)
        assert store.get("api-keys", "key") == "one"
        store.delete_secret("api-keys", "key")
        assert store.get("api-keys", "key") is None
        assert store.list_secrets("api-keys") == []
        store.restore_secret("api-keys", "key")
        assert store.get("api-keys", "key") == "one"
        store.purge_secret("api-keys", "key")
    assert at.backdoor.secret_or_none("default_api-keys_key") is None


def test_a_deployer_who_may_not_write_stamps(at: Bench) -> None:
    """A login that may add versions and not annotate deploys once: a note per secret, and no second version."""
    changed = {vault: {name: Secret("new") for name in secrets} for vault, secrets in many(2).items()}
    deploy(at, many(2))
    at.server.faults.add(Rule(methods=["UpdateSecret"], refusal=denied("UpdateSecret", "it")))
    report = deploy(at, changed)
    assert report.complete
    assert [note for _, note in report.notes] == [
        "the value is written, but its stamp is missing: permission denied",
    ] * 2
    for value_calls in ((), VALUE_CALLS):  # a login that may read the values, and one that may not
        for vault, secret in (("api-keys", "key-0"), ("database", "key-0")) if value_calls else ():
            at.backdoor.deny(f"default_{vault}_{secret}")
        assert deploy(at, changed).done == ()
    assert [len(held.versions) for name, held in at.server.holdings.secrets.items() if "_v_" not in name] == [2, 2]


def test_a_write_whose_answer_is_lost(at: Bench) -> None:
    """An apply in which the answer to each new version is lost is complete, and the next plan is empty."""
    deploy(at, many(2))
    changed = {vault: {name: Secret("new") for name in secrets} for vault, secrets in many(2).items()}
    at.server.faults.add(Rule(methods=["AddSecretVersion"], refusal=unavailable(), applied=True))
    assert deploy(at, changed).complete
    at.server.faults.recover()
    with opened(at) as store:
        assert planned(store, changed).steps == ()


def test_a_record_whose_delete_crashed(at: Bench) -> None:
    """A removal that crashes at any call is finished by the next one."""
    for calls in count():
        deploy(at, {"api-keys": {}})
        with opened(at) as store:
            plan = planned(store, {})
            at.fuse.left = calls
            with suppress(Crash):
                apply(plan, store)
            finished, at.fuse.left = at.fuse.left >= 0, None
        assert deploy(at, {}).complete
        with opened(at) as store:
            assert planned(store, {}).steps == ()
        (record,) = at.server.holdings.secrets.values()
        assert set(record.message.annotations) == {"tailorsecrets-stamp", "tailorsecrets-deleted"}
        if finished:
            break


def test_a_secret_that_terraform_created(at: Bench, tmp_path: Path) -> None:
    """On the command line a secret without versions is missing in each answer, and a create fills it."""
    shell = Shell(tmp_path)
    shell.environ["TAILORSECRETS_STORE"] = f"gcp://{PROJECT}?endpoint={at.wire.address}"
    with opened(at) as store:
        store.create_vault("api-keys")
    at.backdoor.bare("default_api-keys_stripe")
    assert "stripe" not in shell("secret", "list", "-V", "api-keys").out
    for verb in (["get"], ["delete", "--yes"]):
        assert "SECRET_NOT_FOUND" in shell("secret", *verb, "-n", "stripe", "-V", "api-keys").err
    assert at.backdoor.secret_or_none("default_api-keys_stripe")
    with opened(at) as store:
        store.create_secret("api-keys", "stripe", Secret("value"))
    assert shell("secret", "get", "-n", "stripe", "-V", "api-keys").out == "value"
