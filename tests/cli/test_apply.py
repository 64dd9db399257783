"""``apply`` and ``remove``: the plan as text and JSON, what must be confirmed, and the exit codes."""

import pytest

from tailorsecrets import Denied, Secret
from tailorsecrets.store.names import Place
from tests.support.configs import many
from tests.support.memory_plugin import DRIVERS
from tests.support.shell import STORE, Shell

LEFT_ALONE = "note: vaults whose owner is unknown, since their record cannot be read, are not changed"


TEXT = """\
Vaults:
  + new-vault
  ~ free-vault (claim)
  ~ their-vault (claim)
  - gone-vault

Secrets:
  + new-vault/new-key
  ~ own-vault/new-value
  - free-vault/by-hand
  - gone-vault/old-key
  - own-vault/old-key
  - their-vault/by-hand

Unmanaged vaults:
  free-vault

Skipped, without a value:
  ○ own-vault/no-value

Conflicts:
  ! their-vault (owner: other-app)

Plan: 2 to create, 3 to update, 5 to delete
"""


def test_the_plan_as_text(mixed: Shell) -> None:
    """The plan has a block of vaults and one of secrets, then what needs attention, and the summary last."""
    done = mixed("apply", "--dry-run")
    assert (done.code, done.out) == (0, TEXT)
    assert done.err.startswith(f"apply my-app -> {STORE}, workspace default\n")


def test_the_plan_as_json(mixed: Shell) -> None:
    """The plan in JSON has the summary, the changes, the warnings and the conflicts."""
    plan = mixed("apply", "-d", "-j").data
    assert list(plan) == ["summary", "changes", "warnings", "conflicts"]
    assert plan["summary"] == {"create": 2, "update": 3, "delete": 5}
    assert {"action": "create", "name": "new-vault", "labels": ["vault"]} in plan["changes"]
    assert {"action": "update", "name": "own-vault/new-value", "labels": ["secret"]} in plan["changes"]
    assert len(plan["changes"]) == 10
    assert plan["warnings"] == [
        {"type": "unmanaged", "resourceType": "vault", "name": "free-vault"},
        {"type": "skippedSecret", "resourceType": "secret", "name": "own-vault/no-value"},
    ]
    assert plan["conflicts"] == [{"resourceType": "vault", "name": "their-vault", "currentOwner": "other-app"}]


def test_a_dry_run_writes_nothing(mixed: Shell) -> None:
    """A dry run leaves the store file as it is, byte for byte."""
    path = mixed.folder / STORE.removeprefix("file:")
    before = path.read_bytes()
    mixed("apply", "--dry-run")
    assert path.read_bytes() == before


def test_yes_prints_the_lists(mixed: Shell) -> None:
    """--yes answers all, and the lists are still printed, in their order."""
    done = mixed("apply", "--yes", "--json")
    assert (done.code, done.data) == (0, {"summary": {"create": 2, "update": 3, "delete": 5}, "status": "applied"})
    heads = ["another owner", "no owner", "will be deleted"]
    assert sorted(heads, key=done.err.index) == heads
    assert "  - free-vault/by-hand (in a vault that this apply takes over)\n" in done.err
    assert "  - own-vault/old-key\n" in done.err
    assert mixed("apply", "--dry-run", "--detailed-exitcode").code == 0


def test_what_needs_a_yes(mixed: Shell) -> None:
    """Without a terminal the missing confirmation is an error that names the option, and nothing is changed."""
    for options in ([], ["--json"]):
        done = mixed("apply", *options)
        assert done.code == 1
        assert "CONFIRMATION_REQUIRED" in done.err
        assert "pass --yes" in done.err
    assert mixed("apply", "-d", "-j").data["summary"] == {"create": 2, "update": 3, "delete": 5}


def test_creates_and_updates_need_no_yes(shell: Shell) -> None:
    """A run that only creates and updates asks nothing."""
    for value in ("one", "two"):
        shell.declare(str({"own-vault": {"own-key": value}}))
        assert shell("apply").code == 0
        assert shell.value("own-vault", "own-key") == value


def test_nothing_to_do(managed: Shell) -> None:
    """A second apply says that there is nothing to do, and so does its exit code."""
    done = managed("apply", STRIPE_KEY="sk_live")
    assert (done.code, done.out) == (0, "Plan: 0 to create, 0 to update, 0 to delete\n")
    assert "nothing to do" in done.err
    done = managed("apply", "--json", STRIPE_KEY="sk_live")
    assert done.data == {"summary": {"create": 0, "update": 0, "delete": 0}, "status": "applied"}
    assert managed("apply", "--dry-run", "--detailed-exitcode", STRIPE_KEY="sk_live").code == 0


