"""Plans at Google that read no metadata, or access the values instead: their calls, and the changes they see."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path

import pytest

from tailorsecrets.deploy.apply import apply
from tailorsecrets.deploy.observe import make_plan
from tailorsecrets.deploy.plan import Desired, DesiredValue, Plan
from tailorsecrets.errors import Conflict, Denied
from tailorsecrets.secret import Secret
from tailorsecrets.store.store import workspace_of
from tailorsecrets.testing.faults import Crash
from tests.support.gcp.backdoor import PROJECT
from tests.support.gcp.deploying import APP, deploy, many, opened
from tests.support.gcp.fixtures import Bench, bench
from tests.support.shell import Shell

NAME = "default_database_key-3"
CHANGED = many(20) | {"database": {**many(20)["database"], "key-3": Secret("new")}}


def kept(made: AbstractContextManager[Bench]) -> Iterator[Bench]:
    """Yield the server of *made* with twenty secrets, each older than a day."""
    with made as at:
        at.server.holdings.age(timedelta(days=-2))
        assert deploy(at, many(20)).complete
        at.server.holdings.age(timedelta(days=2))
        at.methods()
        yield at


@pytest.fixture
def at() -> Iterator[Bench]:
    """Yield a server whose metadata is read, as by default."""
    yield from kept(bench())


@pytest.fixture
def by_access() -> Iterator[Bench]:
    """Yield a server whose secrets are accessed to learn their versions."""
    yield from kept(bench(plan="access"))


def plan(at: Bench, wanted: Mapping[str, Mapping[str, DesiredValue]], *, trust: bool = False) -> Plan:
    """Plan on a fresh connection."""
    with opened(at) as store:
        return make_plan(Desired(APP, wanted), store, trust=trust)


def steps(plan: Plan) -> list[tuple[str, str]]:
    """Return what the plan does to which secret."""
    return [(step.action, step.place.secret) for step in plan.steps]


def test_trust_costs_the_list_and_the_records(at: Bench) -> None:
    """With trust, an unchanged plan is one list and the records of the vaults, and reads no secret's metadata."""
    made = plan(at, many(20), trust=True)
    assert (made.steps, made.trusted) == ((), 20)
    assert all("default_v_" in resource for method, resource in at.server.arrived if method == "AccessSecretVersion")
    assert Counter(at.methods()) == {"ListSecrets": 1, "AccessSecretVersion": 2}


def test_trust_looks_at_what_it_writes(at: Bench) -> None:
    """With trust, the metadata of changed and deleted secrets is read, and each is written only if it is unchanged."""
    wanted = {**CHANGED, "api-keys": {name: value for name, value in CHANGED["api-keys"].items() if name != "key-0"}}
    with opened(at) as store:
        made = make_plan(Desired(APP, wanted), store, trust=True)
        assert (steps(made), made.trusted) == ([("update", "key-3"), ("delete", "key-0")], 18)
        assert Counter(at.methods()) == {"ListSecrets": 1, "AccessSecretVersion": 2, "ListSecretVersions": 2}
        at.backdoor.write(NAME, "theirs")
        report = apply(made, store)
    assert [(step.place.secret, type(error)) for step, error in report.failed] == [("key-3", Conflict)]
    assert at.backdoor.read(NAME) == "theirs"


def test_trust_does_not_see_another_tool(at: Bench) -> None:
    """A version that another tool wrote or disabled is not seen with trust, and is seen without."""
    at.backdoor.write(NAME, "theirs")
    at.backdoor.disable("default_database_key-4")
    assert plan(at, many(20), trust=True).steps == ()
    assert steps(plan(at, many(20))) == [("update", "key-3"), ("update", "key-4")]


def test_trust_sees_what_a_list_shows(at: Bench) -> None:
    """What we deleted, and what is there no more, is created again, and what we wrote without a stamp is written."""
    with opened(at) as store:
        store.delete_secret("database", "key-3")
        store.purge_secret("database", "key-4")
    driver = at.connect()
    driver.put("default_database_key-5", Secret("without a stamp"))
    driver.close()
    assert steps(plan(at, many(20), trust=True)) == [("create", "key-3"), ("create", "key-4"), ("update", "key-5")]


def test_trust_after_a_create_that_broke_off(at: Bench) -> None:
    """A secret whose stamp came with it and whose value did not is not taken for a value, for a day."""
    wanted: dict[str, dict[str, DesiredValue]] = {**many(20), "new-vault": {"new": Secret("value")}}
    with opened(at) as store:
        made = make_plan(Desired(APP, wanted), store, trust=True)
        at.fuse.left = 3  # the two calls of the vault's record, and the secret without its version
        with pytest.raises(Crash):
            apply(made, store)
        at.fuse.left = None
    assert at.backdoor.secret_or_none("default_new-vault_new")
    with opened(at) as store:
        made = make_plan(Desired(APP, wanted), store, trust=True)
        assert (steps(made), made.trusted) == ([("create", "new")], 20)
        assert apply(made, store).complete
        assert store.get("new-vault", "new") == "value"


