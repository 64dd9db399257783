"""``secret vault``: create, list, delete, release and adopt."""

import pytest

from tests.support.shell import STORE, Shell, ended

OTHERS = "0192f0c1-2345-7abc-8def-000000000002"


@pytest.mark.parametrize("words", [("partner-keys",), ("--name", "partner-keys")])
def test_create_list_delete(shell: Shell, words: tuple[str, ...]) -> None:
    """A vault is made, listed and deleted; its name is a word or an option."""
    done = shell("secret", "vault", "create", *words)
    assert done.code == 0
    assert done.err.startswith(f"secret vault create partner-keys -> {STORE}, workspace default\n")
    assert [row["name"] for row in shell("secret", "vault", "list", "-j").data] == ["api-keys", "partner-keys"]
    assert shell("secret", "vault", "delete", *words, "--yes").code == 0
    assert [row["name"] for row in shell("secret", "vault", "list", "-j").data] == ["api-keys"]


@pytest.mark.parametrize("verb", ["create", "delete", "release", "adopt"])
@pytest.mark.parametrize("words", [(), ("one", "--name", "two")])
def test_one_name(shell: Shell, verb: str, words: tuple[str, ...]) -> None:
    """A vault is named once."""
    done = shell("secret", "vault", verb, *words)
    assert done.code == 1
    assert "error[USAGE]" in done.err


def test_create_what_is_there(shell: Shell) -> None:
    """Creating a vault that is there is an error."""
    assert shell("secret", "vault", "create", "api-keys", "--json").error["code"] == "VAULT_ALREADY_EXISTS"


def test_list_shows_times_and_json(shell: Shell) -> None:
    """A list of vaults is a table, or JSON of a name and two times."""
    assert shell("secret", "vault", "list").out.split()[:3] == ["NAME", "CREATED", "UPDATED"]
    assert [list(row) for row in shell("secret", "vault", "list", "--json").data] == [
        ["name", "createdAt", "updatedAt"]
    ]
    assert shell("secret", "vault", "list", "--order", "desc", "--limit", "1", "--json").code == 0


def test_an_empty_workspace(shell: Shell) -> None:
    """An empty workspace is a sentence on stderr, and [] in JSON."""
    done = shell("secret", "vault", "list", "-w", "staging")
    assert (done.code, done.out, done.err) == (0, "", "workspace staging has no vaults\n")
    assert shell("secret", "vault", "list", "-w", "staging", "--json").out == "[]\n"


def test_a_vault_with_secrets_stays(shell: Shell) -> None:
    """A vault is deleted only when it is empty."""
    assert shell("secret", "vault", "delete", "api-keys", "--yes", "--json").error["code"] == "VAULT_NOT_EMPTY"


def test_deleting_what_is_not_there(shell: Shell) -> None:
    """A vault that is not there cannot be deleted."""
    assert shell("secret", "vault", "delete", "nowhere", "--yes", "--json").error["code"] == "VAULT_NOT_FOUND"


def test_deleting_needs_a_yes(shell: Shell) -> None:
    """Without a terminal --yes is needed."""
    error = shell("secret", "vault", "delete", "api-keys", "--json").error
    assert (error["code"], error["suggestion"]) == ("CONFIRMATION_REQUIRED", "pass --yes")


def test_deleting_a_managed_vault_hints_at_the_config(managed: Shell) -> None:
    """Deleting a managed vault says that the next apply makes it again."""
    managed("secret", "delete", "-V", "api-keys", "-n", "stripe-key", "--yes")
    managed("secret", "vault", "adopt", "api-keys")
    done = managed("secret", "vault", "delete", "api-keys", "--yes")
    assert done.code == 0
    assert "the config of my-app manages the vault api-keys" in done.err


def test_typing_the_name(shell: Shell) -> None:
    """On a terminal the name is typed; anything else cancels."""
    shell("secret", "vault", "create", "partner-keys")
    for answer, code in (("y", 1), ("partner-keys", 0)):
        child = shell.terminal("secret", "vault", "delete", "partner-keys")
        child.expect_exact("Type partner-keys to confirm: ")
        child.sendline(answer)
        exit_code, text = ended(child)
        assert exit_code == code
        assert ("error[VAULT_DELETION_CANCELLED]" in text) is bool(code)


def test_json_of_a_change(shell: Shell) -> None:
    """The JSON of a change has the name and the workspace."""
    done = shell("secret", "vault", "create", "partner-keys", "-w", "staging", "--json")
    assert done.data == {"changed": True, "workspaceId": "staging", "name": "partner-keys"}


def test_release(managed: Shell) -> None:
    """A released vault has no owner; releasing it again changes nothing."""
    assert managed("secret", "vault", "release", "api-keys", "--json").data["changed"] is True
    assert managed.owner("api-keys") == ""
    assert managed("secret", "vault", "release", "api-keys", "--json").data["changed"] is False


def test_adopt_from_nobody(managed: Shell) -> None:
    """A vault without an owner is adopted without a question; adopting it again changes nothing."""
    managed("secret", "vault", "release", "api-keys")
    assert managed("secret", "vault", "adopt", "api-keys", "--json").data["changed"] is True
    assert managed.owner("api-keys") == "my-app"
    assert managed("secret", "vault", "adopt", "api-keys", "--json").data["changed"] is False


def test_adopt_from_another(managed: Shell) -> None:
    """Another owner's vault needs a yes, and the owner is named."""
    managed.declare('{"api-keys": {}}', name="other-app", identity=OTHERS)
    done = managed("secret", "vault", "adopt", "api-keys")
    assert done.code == 1
    assert "error[CONFIRMATION_REQUIRED]: my-app manages vault api-keys" in done.err
    child = managed.terminal("secret", "vault", "adopt", "api-keys")
    child.expect_exact("my-app manages vault api-keys. Take it over? [y/N]: ")
    child.sendline("n")
    code, text = ended(child)
    assert code == 1
    assert "error[VAULT_ADOPTION_CANCELLED]" in text
    assert managed.owner("api-keys") == "my-app"
    assert managed("secret", "vault", "adopt", "api-keys", "--yes").code == 0
    assert managed.owner("api-keys") == "other-app"


@pytest.mark.parametrize("vaults", ["{}", '{"other-keys": {}}'])
def test_adopt_what_is_not_declared(shell: Shell, vaults: str) -> None:
    """A vault that the config does not declare is not adopted, for the next apply would delete it."""
    shell.declare(vaults)
    error = shell("secret", "vault", "adopt", "api-keys", "--yes", "--json").error
    assert error["code"] == "CONFIG_INVALID"
    assert "my-app does not declare vault api-keys" in error["message"]
    assert shell.owner("api-keys") == ""


def test_adopt_needs_a_config(shell: Shell) -> None:
    """Adopting is done in the name of a config."""
    assert shell("secret", "vault", "adopt", "api-keys", "--json").error["code"] == "CONFIG_NOT_FOUND"


def test_an_owner_cannot_steer_the_terminal(shell: Shell) -> None:
    """Control characters in an owner's name are spelled out."""
    shell.declare('{"api-keys": {}}', name="evil\x1b[2J")
    shell("secret", "vault", "adopt", "api-keys")
    err = shell("secret", "create", "-V", "api-keys", "-n", "new-key", "--value-stdin", stdin=b"x").err
    assert "\x1b" not in err
    assert "evil\\x1b[2J" in err