def test_changes_pending(managed: Shell) -> None:
    """With --detailed-exitcode a dry run that finds something to do exits with 2; bad usage is still 1."""
    assert managed("apply", "--dry-run", "--detailed-exitcode", STRIPE_KEY="other").code == 2
    assert managed("apply", "--dry-run", STRIPE_KEY="other").code == 0
    assert managed("apply", "--dry-run", "--detailed-exitcode").code == 1
    assert managed("apply", "--detailed-exitcode", STRIPE_KEY="other").code == 1


def test_a_missing_value(managed: Shell) -> None:
    """A variable that is not set is named, with the secret that needs it."""
    done = managed("apply", "--json")
    assert done.code == 1
    assert done.error["code"] == "SECRET_VALUE_REQUIRED"
    assert "api-keys/stripe-key (environment variable STRIPE_KEY)" in done.error["message"]


def test_a_rename_of_the_owner(managed: Shell) -> None:
    """A new name under the same id is a change of the vault's own labels."""
    managed.declare('{"api-keys": {"stripe-key": env("STRIPE_KEY")}}', name="new-name")
    done = managed("apply", STRIPE_KEY="sk_live")
    assert "  ~ api-keys (owner)\n" in done.out
    assert (done.code, managed.owner("api-keys")) == (0, "new-name")


@pytest.mark.parametrize(("owned", "kept", "code"), [(12, 2, 0), (12, 1, 1), (80, 60, 0), (80, 59, 1), (3, 0, 0)])
def test_mass_deletion(shell: Shell, owned: int, kept: int, code: int) -> None:
    """--yes covers ten deletions, or a quarter of the secrets that the app owns."""
    shell.declare(many(owned))
    shell("apply")
    shell.declare(many(kept))
    done = shell("apply", "--yes", "--json")
    assert done.code == code
    if code:
        assert done.error["code"] == "TOO_MANY_DELETIONS"
        assert done.error["suggestion"] == f"pass --allow-deletes {owned - kept} to confirm"
        assert shell("apply", "--yes", "--allow-deletes", str(owned - kept - 1)).code == 1
        assert shell("apply", "--yes", "--allow-deletes", str(owned - kept)).code == 0


def test_a_config_that_declares_nothing(managed: Shell) -> None:
    """A config without vaults deletes nothing, unless --allow-deletes says how much."""
    managed.declare("{}")
    done = managed("apply", "--yes", "--json")
    assert (done.code, done.error["code"]) == (1, "TOO_MANY_DELETIONS")
    assert managed("apply", "--yes", "--allow-deletes", "1").code == 0


def test_no_prune(mixed: Shell) -> None:
    """--no-prune deletes nothing."""
    assert mixed("apply", "--no-prune", "-d", "-j").data["summary"] == {"create": 2, "update": 3, "delete": 0}


def test_a_read_profile(managed: Shell) -> None:
    """A profile that may only read refuses to apply, and lets a dry run pass."""
    (managed.folder / "tailorsecrets.toml").write_text('[profiles.ro]\npermission = "read"\n')
    done = managed("apply", "-p", "ro", "--json", STRIPE_KEY="other")
    assert (done.code, done.error["code"]) == (1, "PROFILE_READ_ONLY")
    assert managed("apply", "--dry-run", "-p", "ro", STRIPE_KEY="other").code == 0


def test_nothing_to_remove(shell: Shell) -> None:
    """Where the app owns nothing, remove says so, and not that the store is as the config says."""
    shell.declare('{"api-keys": {"stripe-key": "x"}}')
    done = shell("remove", "--yes")
    assert done.code == 0
    assert "nothing to remove: my-app owns no vault here\n" in done.err


def test_remove(managed: Shell) -> None:
    """Remove deletes all that the config owns, and no more; it needs a yes and has no guard."""
    managed("secret", "vault", "create", "free-vault")
    done = managed("remove", "--json")
    assert (done.code, done.error["code"]) == (1, "CONFIRMATION_REQUIRED")
    assert managed("remove", "--dry-run", "--json").data["summary"]["delete"] == 2
    done = managed("remove", "--yes")
    assert done.code == 0
    assert done.err.startswith(f"remove my-app -> {STORE}, workspace default\n")
    assert [row["name"] for row in managed("secret", "vault", "list", "--json").data] == ["free-vault"]


