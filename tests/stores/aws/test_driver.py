"""Each operation and its calls on AWS, with moto made as strict as AWS."""

from collections.abc import Iterator

import pytest

from tailorsecrets.driver import ABSENT, PRESENT, Driver, Stored
from tailorsecrets.errors import AlreadyExists, ConfigError, Conflict, Corrupt, Denied, Disabled, NotFound, SecretsError
from tailorsecrets.secret import Secret
from tailorsecrets.testing.conformance.suite import STAMP, refused
from tailorsecrets_aws.driver import _UNTIL_PURGED, AwsDriver, _name_in
from tests.support.aws.backdoor import Aws, AwsBackdoor, aws_before
from tests.support.aws.rules import PENDING
from tests.support.aws.wire import Call, Do, Reply, refuse
from tests.support.servers import Server


@pytest.fixture
def aws(moto: Server) -> Iterator[Aws]:
    """Give the wire before moto."""
    aws = aws_before(moto)
    yield aws
    aws.close()


@pytest.fixture
def driver(aws: Aws) -> Iterator[AwsDriver]:
    """Give a driver."""
    driver = aws.open()
    yield driver
    driver.close()


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """Return the name of a secret that only this test uses."""
    return f"driver/{request.node.name[:40].replace('[', '-').replace(']', '')}/key"


def stages(aws: Aws, name: str) -> dict[str, list[str]]:
    """Return the staging labels by version, as boto3 shows them."""
    return {
        version: list(labels)
        for version, labels in aws.raw.describe_secret(SecretId=name)["VersionIdsToStages"].items()
    }


def test_a_version_is_the_version_id(aws: Aws, driver: AwsDriver, name: str) -> None:
    """The token of a put is the VersionId that other tools see as AWSCURRENT; AWSPREVIOUS is the one before."""
    first = driver.put(name, Secret("one"), expect=ABSENT, stamp=STAMP)
    second = driver.put(name, Secret("two"), stamp=STAMP)

    assert {first.version: ["AWSPREVIOUS"], second.version: ["AWSCURRENT"]} == stages(aws, name)
    assert 32 <= len(second.version) <= 64


def test_a_version_id_does_not_come_from_the_value(driver: AwsDriver, name: str) -> None:
    """Two writes of one value with one stamp are two versions: AWS ignores a write with a known id."""
    written = {driver.put(name, Secret("same"), stamp=STAMP).version for _ in range(3)}

    assert 3 == len(written) == len(list(driver.versions(name)))
    assert all(version.endswith(STAMP) for version in written)


def test_the_id_of_another_tool_has_no_stamp(aws: Aws, driver: AwsDriver, name: str) -> None:
    """An id that matches ours only in part carries no stamp."""
    for token in (f"ts1-short-{STAMP}", f"xts1-{16 * 'r'}-{STAMP}", f"ts1-{16 * 'r'}-{STAMP}x"):
        AwsBackdoor(aws).write(name, "there")
        aws.raw.put_secret_value(SecretId=name, SecretString="other", ClientRequestToken=token)
        assert (token, "") == (driver.stat(name).version, driver.stat(name).stamp)


def test_calls_for_a_deleted_name(aws: Aws, driver: AwsDriver, name: str) -> None:
    """Creating a deleted name restores it, then writes; its history stays, and nothing is ever destroyed."""
    driver.put(name, Secret("old"), expect=ABSENT)
    driver.delete(name)
    aws.wire.forget()

    driver.put(name, Secret("new"), expect=ABSENT, stamp=STAMP)

    assert aws.wire.ops == ["CreateSecret", "DescribeSecret", "RestoreSecret", "PutSecretValue"]
    assert [driver.get(name, entry.version).value.reveal() for entry in driver.versions(name)] == ["new", "old"]


def test_calls_for_a_bare_name(aws: Aws, driver: AwsDriver, name: str) -> None:
    """Creating a name that has no value yet fills it."""
    AwsBackdoor(aws).bare(name)
    aws.wire.forget()

    driver.put(name, Secret("value"), expect=ABSENT)

    assert aws.wire.ops == ["CreateSecret", "DescribeSecret", "PutSecretValue"]
    assert AwsBackdoor(aws).read(name) == "value"


