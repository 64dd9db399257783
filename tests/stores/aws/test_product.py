"""The whole product on AWS: calls on the wire, two deployers, lagging lists, least privilege, limits."""

import json
import logging
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import ceil
from typing import Literal

import pytest

from tailorsecrets.deploy.apply import Report, apply
from tailorsecrets.deploy.observe import make_plan
from tailorsecrets.deploy.plan import Desired, DesiredValue, Plan
from tailorsecrets.driver import ABSENT
from tailorsecrets.errors import Conflict, Denied, TooLarge
from tailorsecrets.secret import Secret
from tailorsecrets.store.layers import stack
from tailorsecrets.store.names import Naming
from tailorsecrets.store.record import Owner
from tailorsecrets.store.store import Store, workspace_of
from tailorsecrets_aws import tailorsecrets_stores
from tests.support.aws.backdoor import Aws, AwsBackdoor, aws_before
from tests.support.servers import Server

APP = Owner("my-app")
VALUES = {"GetSecretValue", "BatchGetSecretValue"}
WRITES = {"CreateSecret", "PutSecretValue", "DeleteSecret", "RestoreSecret"}
HOSTILE = {
    "newlines": "one\r\ntwo\n\n",
    "nul": "a\x00b",
    "bom": "\ufeffbom",
    "astral": "\N{MUSICAL SYMBOL G CLEF}\N{PILE OF POO}",
    "combining": "e\u0301\u2028",
    "json": '{"a": "\\u0000"}',
    "blank": " \t ",
    "at-the-limit": "x" * 65_536,
    "at-the-limit-of-bytes": "\N{MUSICAL SYMBOL G CLEF}" * 16_384,
}

Vaults = Mapping[str, Mapping[str, DesiredValue]]


@pytest.fixture
def aws(moto: Server) -> Iterator[Aws]:
    """Give the wire before moto."""
    aws = aws_before(moto)
    yield aws
    aws.close()


@pytest.fixture(params=["moto", "localstack_aws"])
def both(request: pytest.FixtureRequest) -> Iterator[Aws]:
    """Give the wire before each emulator."""
    aws = aws_before(request.getfixturevalue(request.param))
    yield aws
    aws.close()


@pytest.fixture
def prefix() -> str:
    """Return a prefix that only this test uses."""
    return f"product/{uuid.uuid4().hex[:8]}"


def opened(aws: Aws, prefix: str, workspace: str = "default") -> Store:
    """Return a store with its own connection, without the quota of AWS and with time for a busy machine."""
    return Store(aws.open(timeout=60.0), workspace, url="aws://eu-west-1", prefix=prefix)


def planned(store: Store, wanted: Vaults) -> Plan:
    """Return the plan that makes *store* hold *wanted*."""
    return make_plan(Desired(APP, wanted), store)


def deploy(aws: Aws, prefix: str, wanted: Vaults) -> Report:
    """Plan and apply on a fresh connection."""
    with opened(aws, prefix) as store:
        return apply(planned(store, wanted), store)


def values(aws: Aws, prefix: str, wanted: Vaults) -> dict[str, dict[str, str | None]]:
    """Return the values of *wanted* as a program reads them."""
    with opened(aws, prefix) as store:
        return {v: dict(zip(secrets, store.get_all(v, list(secrets)), strict=True)) for v, secrets in wanted.items()}


def plain(wanted: Vaults) -> dict[str, dict[str, str]]:
    """Return the texts of *wanted*."""
    return {
        vault: {name: value.reveal() for name, value in secrets.items() if isinstance(value, Secret)}
        for vault, secrets in wanted.items()
    }


