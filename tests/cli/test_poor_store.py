"""A store that cannot list, or lacks metadata, versions, stamps or policies: what works, and the messages."""

from collections.abc import Iterator

import pytest

from tests.support.distributions import install
from tests.support.memory_plugin import DRIVERS
from tests.support.poor_plugin import STORES
from tests.support.shell import Shell

KEY = ("-V", "api-keys", "-n", "stripe-key")
TWO = '{"api-keys": {"stripe-key": env("STRIPE"), "mail-key": "mail"}}'
ONE = '{"api-keys": {"stripe-key": env("STRIPE")}}'
URL = "poor://here"
COMPARED = "note: the store keeps no stamps (fingerprints of values), so the plan read and compared values\n"
KEPT = "note: the store cannot list its secrets: nothing is deleted, even if the config no longer declares it\n"
SEEN = (
    "note: the store cannot list its secrets: secrets that the config declares are deleted; "
    "other secrets in its vaults are not found\n"
)


@pytest.fixture
def poor(empty: Shell, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """Give a command line whose store can read, write and delete, and nothing else."""
    (empty.folder / "site").mkdir()
    install(empty.folder / "site", "poor_plugin", "from tests.support.poor_plugin import tailorsecrets_stores\n")
    monkeypatch.syspath_prepend(empty.folder / "site")
    empty.environ |= {"TAILORSECRETS_STORE": URL, "STRIPE": "sk_live"}
    STORES.clear()
    yield empty
    STORES.clear()


def test_apply_creates_updates_and_says_that_it_deletes_nothing(poor: Shell) -> None:
    """Apply works without --no-prune: it creates, finds nothing to do, repairs a change, and deletes nothing."""
    poor.declare(TWO)
    done = poor("apply")
    assert (done.code, done.err.splitlines()[-1]) == (0, "applied: 3 created, 0 updated, 0 deleted")
    assert COMPARED + KEPT in done.err
    done = poor("apply")
    assert (done.code, "nothing to do: the store matches the config\n" in done.err) == (0, True)
    STORES["here"]["default/api-keys/stripe-key"] = "by another tool"
    done = poor("apply", "--json")
    assert (done.code, done.data["summary"]) == (0, {"create": 0, "update": 1, "delete": 0})
    assert poor("secret", "get", *KEY).out == "sk_live"
    poor.declare(ONE)
    done = poor("apply", "--json")
    assert (done.code, done.data["summary"]) == (0, {"create": 0, "update": 0, "delete": 0})
    assert poor("secret", "get", "-V", "api-keys", "-n", "mail-key").out == "mail"


def test_no_prune_does_not_print_that_nothing_is_deleted(poor: Shell) -> None:
    """With --no-prune apply does not say that it deletes nothing."""
    poor.declare(ONE)
    assert KEPT not in poor("apply", "--no-prune").err


def test_another_app_takes_the_vault_over(poor: Shell) -> None:
    """The owner is written over the record of a vault, although the store reports no version of it."""
    poor.declare(ONE)
    assert poor("apply").code == 0
    poor.declare(ONE, name="other-app", identity="0192f0c1-2345-7abc-8def-000000000002")
    assert poor("apply", "--json").error["code"] == "CONFIRMATION_REQUIRED"
    done = poor("apply", "--json", "--yes")
    assert (done.code, done.data["summary"]["update"]) == (0, 1)
    assert "other-app" in STORES["here"]["default/v/api-keys"]
    assert poor("secret", "vault", "release", "api-keys").code == 0
    assert "other-app" not in STORES["here"]["default/v/api-keys"]


def test_remove_deletes_what_the_config_declares(poor: Shell) -> None:
    """Remove deletes the declared secrets and the vaults, and says that it cannot see more."""
    poor.declare(TWO)
    assert poor("apply").code == 0
    poor.declare(ONE)
    done = poor("remove", "--yes")
    assert (done.code, done.err.splitlines()[-1]) == (0, "removed: 0 created, 0 updated, 2 deleted")
    assert SEEN in done.err
    assert STORES["here"] == {"default/api-keys/mail-key": "mail"}
    assert "nothing to remove: my-app owns no vault here" in poor("remove", "--yes").err


def test_remove_keeps_what_others_manage(poor: Shell) -> None:
    """Remove keeps an external secret, and with it the vault that holds it."""
    poor.declare('{"api-keys": {"stripe-key": env("STRIPE")}}', ', external={"api-keys": ["partner-key"]}')
    assert poor("apply").code == 0
    STORES["here"]["default/api-keys/partner-key"] = "of a partner"
    assert poor("remove", "--yes").code == 0
    assert sorted(STORES["here"]) == ["default/api-keys/partner-key", "default/v/api-keys"]


def test_remove_leaves_the_vaults_of_others(poor: Shell) -> None:
    """Remove deletes nothing from a vault of another owner, although the config declares it."""
    poor.declare(ONE, name="other-app", identity="0192f0c1-2345-7abc-8def-000000000002")
    assert poor("apply").code == 0
    before = dict(STORES["here"])
    poor.declare(ONE)
    assert poor("remove", "--yes").code == 0
    assert STORES["here"] == before


LACKS: dict[tuple[str, ...], str] = {
    ("secret", "list", "-V", "api-keys"): "this store cannot list its secrets",
    ("secret", "vault", "list"): "this store cannot list its secrets",
    ("secret", "vault", "delete", "api-keys"): "this store cannot list its secrets",
    ("secret", "history", *KEY): "this store keeps no old versions of a secret",
    ("secret", "get", *KEY, "--version", "1"): "this store keeps no old versions of a secret",
    ("secret", "rollback", *KEY, "--to", "1"): "this store keeps no old versions of a secret",
    ("secret", "restore", *KEY): "this store cannot bring back a deleted secret",
}


@pytest.mark.parametrize("words", LACKS, ids=" ".join)
def test_a_command_says_what_the_store_lacks(poor: Shell, words: tuple[str, ...]) -> None:
    """A command that needs an ability says which, before it asks anything, and nothing is changed."""
    poor.declare(ONE)
    assert poor("apply").code == 0
    before = dict(STORES["here"])
    done = poor(*words)
    assert (done.code, done.err.splitlines()[-1]) == (1, f"error[UNSUPPORTED]: {URL}: {LACKS[words]}")
    assert STORES["here"] == before


def test_by_hand(poor: Shell) -> None:
    """Creating, updating, deleting and purging by hand need no list and no version."""
    assert poor("secret", "vault", "create", "api-keys").code == 0
    assert poor("secret", "vault", "create", "api-keys", "--json").error["code"] == "VAULT_ALREADY_EXISTS"
    create = ("secret", "create", *KEY, "--value-stdin")
    assert poor(*create, stdin=b"one").code == 0
    assert poor(*create, "--json", stdin=b"x").error["code"] == "SECRET_ALREADY_EXISTS"
    assert poor("secret", "update", *KEY, "--value-stdin", stdin=b"two").code == 0
    assert poor("secret", "get", *KEY).out == "two"
    assert poor("secret", "delete", *KEY, "--yes").code == 0
    assert poor("secret", "update", *KEY, "--value-stdin", "--json", stdin=b"x").error["code"] == "SECRET_NOT_FOUND"
    assert poor("secret", "create", *KEY, "--value-stdin", stdin=b"three").code == 0
    assert poor("secret", "purge", *KEY, "--yes").code == 0
    assert poor("secret", "get", *KEY, "--json").error["code"] == "SECRET_NOT_FOUND"


def test_a_vault_without_a_record_is_not_seen(poor: Shell) -> None:
    """A write by hand beside a secret of another tool says why the vault is not seen."""
    STORES["here"] = {"default/api-keys/foreign-key": "x"}
    done = poor("secret", "create", *KEY, "--value-stdin", stdin=b"one")
    assert "vault api-keys: does not exist; the store cannot list its secrets" in done.err


def test_check_reads(poor: Shell) -> None:
    """Check needs nothing but reads."""
    poor.declare(ONE)
    assert poor("apply").code == 0
    assert poor("check").code == 0


def test_no_policy(poor: Shell) -> None:
    """For a plugin without policies, the command says only that, also without a config."""
    done = poor("policy", "--for", "deploy")
    assert (done.code, done.err) == (1, f"error[UNSUPPORTED]: {URL}: the plugin of poor: stores makes no policies\n")


@pytest.mark.parametrize(("options", "said"), [("stats=0", False), ("stats=0&list_stamps=0", True), ("stats=1", False)])
def test_metadata_that_comes_with_values(memory: Shell, options: str, said: bool) -> None:
    """A plan that reads values for their metadata says so; where the list is enough, it reads none."""
    memory.environ["TAILORSECRETS_STORE"] = f"memory://here?{options}&timeout=0.3"
    memory.declare('{"api-keys": {"stripe-key": "one"}}')
    assert memory("apply").code == 0
    DRIVERS["here"].calls.clear()
    done = memory("apply")
    note = "note: the store shows metadata only together with the value, so the plan read values\n"
    assert (done.code, note in done.err) == (0, said)
    read = [call.name for call in DRIVERS["here"].calls if call.op in {"get", "get_many"} and "stripe-key" in call.name]
    assert bool(read) == said


def test_lists_alone_are_missing(memory: Shell) -> None:
    """A store with stamps and metadata reads but without a list reads no value, and deletes nothing."""
    memory.environ["TAILORSECRETS_STORE"] = "memory://here?lists=0&timeout=0.3"
    memory.declare(TWO, name="my-app")
    assert memory("apply", STRIPE="sk").code == 0
    done = memory("apply", STRIPE="sk")
    assert (done.code, KEPT in done.err, COMPARED in done.err) == (0, True, False)
    assert memory("remove", "--yes", STRIPE="sk").code == 0
    assert memory("apply", "--json", STRIPE="sk").data["summary"]["create"] == 3