def test_plan_by_access_costs_accesses(by_access: Bench) -> None:
    """With plan=access, planning what is unchanged is one list and an access of each secret and record."""
    assert plan(by_access, many(20)).steps == ()
    assert Counter(by_access.methods()) == {"ListSecrets": 1, "AccessSecretVersion": 22}


def test_plan_by_access_sees_another_tool(by_access: Bench) -> None:
    """With plan=access a version of another tool is seen, and is written once more with a stamp."""
    by_access.backdoor.write(NAME, "theirs")
    by_access.backdoor.write("default_database_key-4", "database 4")
    assert sorted(steps(plan(by_access, many(20)))) == [("update", "key-3"), ("update", "key-4")]
    assert deploy(by_access, many(20)).complete
    assert by_access.backdoor.read(NAME) == "database 3"
    assert plan(by_access, many(20)).steps == ()
    assert "ListSecretVersions" not in by_access.methods()


def test_plan_by_access_of_what_has_no_value_to_access(by_access: Bench) -> None:
    """With plan=access a secret that is switched off is written, and one that is bare or deleted is created."""
    by_access.backdoor.disable(NAME)
    by_access.backdoor.bare("default_database_bare")
    with opened(by_access) as store:
        store.delete_secret("database", "key-4")
    wanted = {**many(20), "database": {**many(20)["database"], "bare": Secret("bare")}}
    assert steps(plan(by_access, wanted)) == [("create", "bare"), ("update", "key-3"), ("create", "key-4")]
    assert deploy(by_access, wanted).complete
    assert plan(by_access, wanted).steps == ()
    with opened(by_access) as store:
        assert store.get_all("database", ["bare", "key-3", "key-4"]) == ["bare", "database 3", "database 4"]


def test_plan_by_access_and_a_hand_in_between(by_access: Bench) -> None:
    """With plan=access an update and a delete of what moved since the plan are a Conflict."""
    with opened(by_access) as store:
        wanted = {**CHANGED, "database": {key: value for key, value in CHANGED["database"].items() if key != "key-4"}}
        made = make_plan(Desired(APP, wanted), store)
        by_access.backdoor.write(NAME, "theirs")
        by_access.backdoor.write("default_database_key-4", "theirs")
        report = apply(made, store)
    assert {step.place.secret: type(error) for step, error in report.failed} == {"key-3": Conflict, "key-4": Conflict}


def test_plan_by_access_and_tokens_with_a_time(by_access: Bench) -> None:
    """With plan=access the token of a write, which has a time, equals the number that an access returns."""
    with opened(by_access) as store:
        store.create_vault("new-vault", APP)
        written = store.create_secret("new-vault", "key", Secret("one"))
        claimed = workspace_of(store).claim("new-vault", None, workspace_of(store).record("new-vault"))
        workspace_of(store).claim("new-vault", APP, claimed)
        assert "@" in written.version
        store.delete_secret("new-vault", "key", expect=written.version)


def test_plan_by_access_of_a_login_that_may_not_read(by_access: Bench) -> None:
    """With plan=access a login without that right is Denied, and the error names the right."""
    by_access.backdoor.deny(NAME)
    with pytest.raises(Denied, match="database/key-3") as caught:
        plan(by_access, many(20))
    assert "secretmanager.versions.access" in caught.value.hint
    assert plan(by_access, many(20), trust=True).trusted == 20


def test_the_command_line(at: Bench, tmp_path: Path) -> None:
    """``apply --trust-stamps`` says in one line how many stamps it trusted, and which changes it cannot see."""
    shell = Shell(tmp_path)
    shell.declare('{"my-keys": {"one-key": "1", "two-key": "2"}}')
    shell.environ["TAILORSECRETS_STORE"] = f"gcp://{PROJECT}?endpoint={at.wire.address}"
    at.server.holdings.age(timedelta(days=-2))
    assert shell("apply", "-w", "shell").code == 0
    at.backdoor.write("shell_my-keys_one-key", "theirs")

    seen = shell("apply", "-w", "shell", "--dry-run", "--detailed-exitcode")
    trusted = shell("apply", "-w", "shell", "--dry-run", "--detailed-exitcode", "--trust-stamps")

    assert (seen.code, trusted.code) == (2, 0)
    note = "note: 2 secrets count as unchanged because of the list"
    assert f"{note}, which may lack writes of other tools and the newest writes\n" in trusted.err
    assert "count as unchanged" not in seen.err


def test_the_command_line_without_a_list(at: Bench, tmp_path: Path) -> None:
    """``--trust-stamps`` has nothing to trust where ``--no-prune`` makes no list."""
    done = Shell(tmp_path)("apply", "--trust-stamps", "--no-prune")
    assert (done.code, at.methods()) == (1, [])
    assert "--no-prune, which makes no list" in done.err
