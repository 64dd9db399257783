"""Changes by hand on every target of a vault: what is read first, the order of the writes, and failures."""

import json

import pytest

from tailorsecrets import Denied, Unavailable, open_store
from tailorsecrets.store.store import workspace_of
from tests.support.memory_plugin import DRIVERS
from tests.support.shell import Done, Shell

A, B = ("memory://a?timeout=0.3", "memory://b?timeout=0.3")
KEY = ("-V", "api-keys", "-n", "stripe-key")


def create_vault_at_both(shell: Shell, replica: str) -> None:
    """Create the vault under a profile with two targets, A and *replica*."""
    shell.environ["TAILORSECRETS_PROFILE"] = "prod"
    del shell.environ["TAILORSECRETS_STORE"]
    (shell.folder / "tailorsecrets.toml").write_text(f'[profiles.prod]\nstore = ["{A}", "{replica}"]\n')
    assert shell("secret", "vault", "create", "api-keys").code == 0


@pytest.fixture
def both(memory: Shell) -> Shell:
    """Return a command line with a profile of two targets, which hold an empty vault."""
    create_vault_at_both(memory, B)
    return memory


def held() -> list[str | None]:
    """Return the value at each target."""
    values: list[str | None] = []
    for url in (A, B):
        with open_store(url) as store:
            values.append(store.get("api-keys", "stripe-key"))
    return values


def put(shell: Shell, verb: str, value: bytes) -> Done:
    """Create or update the secret."""
    return shell("secret", verb, *KEY, "--value-stdin", "--yes", stdin=value)


def test_a_change_goes_to_every_target(both: Shell) -> None:
    """Create, update, rollback, delete, restore and purge are done everywhere, and each target is announced."""
    done = put(both, "create", b"one")
    assert (done.code, done.err.count("secret create api-keys/stripe-key -> memory://")) == (0, 2)
    assert held() == ["one", "one"]
    assert put(both, "update", b"two").code == 0
    assert held() == ["two", "two"]
    version = both("secret", "history", *KEY, "--json").data[1]["version"]
    assert both("secret", "rollback", *KEY, "--to", version).code == 0
    assert held() == ["one", "one"]
    assert both("secret", "delete", *KEY, "--yes").code == 0
    assert held() == [None, None]
    assert both("secret", "restore", *KEY).code == 0
    assert held() == ["one", "one"]
    assert both("secret", "purge", *KEY, "--yes").code == 0
    assert held() == [None, None]
    assert both("secret", "vault", "delete", "api-keys", "--yes").code == 0
    assert both("secret", "vault", "list", "--json").data == []


def test_restore_makes_all_targets_equal(both: Shell) -> None:
    """Where a replica's own last version is another one, it gets the value that the primary has again."""
    assert put(both, "create", b"old").code == 0
    with open_store(A) as store:
        store.update_secret("api-keys", "stripe-key", "new")
    assert both("secret", "delete", *KEY, "--yes").code == 0
    assert both("secret", "restore", *KEY).code == 0
    assert held() == ["new", "new"]


def test_restore_creates_and_updates_at_a_replica(both: Shell) -> None:
    """A replica that never had the secret gets it, and one where it was not deleted gets the primary's value."""
    for other in (None, "other", "one"):
        with open_store(A) as store:
            store.put_secret("api-keys", "stripe-key", "one")
            store.delete_secret("api-keys", "stripe-key")
        if other:
            with open_store(B) as store:
                store.put_secret("api-keys", "stripe-key", other)
        assert both("secret", "restore", *KEY).code == 0
        assert held() == ["one", "one"]


def test_restore_ends_what_broke_off(both: Shell) -> None:
    """It also undoes a deletion that only the replica did, and ends a restore that only the primary did."""
    assert put(both, "create", b"one").code == 0
    with open_store(B) as store:
        store.delete_secret("api-keys", "stripe-key")
    assert held() == ["one", None]
    assert both("secret", "restore", *KEY).code == 0
    assert held() == ["one", "one"]
    done = both("secret", "restore", *KEY)
    assert (done.code, "error[SECRET_NOT_FOUND]" in done.err) == (1, True)


def test_restore_needs_no_value_where_the_stamps_are_equal(both: Shell) -> None:
    """A login without the right to read values restores what both targets deleted."""
    assert put(both, "create", b"one").code == 0
    assert both("secret", "delete", *KEY, "--yes").code == 0
    DRIVERS["a"].fail("get", Denied, name="default/api-keys/stripe-key")
    assert both("secret", "restore", *KEY).code == 0
    DRIVERS["a"].heal()
    assert held() == ["one", "one"]