def test_the_types_module_is_stale(managed: Shell) -> None:
    """Apply says when the types module beside the config is stale; a missing module is no problem."""
    assert "stale" not in managed("apply", "-d", STRIPE_KEY="x").err
    managed("generate")
    managed.declare('{"api-keys": {"other-key": "x"}}')
    assert "note: tailor_config_types.py is stale; run: tailorsecrets generate" in managed("apply", "-d").err


def test_a_record_that_is_damaged(managed: Shell) -> None:
    """It stops the apply of its own app with an error that names it; the apply of another app prints a note."""
    with managed.store() as store:
        store.create_vault("other")
        store._operations.put(Place("other"), Secret("damaged"))
    done = managed("apply", STRIPE_KEY="sk_live")
    assert done.code == 0
    assert f"{LEFT_ALONE}: vault other\n" in done.err
    managed.declare('{"other": {}}')
    done = managed("apply", "--yes")
    assert done.code == 1
    assert "error[CORRUPT]: vault other: the vault's record is damaged" in done.err


def test_records_that_may_not_be_read(memory: Shell) -> None:
    """One note names other vaults that could not be read, with --json too; for a vault of the config it is an error."""
    memory.declare('{"api-keys": {"stripe-key": "x"}}')
    for vault in ("theirs", "other"):
        assert memory("secret", "vault", "create", vault).code == 0
        DRIVERS["here"].fail("get", Denied, name=f"default/v/{vault}")
    assert f"{LEFT_ALONE}: vaults other, theirs\n" in memory("apply", "--dry-run").err
    done = memory("apply", "--dry-run", "--json")
    assert (done.err.count(LEFT_ALONE), set(done.data)) == (1, {"summary", "changes", "warnings", "conflicts"})
    assert done.data["warnings"] == []
    assert memory("apply").code == 0
    assert LEFT_ALONE in memory("remove", "--yes").err
    listed = memory("secret", "vault", "list", "--json").data
    assert [vault["name"] for vault in listed] == ["other", "theirs"]
    memory.declare('{"theirs": {}}')
    refused = memory("apply", "--yes", "--json").error
    assert (refused["code"], "vault theirs" in refused["message"]) == ("PERMISSION_DENIED", True)


def test_values_from_env_files(managed: Shell) -> None:
    """Env files give the values; a later file wins, and the environment wins over all."""
    (managed.folder / "one.env").write_text("STRIPE_KEY=one\n")
    (managed.folder / "two.env").write_text("STRIPE_KEY=two\n")
    cases: list[tuple[dict[str, str], str]] = [({}, "two"), ({"STRIPE_KEY": "process"}, "process")]
    for environ, value in cases:
        words = ("-e", "one.env", "--env-file", "two.env", "--env-file-if-exists", "three.env")
        assert managed.having(environ)("apply", *words).code == 0
        assert managed.value("api-keys", "stripe-key") == value


def test_env_files_that_cannot_be_read(managed: Shell) -> None:
    """A missing required env file, one that is not text and a folder are errors, and no value is shown."""
    (managed.folder / "bytes.env").write_bytes(b"KEY=canary\xff")
    for name, message in (("none.env", "not found"), ("bytes.env", "not UTF-8"), (".config", "directory")):
        done = managed("apply", "--env-file", name, "--json")
        assert (done.code, done.error["code"]) == (1, "CONFIG_INVALID")
        assert f"{name}: " in done.error["message"]
        assert message in done.error["message"]
        assert "canary" not in done.err


def test_paths_are_relative_to_the_config(shell: Shell) -> None:
    """The config's own files are read relative to it, not to the working directory."""
    (shell.folder / "key.pem").write_text("pem\n")
    shell.declare('{"tls-keys": {"server-key": file("key.pem")}}')
    (shell.folder / "sub").mkdir()
    below = Shell(shell.folder)
    below.folder = shell.folder / "sub"
    assert below("apply").code == 0
    assert shell.value("tls-keys", "server-key") == "pem\n"


def test_a_conflict_with_the_same_name(managed: Shell) -> None:
    """An owner with this app's name and another id is shown with "another id", in the plan and in the question."""
    managed.declare('{"api-keys": {}}', identity="0192f0c1-2345-7abc-8def-000000000009")
    line = "  ! api-keys (owner: my-app, another id)\n"
    assert line in managed("apply", "--dry-run").out
    assert line in managed("apply", "--yes").err