@pytest.mark.timeout(300)
def test_calls_of_a_thousand(aws: Aws, prefix: str) -> None:
    """1,000 secrets in 4 vaults: new, records and a create each; unchanged, lists and records; one changed, 2 more."""
    wanted: dict[str, dict[str, DesiredValue]] = {
        f"vault-{v}": {f"key-{n:03}": Secret(f"{v} {n}") for n in range(250)} for v in range(4)
    }
    assert deploy(aws, prefix, wanted).complete
    assert aws.wire.counts == {"ListSecrets": 1, "BatchGetSecretValue": 1, "CreateSecret": 1_004}

    reads = {"ListSecrets": ceil(1_004 / 100), "BatchGetSecretValue": 1}
    aws.wire.forget()
    with opened(aws, prefix) as store:
        assert planned(store, wanted).steps == ()
    assert aws.wire.counts == reads
    assert all("/v/" in name for call in aws.wire.arrived for name in call.facts.get("SecretIdList", []))

    wanted["vault-2"]["key-100"] = Secret("changed")
    aws.wire.forget()
    assert deploy(aws, prefix, wanted).complete
    assert aws.wire.counts == {**reads, "DescribeSecret": 1, "PutSecretValue": 1}

    aws.wire.forget()
    with opened(aws, prefix) as store:
        assert store.get("vault-2", "key-100") == "changed"
        assert aws.wire.counts == {"GetSecretValue": 1}
        aws.wire.forget()
        assert store.get_all("vault-1", [f"key-{n:03}" for n in range(100)]) == [f"1 {n}" for n in range(100)]
    assert aws.wire.counts == {"BatchGetSecretValue": 5}


def test_names_and_values_at_their_limits(both: Aws, prefix: str) -> None:
    """Names of 63 characters and unusual values are read as written, by boto3 too."""
    vault, workspace = "v" * 63, "1" * 63
    wanted: Vaults = {vault: {name: Secret(text) for name, text in HOSTILE.items()} | {"s" * 63: Secret("long")}}
    with opened(both, prefix, workspace) as store:
        assert apply(planned(store, wanted), store).complete
        assert dict(zip(wanted[vault], store.get_all(vault, list(wanted[vault])), strict=True)) == plain(wanted)[vault]
        assert planned(store, wanted).steps == ()

    read = AwsBackdoor(both).read
    assert {name: read(f"{prefix}/{workspace}/{vault}/{name}") for name in wanted[vault]} == plain(wanted)[vault]


def test_the_empty_value(both: Aws, prefix: str) -> None:
    """AWS stores no empty text: other tools read a mark in its place, and we read the empty text."""
    wanted: Vaults = {"api-keys": {"empty": Secret(""), "marked": Secret("tailorsecrets:")}}
    assert deploy(both, prefix, wanted).complete

    assert values(both, prefix, wanted) == plain(wanted)
    assert AwsBackdoor(both).read(f"{prefix}/default/api-keys/empty") == "tailorsecrets:="


def test_over_the_limit_is_refused_by_the_plan(aws: Aws, prefix: str) -> None:
    """A value one byte over the limit is refused before any call."""
    with opened(aws, prefix) as store, pytest.raises(TooLarge, match="65536"):
        planned(store, {"api-keys": {"big": Secret("\u00e9" * 32_768 + "x")}})
    assert aws.wire.arrived == []


def test_two_deployers(both: Aws, prefix: str) -> None:
    """Of two that planned the same writes, the second gets Conflict for each, and its next plan is empty."""
    wanted: Vaults = {"api-keys": {"one": Secret("1"), "two": Secret("2")}}
    with opened(both, prefix) as first, opened(both, prefix) as second:
        for _ in range(2):
            plans = [planned(store, wanted) for store in (first, second)]
            assert apply(plans[0], first).complete
            report = apply(plans[1], second)
            assert {type(error) for _, error in report.failed} == {Conflict}
            assert planned(second, wanted).steps == ()
            wanted = {"api-keys": {"one": Secret("10"), "two": Secret("20")}}


def test_lists_that_lag(aws: Aws, prefix: str) -> None:
    """A plan from an old list overwrites nothing: secrets that changed since are a Conflict, and stay."""
    wanted: Vaults = {"api-keys": {"moved": Secret("1"), "unseen": Secret("1")}}
    deploy(aws, prefix, {"api-keys": {"moved": Secret("1")}})
    aws.rules.lists = {}
    with opened(aws, prefix) as store:
        plan = planned(store, {"api-keys": {"moved": Secret("2"), "unseen": Secret("2")}})
        for name in ("moved", "unseen"):
            AwsBackdoor(aws).write(f"{prefix}/default/api-keys/{name}", "by hand")
        report = apply(plan, store)

    assert {str(step.place): type(error) for step, error in report.failed} == {
        "secret api-keys/moved": Conflict,
        "secret api-keys/unseen": Conflict,
    }
    aws.rules.lists = None
    assert values(aws, prefix, wanted) == {"api-keys": {"moved": "by hand", "unseen": "by hand"}}
    aws.rules.lists = {}
    assert deploy(aws, prefix, wanted).complete  # the plan reads what the list of before the writes does not show
    assert values(aws, prefix, wanted) == plain(wanted)