def test_present_is_one_call(aws: Aws, driver: AwsDriver, name: str) -> None:
    """Overwriting a secret takes one call, and is NotFound for a missing or deleted one."""
    driver.put(name, Secret("one"))
    aws.wire.forget()
    driver.put(name, Secret("two"), expect=PRESENT)
    assert aws.wire.ops == ["PutSecretValue"]

    driver.delete(name)
    for gone in (name, f"{name}-missing"):
        with refused(driver, "put", NotFound):
            driver.put(gone, Secret("three"), expect=PRESENT)
    assert driver.stat(name).state == "deleted"


def test_a_create_waits_for_a_purge(aws: Aws, name: str) -> None:
    """A purged name is created as soon as AWS has destroyed it, with growing pauses, and never restored."""
    slept: list[float] = []
    driver = AwsDriver(aws.target(), sleep=slept.append)
    driver.put(name, Secret("old"))
    aws.rules.purge_takes = 3
    driver.delete(name, purge=True)
    aws.wire.forget()

    driver.put(name, Secret("new"), expect=ABSENT)

    assert list(_UNTIL_PURGED[:3]) == slept
    assert aws.wire.counts == {"CreateSecret": 4, "DescribeSecret": 3}
    assert len(list(driver.versions(name))) == 1
    driver.close()


def test_a_purge_that_does_not_end(aws: Aws, name: str) -> None:
    """A purge that does not end makes a create fail with Conflict."""
    driver = AwsDriver(aws.target(), sleep=lambda _: None)
    driver.put(name, Secret("old"))
    aws.rules.purge_takes = 100
    driver.delete(name, purge=True)

    with refused(driver, "put", Conflict):
        driver.put(name, Secret("new"), expect=ABSENT)
    driver.close()


def test_a_purge_that_overtakes_the_restore(aws: Aws, name: str) -> None:
    """A deleted secret that is purged before it is restored is created as soon as AWS allows it."""
    slept: list[float] = []
    driver = AwsDriver(aws.target(), sleep=slept.append)
    driver.put(name, Secret("old"))
    driver.delete(name)
    aws.wire.fail(refuse("ResourceNotFoundException"), op="RestoreSecret")

    driver.put(name, Secret("new"), expect=ABSENT)

    assert slept == list(_UNTIL_PURGED[:1])
    assert driver.get(name).value == Secret("new")
    driver.close()


def test_a_version_over_a_deleted_name(aws: Aws, driver: AwsDriver, name: str) -> None:
    """A put without expect restores a deleted secret and creates a missing one."""
    driver.put(name, Secret("one"))
    driver.delete(name)
    aws.wire.forget()
    driver.put(name, Secret("two"))

    assert aws.wire.ops == ["PutSecretValue", "DescribeSecret", "RestoreSecret", "PutSecretValue"]
    aws.wire.forget()
    driver.put(f"{name}-new", Secret("one"))
    assert aws.wire.ops == ["PutSecretValue", "CreateSecret"]


def test_a_secret_of_another_service(aws: Aws, driver: AwsDriver, name: str) -> None:
    """Writes and deletes of a secret that another AWS service manages are Denied; it does not count as deleted."""
    AwsBackdoor(aws).write(name, "theirs")
    aws.rules.managed.add(name)

    for expect in (None, PRESENT):
        with refused(driver, "put", Denied):
            driver.put(name, Secret("mine"), expect=expect)
    with refused(driver, "delete", Denied):
        driver.delete(name)
    assert driver.get(name).value.reveal() == "theirs"