def test_restore_says_which_replica_it_could_not_make_equal(both: Shell) -> None:
    """Where the primary's value may not be read, the replica's older value does not come back."""
    assert put(both, "create", b"old").code == 0
    with open_store(A) as store:
        store.update_secret("api-keys", "stripe-key", "new")
    assert both("secret", "delete", *KEY, "--yes").code == 0
    DRIVERS["a"].fail("get", Denied, name="default/api-keys/stripe-key")
    done = both("secret", "restore", *KEY)
    assert (done.code, f"\n  {B}, workspace default: not done (PERMISSION_DENIED)" in done.err) == (1, True)
    assert f"{B}, workspace default: {A}, workspace default: secret api-keys/stripe-key: " in done.err
    DRIVERS["a"].heal()
    assert held() == ["new", None]


def test_rollback_writes_nothing_that_a_replica_cannot_hold(memory: Shell) -> None:
    """A value over the limit of a replica is refused before the primary is written."""
    small = f"{B}&max_bytes=400"
    create_vault_at_both(memory, small)
    with open_store(A) as store:
        old = store.create_secret("api-keys", "stripe-key", "x" * 401)
        store.update_secret("api-keys", "stripe-key", "new")
    done = memory("secret", "rollback", *KEY, "--to", old.version)
    assert (done.code, "error[SECRET_VALUE_TOO_LARGE]" in done.err, f"{small}, wo" in done.err) == (1, True, True)
    assert held() == ["new", None]


def test_a_vault_gets_one_stamp_key(both: Shell) -> None:
    """The records of a vault that was created by hand have one key and different ids."""
    records = []
    for url in (A, B):
        with open_store(url) as store:
            records.append(workspace_of(store).record("api-keys"))
    assert records[0].key == records[1].key
    assert records[0].id != records[1].id
    assert both("secret", "vault", "list", "--json").data == [
        {"name": "api-keys", "targets": [f"{A}&workspace=default", f"{B}&workspace=default"]}
    ]


def test_all_targets_are_read_before_the_first_write(both: Shell) -> None:
    """A target that does not answer, and one where create would overwrite, stop the command with nothing written."""
    DRIVERS["b"].fail("", Unavailable)
    done = put(both, "create", b"one")
    assert (done.code, f"{B}, workspace default: " in done.err) == (1, True)
    DRIVERS["b"].heal()
    with open_store(B) as store:
        store.create_secret("api-keys", "stripe-key", "old")
    done = put(both, "create", b"one")
    assert (done.code, "error[SECRET_ALREADY_EXISTS]" in done.err, f"{B}, workspace" in done.err) == (1, True, True)
    assert held() == [None, "old"]
    done = both("secret", "vault", "delete", "api-keys", "--yes")
    assert (done.code, "error[VAULT_NOT_EMPTY]" in done.err, f"{B}, workspace" in done.err) == (1, True, True)


def test_create_overwrites_nothing_at_a_replica_that_tells_metadata_with_values_alone(memory: Shell) -> None:
    """Before the primary is written, the replica's value is read to see that the secret exists."""
    poor = f"{B}&stats=0"
    create_vault_at_both(memory, poor)
    assert memory("secret", "create", *KEY, "--value-stdin", "--store", poor, stdin=b"there").code == 0
    done = put(memory, "create", b"one")
    assert (done.code, "error[SECRET_ALREADY_EXISTS]" in done.err, held()) == (1, True, [None, "there"])


def test_what_fails_at_a_replica_names_the_state_and_the_repair(both: Shell) -> None:
    """The primary has the value, the replica does not; the suggested command copies it without naming the value."""
    DRIVERS["b"].fail("put", Denied, name="default/api-keys/stripe-key")
    done = put(both, "create", b"canary-value")
    assert done.code == 1
    assert f"error[REPLICA_FAILED]: done at 1 of 2 targets: {B}, workspace default: " in done.err
    assert f"\n  {A}, workspace default: done\n  {B}, workspace default: not done (PERMISSION_DENIED)" in done.err
    command = f"tailorsecrets copy '{A}&workspace=default' '{B}&workspace=default' -V api-keys"
    assert f"hint: run: {command}" in done.err
    assert "canary-value" not in done.err
    failed = json.loads(both("secret", "update", *KEY, "--value-stdin", "--yes", "-j", stdin=b"x").err.splitlines()[-1])
    assert [target["done"] for target in failed["targets"]] == [True, False]
    assert held() == ["x", None]