def test_a_second_apply_while_lists_lag(aws: Aws, prefix: str) -> None:
    """A second apply finds the secrets that the first has written and no list shows yet, and can change them."""
    aws.rules.lists = {}
    deploy(aws, prefix, {"api-keys": {"one": Secret("1"), "two": Secret("2")}})
    with opened(aws, prefix) as store:
        assert planned(store, {"api-keys": {"one": Secret("1"), "two": Secret("2")}}).steps == ()
        report = apply(planned(store, {"api-keys": {"one": Secret("new"), "two": Secret("2")}}), store)

    assert [(step.place.secret, step.action) for step in report.done] == [("one", "update")]
    assert report.complete


def limit(aws: Aws, prefix: str, use: Literal["read", "deploy"]) -> None:
    """Limit the login to the policy for *use* of the vault api-keys."""
    (kind,) = tailorsecrets_stores()
    naming = Naming("default", prefix=prefix)
    assert kind.policy
    aws.rules.policy = json.loads(kind.policy(aws.target(), [naming.vault_names("api-keys")], use))


def test_a_service_reads_its_vault_and_nothing_else(aws: Aws, prefix: str) -> None:
    """Under the policy for reading, get and get_all of one vault work, and all else is Denied."""
    names = [f"key-{n}" for n in range(30)]
    deploy(aws, prefix, {"api-keys": {name: Secret(name) for name in names}, "database": {"url": Secret("x")}})
    limit(aws, prefix, "read")

    with opened(aws, prefix) as store:
        assert store.get("api-keys", "key-1") == "key-1"
        assert store.get_all("api-keys", names) == names
        for denied in (
            lambda: store.get("database", "url"),
            lambda: store.get_all("database", ["url"]),
            lambda: store.list_secrets("api-keys"),
            lambda: workspace_of(store).record("api-keys"),
            lambda: store.delete_secret("api-keys", "key-1"),
            lambda: store.purge_secret("api-keys", "key-1"),
            lambda: store.history("api-keys", "key-1"),
        ):
            with pytest.raises(Denied):
                denied()


def test_a_deployer_reads_no_value(aws: Aws, prefix: str) -> None:
    """Under the policy for deploying, all kinds of steps work, also beside another app's vault; no value is read."""
    with opened(aws, prefix) as store:
        store.create_vault("database", Owner("another-app"))
    limit(aws, prefix, "deploy")
    for names, value in ((("one", "two", "three"), "1"), (("one", "two"), "2"), (("one", "two", "three"), "2")):
        aws.wire.forget()
        assert deploy(aws, prefix, {"api-keys": {name: Secret(value) for name in names}}).complete
        read = [name for call in aws.wire.arrived for name in call.facts.get("SecretIdList", [])]
        assert {name for name in read if "/v/" not in name} == set()
        assert "GetSecretValue" not in aws.wire.counts
    with opened(aws, prefix) as store, pytest.raises(Denied, match="api-keys/one"):
        store.get("api-keys", "one")


def test_a_vault_that_left_the_config(aws: Aws, prefix: str) -> None:
    """A vault of the app that the policy does not name is planned for deletion, fails, and stays."""
    deploy(aws, prefix, {"api-keys": {"one": Secret("1"), "two": Secret("2")}, "left-over": {"old": Secret("x")}})
    limit(aws, prefix, "deploy")
    report = deploy(aws, prefix, {"api-keys": {"one": Secret("new")}})
    assert [(step.place.secret, step.action) for step in report.done] == [("one", "update"), ("two", "delete")]
    assert {step.place.vault for step, _ in report.failed} == {"left-over"}
    aws.rules.policy = None
    assert values(aws, prefix, {"left-over": {"old": None}}) == {"left-over": {"old": "x"}}