def test_options_of_a_new_secret(aws: Aws, name: str) -> None:
    """Key, tags and replicas are sent with a create, and never with a later version."""
    driver = aws.open(kms_key_id="alias/ours", tags="team=payments,stage=prod", replicas="us-east-1")
    driver.put(name, Secret("one"), expect=ABSENT)
    driver.put(name, Secret("two"))

    created, added = aws.wire.arrived
    assert created.facts["KmsKeyId"] == "alias/ours"
    assert created.facts["Tags"] == [{"Key": "team", "Value": "payments"}, {"Key": "stage", "Value": "prod"}]
    assert created.facts["AddReplicaRegions"] == [{"Region": "us-east-1"}]
    assert {"SecretId", "SecretString", "ClientRequestToken"} == set(added.facts)
    assert driver.stat(name).tags == {"team": "payments", "stage": "prod"}
    driver.close()


def test_replicas_go_before_the_secret(aws: Aws, name: str) -> None:
    """AWS does not delete a secret with replicas, so they are removed first."""
    driver = aws.open(replicas="us-east-1")
    driver.put(name, Secret("one"), expect=ABSENT)

    driver.delete(name)

    assert "RemoveRegionsFromReplication" in aws.wire.ops
    assert driver.stat(name).state == "deleted"
    driver.close()


@pytest.mark.parametrize("days", [30, 7])
def test_recovery_window(aws: Aws, name: str, days: int) -> None:
    """A delete opens a window of 30 days, or as many as the option says, and destroys nothing."""
    driver = aws.open() if days == 30 else aws.open(recovery_days=str(days))
    driver.put(name, Secret("value"))

    driver.delete(name)

    assert {"SecretId": name, "RecoveryWindowInDays": days} == aws.wire.arrived[-1].facts
    driver.close()


def test_a_purge(aws: Aws, driver: AwsDriver, name: str) -> None:
    """Only a purge destroys a secret, also a deleted one."""
    driver.put(name, Secret("value"))
    driver.delete(name)
    driver.delete(name, purge=True)

    assert aws.wire.arrived[-1].facts["ForceDeleteWithoutRecovery"]
    with refused(driver, "stat", NotFound):
        driver.stat(name)


def test_a_purge_of_a_deleted_secret(aws: Aws, driver: AwsDriver, name: str) -> None:
    """Some servers purge live secrets only, so a deleted one is restored first."""
    driver.put(name, Secret("value"))
    driver.delete(name)
    aws.wire.forget()
    aws.wire.fail(refuse("InvalidRequestException", PENDING), op="DeleteSecret")

    driver.delete(name, purge=True)

    assert aws.wire.ops == ["DeleteSecret", "DescribeSecret", "RestoreSecret", "DeleteSecret"]
    with refused(driver, "stat", NotFound):
        driver.stat(name)


def test_list_by_prefix_and_page(aws: Aws, driver: AwsDriver) -> None:
    """250 secrets are three pages; AWS filters by the prefix; entries have version, stamp, tags and times."""
    for number in range(250):
        aws.raw.create_secret(Name=f"paged/v/key-{number:03}", SecretString="x", Tags=[{"Key": "k", "Value": "v"}])
    written = driver.put("paged/v/key-000", Secret("y"), stamp=STAMP)
    aws.wire.forget()

    entries = list(driver.list("paged/v/"))

    assert aws.wire.counts == {"ListSecrets": 3}
    assert aws.wire.arrived[0].facts["Filters"] == [{"Key": "name", "Values": ["paged/v/"]}]
    assert len(entries) == 250
    first = next(entry for entry in entries if entry.name == "paged/v/key-000")
    assert (written.version, STAMP, {"k": "v"}, "live") == (first.version, first.stamp, first.tags, first.state)
    assert first.created
    assert first.updated
    assert first.created.tzinfo


def test_list_without_a_prefix(aws: Aws, driver: AwsDriver, name: str) -> None:
    """No prefix lists everything, since AWS refuses an empty filter."""
    driver.put(name, Secret("value"))

    assert name in {entry.name for entry in driver.list("")}
    assert "Filters" not in aws.wire.arrived[-1].facts