def test_a_deletion_begins_at_the_replica(both: Shell) -> None:
    """Where the replica refuses, nothing is deleted; where the primary refuses, the suggested command does the rest."""
    assert put(both, "create", b"one").code == 0
    DRIVERS["b"].fail("delete", Denied)
    done = both("secret", "delete", *KEY, "--yes")
    assert (done.code, held()) == (1, ["one", "one"])
    DRIVERS["b"].heal()
    DRIVERS["a"].fail("delete", Denied)
    done = both("secret", "delete", *KEY, "--yes")
    assert (done.code, held(), "REPLICA_FAILED" in done.err) == (1, ["one", None], True)
    assert "hint: run: tailorsecrets secret delete -V api-keys -n stripe-key" in done.err
    DRIVERS["a"].heal()
    assert both("secret", "delete", *KEY, "--yes").code == 0
    assert held() == [None, None]


def test_the_deletion_of_a_vault_that_broke_off_is_finished_by_a_rerun(both: Shell) -> None:
    """If the primary refuses, the vault is gone at the replica, and the suggested command does the rest."""
    DRIVERS["a"].fail("delete", Denied)
    done = both("secret", "vault", "delete", "api-keys", "--yes")
    assert (done.code, "hint: run: tailorsecrets secret vault delete api-keys" in done.err) == (1, True)
    DRIVERS["a"].heal()
    assert both("secret", "vault", "delete", "api-keys", "--yes").code == 0
    assert both("secret", "vault", "list", "--json").data == []
    assert "error[VAULT_NOT_FOUND]" in both("secret", "vault", "delete", "api-keys", "--yes").err


def test_owners_are_taken_off_where_the_write_was_done(both: Shell) -> None:
    """A change by hand releases the vault at each target that got it; adopt and release work everywhere."""
    both.declare('{"api-keys": {"stripe-key": env("KEY")}}')
    assert both("apply", "--yes", KEY="declared").code == 0
    DRIVERS["b"].fail("put", Denied, name="default/api-keys/stripe-key")
    assert put(both, "update", b"by hand").code == 1
    assert owners() == ["", "my-app"]
    DRIVERS["b"].heal()
    assert both("secret", "vault", "adopt", "api-keys").code == 0
    assert owners() == ["my-app", "my-app"]
    assert both("secret", "vault", "release", "api-keys").code == 0
    assert owners() == ["", ""]


def test_an_owner_that_cannot_be_taken_off_hides_no_replica(both: Shell) -> None:
    """The owner is still removed at the other targets, and a value that is missing at a replica is an error."""
    both.declare('{"api-keys": {"stripe-key": env("KEY")}}')
    assert both("apply", "--yes", KEY="declared").code == 0
    DRIVERS["a"].fail("put", Denied, name="default/v/api-keys")
    done = put(both, "update", b"by hand")
    assert (done.code, "error[RELEASE_FAILED]" in done.err, owners()) == (1, True, ["my-app", ""])
    DRIVERS["b"].fail("put", Denied, name="default/api-keys/stripe-key")
    done = put(both, "update", b"again")
    assert "warning: the secret is written, but my-app still manages its vault" in done.err
    assert (done.code, "error[REPLICA_FAILED]" in done.err) == (1, True)


def owners() -> list[str]:
    """Return the owner of the vault at each target."""
    found = []
    for url in (A, B):
        with open_store(url) as store:
            owner = workspace_of(store).record("api-keys").owner
            found.append(owner.name if owner else "")
    return found


def test_reads_ask_the_primary_or_the_named_target(both: Shell) -> None:
    """get, list and history read the primary; with --target they read another target."""
    assert put(both, "create", b"one").code == 0
    with open_store(B) as store:
        store.update_secret("api-keys", "stripe-key", "other")
    assert both("secret", "get", *KEY).out == "one"
    assert both("secret", "get", *KEY, "--target", B).out == "other"
    assert len(both("secret", "history", *KEY, "--target", B, "--json").data) == 2
    DRIVERS["a"].fail("", Unavailable)
    assert both("secret", "list", "-V", "api-keys").code == 1
    assert "stripe-key" in both("secret", "list", "-V", "api-keys", "--target", B).out


def test_store_names_one_target_of_the_vault(both: Shell) -> None:
    """--store changes only this target; a store that does not hold the vault is refused."""
    assert both("secret", "create", *KEY, "--value-stdin", "--store", B, stdin=b"only b").code == 0
    assert held() == [None, "only b"]
    done = both("secret", "create", *KEY, "--value-stdin", "--store", "memory://c", stdin=b"x")
    assert (done.code, "is not a target of vault api-keys in profile 'prod'" in done.err) == (1, True)