def test_batches_that_are_denied(aws: Aws, prefix: str, caplog: pytest.LogCaptureFixture) -> None:
    """Where BatchGet is denied, secrets are read one by one, and one warning says so."""
    names = [f"key-{n}" for n in range(25)]
    deploy(aws, prefix, {"api-keys": {name: Secret(name) for name in names}})
    aws.rules.closed.add(("BatchGetSecretValue", ""))
    aws.wire.forget()

    with opened(aws, prefix) as store, caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert store.get_all("api-keys", [*names, "missing"]) == [*names, None]

    assert aws.wire.counts == {"BatchGetSecretValue": 1, "GetSecretValue": 52}
    assert [record.message for record in caplog.records] == [
        "aws://eu-west-1: batch reads are denied; reading one by one from now on"
    ]


def test_denied_is_not_missing(aws: Aws, prefix: str) -> None:
    """A denied read names the secret, the action and IAM's reason; of a denied write there is only AWS's code."""
    deploy(aws, prefix, {"api-keys": {"one": Secret("1")}})
    name = f"{prefix}/default/api-keys/one"
    aws.rules.closed |= {("GetSecretValue", name), ("PutSecretValue", name)}

    with opened(aws, prefix) as store:
        with pytest.raises(Denied, match="api-keys/one") as reading:
            store.get("api-keys", "one")
        with pytest.raises(Denied, match="api-keys/one") as writing:
            store.update_secret("api-keys", "one", Secret("2"))

    assert "secretsmanager:GetSecretValue" in reading.value.hint
    assert "arn:aws:iam::123456789012:user/app" in reading.value.reason
    assert reading.value.reason.startswith("AccessDeniedException: ")
    assert writing.value.reason == "AccessDeniedException"
    assert writing.value.hint == "the login may not do secretsmanager:PutSecretValue"
    assert writing.value.__context__ is None


def test_history_rollback_restore_and_purge(both: Aws, prefix: str) -> None:
    """Old versions are read and written again as new ones, a delete is undone, a purge is final."""
    for value in ("1", "2", "3"):
        deploy(both, prefix, {"api-keys": {"one": Secret(value)}})
    with opened(both, prefix) as store:
        versions = [entry.version for entry in store.history("api-keys", "one")]
        store.rollback_secret("api-keys", "one", versions[-1])
        assert store.get("api-keys", "one") == "1"
        assert len(store.history("api-keys", "one")) == 4
        store.delete_secret("api-keys", "one")
        assert store.get("api-keys", "one") is None
        store.restore_secret("api-keys", "one")
        assert store.get("api-keys", "one") == "1"
        store.purge_secret("api-keys", "one")
        assert store.get("api-keys", "one") is None
        store.create_secret("api-keys", "one", Secret("new"))
        assert len(store.history("api-keys", "one")) == 1


def test_in_the_layers_of_its_capabilities(aws: Aws, prefix: str) -> None:
    """Within its quota, and without a second layer of retries, the driver deploys and reads."""
    driver = stack(aws.open())
    with Store(driver, url="aws://eu-west-1", prefix=prefix) as store:
        wanted: Vaults = {"api-keys": {"one": Secret("1")}}
        assert apply(planned(store, wanted), store).complete
        assert store.get("api-keys", "one") == "1"
    assert replace(driver.caps, per_s={}) == replace(aws.open().caps, per_s={})


def test_a_name_that_looks_like_an_arn_suffix(both: Aws, prefix: str) -> None:
    """Names that end in a hyphen and six characters, as ARNs do, are not mixed up with the names before the hyphen."""
    driver = both.open()
    driver.put(f"{prefix}/key", Secret("short"), expect=ABSENT)
    driver.put(f"{prefix}/key-secret", Secret("long"), expect=ABSENT)

    assert driver.get(f"{prefix}/key").value == Secret("short")
    assert driver.get(f"{prefix}/key-secret").value == Secret("long")
    driver.close()