def test_each_of_a_batch_has_its_answer(aws: Aws, driver: AwsDriver) -> None:
    """One call answers 20 names, each with its own value or error."""
    backdoor = AwsBackdoor(aws)
    names = [f"batch/v/key-{number:02}" for number in range(20)]
    live, missing, deleted, bare, binary, denied, disabled = names[:14], *names[14:]
    for name in (*live, deleted, denied, disabled):
        backdoor.write(name, name)
    driver.delete(deleted)
    backdoor.bare(bare)
    backdoor.write_bytes(binary, b"\xff")
    backdoor.deny(denied)
    backdoor.disable(disabled)
    aws.wire.forget()

    answers = driver.get_many(names)

    assert aws.wire.counts == {"BatchGetSecretValue": 1}
    assert live == [text(answers[name]) for name in live]
    wrong = {missing: NotFound, deleted: NotFound, bare: NotFound, binary: Corrupt, denied: Denied, disabled: Disabled}
    assert wrong == {name: kind(driver, answers[name]) for name in wrong}


def test_a_batch_that_does_not_fit_into_one_answer(aws: Aws, driver: AwsDriver) -> None:
    """Names that an answer leaves out are requested again, until an answer has none of them."""

    def half(call: Call, do: Do) -> Reply:
        names = call.facts["SecretIdList"]
        return do(call.other(call.op, SecretIdList=names[: (len(names) + 1) // 2]))

    names = [f"halves/v/key-{number}" for number in range(4)]
    for name in names:
        AwsBackdoor(aws).write(name, name)
    aws.wire.fail(half, op="BatchGetSecretValue", times=2)

    assert names == sorted(driver.get_many(names))
    assert aws.wire.counts == {"BatchGetSecretValue": 3}


def test_an_arn_names_its_secret() -> None:
    """AWS names a secret that it could not read by name or by ARN."""
    arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/api-keys/one-AbCdEf"
    assert (_name_in(arn), _name_in("prod/api-keys/one")) == ("prod/api-keys/one", "prod/api-keys/one")


def test_text_that_another_tool_stored_as_bytes(aws: Aws, driver: AwsDriver, name: str) -> None:
    """A SecretBinary that is UTF-8 reads as its text."""
    AwsBackdoor(aws).write_bytes(name, "\N{MUSICAL SYMBOL G CLEF}\n".encode())

    assert driver.get(name).value.reveal() == "\N{MUSICAL SYMBOL G CLEF}\n"


@pytest.mark.parametrize("version", ["3", "5a1d2c3b-0000-4000-8000-000000000000", "x" * 100])
def test_a_version_that_is_not_there(driver: AwsDriver, name: str, version: str) -> None:
    """A version that never existed, or whose id AWS does not allow, is NotFound."""
    driver.put(name, Secret("value"))

    with refused(driver, "get", NotFound):
        driver.get(name, version)


def test_an_expected_version_is_refused(driver: AwsDriver, name: str) -> None:
    """The driver cannot compare and swap: it refuses a version as expect, and writes nothing."""
    written = driver.put(name, Secret("value"))

    with refused(driver, "put", SecretsError):
        driver.put(name, Secret("new"), expect=written.version)
    assert written.version == driver.stat(name).version


def test_over_the_limit(driver: AwsDriver, name: str) -> None:
    """AWS refuses a value that is one byte over the limit."""
    for value in ("x" * 65_537, "\u00e9" * 32_769):
        with refused(driver, "put", ConfigError):
            driver.put(name, Secret(value), expect=ABSENT)
    driver.put(name, Secret("\u00e9" * 32_768), expect=ABSENT)


def test_created_twice_at_once(driver: AwsDriver, name: str) -> None:
    """A second create is AlreadyExists, and the first value stays."""
    driver.put(name, Secret("first"), expect=ABSENT)

    with refused(driver, "put", AlreadyExists):
        driver.put(name, Secret("second"), expect=ABSENT)
    assert driver.get(name).value.reveal() == "first"


def text(answer: Stored | Exception) -> str:
    """Return the value of *answer*, or the repr of its exception."""
    return answer.value.reveal() if isinstance(answer, Stored) else repr(answer)


def kind(driver: Driver, answer: Stored | Exception) -> type[SecretsError]:
    """Return the meaning of *answer*, an exception."""
    assert isinstance(answer, Exception)
    return driver.explain(answer, "get_many").kind
