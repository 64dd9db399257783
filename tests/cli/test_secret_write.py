"""``secret create``, ``update`` and ``delete``: values, refusals, and vaults that a config manages."""

import pytest

from tests.support.shell import STORE, Shell

KEY = ("-V", "api-keys", "-n", "new-key")
STRIPE = ("-V", "api-keys", "-n", "stripe-key")


@pytest.mark.parametrize(
    ("piped", "value"),
    [
        (b"abc", "abc"),
        (b"abc\n", "abc"),
        (b"abc\r\n", "abc"),
        (b"abc\n\n", "abc\n"),
        (b"abc\n\r\n", "abc\n"),
        (b" a\r\nb \0", " a\r\nb \0"),
        ("\ufeff\U0001f511".encode(), "\ufeff\U0001f511"),
    ],
)
def test_a_piped_value_loses_one_newline(shell: Shell, piped: bytes, value: str) -> None:
    """Exactly one newline at the end of the pipe is cut; everything else is kept."""
    assert shell("secret", "create", *KEY, "--value-stdin", stdin=piped).code == 0
    assert shell.value("api-keys", "new-key") == value


def test_a_file_is_taken_as_it_is(shell: Shell) -> None:
    """--value-file takes the exact content of the file."""
    (shell.folder / "key.pem").write_bytes(b"line\r\nline\n")
    assert shell("secret", "create", *KEY, "--value-file", "key.pem").code == 0
    assert shell.value("api-keys", "new-key") == "line\r\nline\n"


@pytest.mark.parametrize("value", ["abc", "", "-x", "a b\n"])
def test_a_value_on_the_command_line(shell: Shell, value: str) -> None:
    """--value takes any text, the empty one too, and warns once, naming the better way."""
    done = shell("secret", "create", *KEY, "--value", value)
    assert (done.code, shell.value("api-keys", "new-key")) == (0, value)
    assert done.err.count("warning:") == 1
    assert "--value-stdin" in done.err


@pytest.mark.parametrize("verb", ["create", "update"])
@pytest.mark.parametrize(
    ("options", "stdin", "code"),
    [
        ([], b"", "SECRET_VALUE_REQUIRED"),
        (["--value-stdin"], b"", "SECRET_VALUE_EMPTY"),
        (["--value-stdin"], b"\n", "SECRET_VALUE_EMPTY"),
        (["--value-stdin"], b"\xff", "SECRET_VALUE_INVALID_UTF8"),
        (["--value-file", "empty"], b"", "SECRET_VALUE_EMPTY"),
        (["--value-file", "bytes"], b"", "SECRET_VALUE_INVALID_UTF8"),
        (["--value-file", "missing"], b"", "USAGE"),
        (["--value", "\udcff"], b"", "SECRET_VALUE_INVALID_UTF8"),
        (["--value-file", "large"], b"", "SECRET_VALUE_TOO_LARGE"),
        (["--value", "a", "--value-stdin"], b"b", "SECRET_VALUE_OPTIONS_CONFLICT"),
        (["--value", "", "--value-file", "large"], b"b", "SECRET_VALUE_OPTIONS_CONFLICT"),
        (["--value-stdin", "--value-file", "large"], b"b", "SECRET_VALUE_OPTIONS_CONFLICT"),
    ],
)
def test_a_value_that_cannot_be(empty: Shell, verb: str, options: list[str], stdin: bytes, code: str) -> None:
    """A bad value, two values and none are refused before any contact: there is not even a store here."""
    (empty.folder / "empty").write_bytes(b"")
    (empty.folder / "bytes").write_bytes(b"\xff")
    (empty.folder / "large").write_bytes(b"x" * 2_000_000)
    done = empty("secret", verb, *KEY, *options, stdin=stdin)
    assert done.code == 1
    assert f"error[{code}]: " in done.err


def test_a_missing_value_names_the_options(shell: Shell) -> None:
    """Where nobody can be asked, the error names all the ways to give a value."""
    err = shell("secret", "create", *KEY).err
    assert all(option in err for option in ("--value-stdin", "--value-file", "--value "))


def test_create_never_overwrites(shell: Shell) -> None:
    """Creating an existing secret is an error, and the secret is not changed."""
    done = shell("secret", "create", *STRIPE, "--value-stdin", "--json", stdin=b"other")
    assert (done.code, done.error["code"]) == (1, "SECRET_ALREADY_EXISTS")
    assert shell.value("api-keys", "stripe-key") == "sk_live"


def test_update_never_creates(shell: Shell) -> None:
    """Updating a missing secret is an error and does not create it."""
    done = shell("secret", "update", *KEY, "--value-stdin", "--json", stdin=b"other")
    assert (done.code, done.error["code"]) == (1, "SECRET_NOT_FOUND")
    assert shell.value("api-keys", "new-key") is None


def test_update_writes(shell: Shell) -> None:
    """Updating an existing secret gives it the new value."""
    assert shell("secret", "update", *STRIPE, "--value-stdin", stdin=b"other").code == 0
    assert shell.value("api-keys", "stripe-key") == "other"


@pytest.mark.parametrize("verb", ["create", "update", "delete", "restore", "rollback", "purge"])
def test_the_target_comes_first(empty: Shell, verb: str) -> None:
    """Every command that writes says first on which target, also when it then fails."""
    options = {"create": ["--value-stdin"], "update": ["--value-stdin"], "rollback": ["--to", "1"]}.get(verb, [])
    done = empty("secret", verb, *KEY, *options, "--yes", "-w", "staging", stdin=b"x")
    assert done.err.splitlines()[0] == f"secret {verb} api-keys/new-key -> {STORE}, workspace staging"


@pytest.mark.parametrize("verb", ["create", "update", "delete", "restore", "rollback", "purge"])
def test_json_of_a_change(shell: Shell, verb: str) -> None:
    """The JSON of a change has the name and the workspace."""
    name = "new-key" if verb == "create" else "stripe-key"
    options = {"create": ["--value-stdin"], "update": ["--value-stdin"]}.get(verb, [])
    if verb == "rollback":
        options = ["--to", shell("secret", "history", *STRIPE, "--json").data[0]["version"]]
    if verb == "restore":
        shell("secret", "delete", *STRIPE, "--yes")
    done = shell("secret", verb, "-V", "api-keys", "-n", name, *options, "--yes", "--json", stdin=b"x")
    assert (done.code, done.data) == (0, {"changed": True, "workspaceId": "default", "name": name})


@pytest.mark.parametrize(("option", "name"), [("-V", "API"), ("-V", "a/b"), ("-n", "x"), ("-n", "a_b")])
def test_names_are_checked_first(empty: Shell, option: str, name: str) -> None:
    """A bad name is refused before anything, and the rule is named."""
    names = {"-V": "api-keys", "-n": "new-key", option: name}
    done = empty("secret", "create", *(word for pair in names.items() for word in pair), "--value-stdin", stdin=b"x")
    assert done.code == 1
    assert "error[NAME_INVALID]" in done.err
    assert repr(name) in done.err
    assert "3 to 63 characters" in done.err


def test_delete_and_its_undoing(shell: Shell) -> None:
    """What is deleted reads as missing, and restore brings it back."""
    assert shell("secret", "delete", *STRIPE, "--yes").code == 0
    assert shell.value("api-keys", "stripe-key") is None
    assert shell("secret", "restore", *STRIPE).code == 0
    assert shell.value("api-keys", "stripe-key") == "sk_live"


def test_purging_what_never_was(shell: Shell) -> None:
    """A name that never existed, or is purged already, is not found; a deleted secret can be purged."""
    purge = ("secret", "purge", "-V", "api-keys", "--yes", "--json", "-n")
    assert shell(*purge, "new-key").error["code"] == "SECRET_NOT_FOUND"
    shell("secret", "delete", *STRIPE, "--yes")
    assert shell(*purge, "stripe-key").code == 0
    assert shell(*purge, "stripe-key").error["code"] == "SECRET_NOT_FOUND"


def test_purging_what_shows_no_versions(memory: Shell) -> None:
    """Where a deleted secret has no version that can be read, it can still be purged."""
    memory("secret", "vault", "create", "api-keys")
    memory("secret", "create", *STRIPE, "--value-stdin", stdin=b"x")
    memory("secret", "delete", *STRIPE, "--yes")
    assert [row["state"] for row in memory("secret", "history", *STRIPE, "--json").data] == ["deleted"]
    assert memory("secret", "purge", *STRIPE, "--yes").code == 0
    assert memory("secret", "restore", *STRIPE, "--yes").code == 1


@pytest.mark.parametrize("verb", ["delete", "purge"])
def test_deleting_needs_a_yes(empty: Shell, verb: str) -> None:
    """Without a terminal a delete needs --yes, and says so before any contact."""
    done = empty("secret", verb, *STRIPE)
    assert done.code == 1
    assert "error[CONFIRMATION_REQUIRED]" in done.err
    assert "--yes" in done.err


@pytest.mark.parametrize(("verb", "words"), [("create", KEY), ("update", STRIPE)])
def test_writing_into_a_managed_vault(managed: Shell, verb: str, words: tuple[str, ...]) -> None:
    """A write into a managed vault warns, naming the owner; then the config no longer manages the vault."""
    done = managed("secret", verb, *words, "--value-stdin", "--yes", stdin=b"by hand")
    assert done.code == 0
    assert "warning: the config of my-app manages the vault api-keys" in done.err
    assert "its next apply treats the vault as unmanaged" in done.err
    assert managed.owner("api-keys") == ""
    assert managed.value("api-keys", words[3]) == "by hand"


@pytest.mark.parametrize(("verb", "words"), [("create", KEY), ("update", STRIPE)])
def test_a_managed_vault_needs_a_yes(managed: Shell, verb: str, words: tuple[str, ...]) -> None:
    """Without a terminal and without --yes nothing is written into a managed vault."""
    done = managed("secret", verb, *words, "--value-stdin", "--json", stdin=b"by hand")
    assert (done.code, done.error["code"], done.error["suggestion"]) == (1, "CONFIRMATION_REQUIRED", "pass --yes")
    assert (managed.owner("api-keys"), managed.value("api-keys", "stripe-key")) == ("my-app", "sk_live")


@pytest.mark.parametrize("verb", ["create", "update"])
def test_a_failed_write_releases_nothing(managed: Shell, verb: str) -> None:
    """Where the write fails, the vault stays with its owner."""
    words = STRIPE if verb == "create" else KEY
    assert managed("secret", verb, *words, "--value-stdin", "--yes", stdin=b"by hand").code == 1
    assert managed.owner("api-keys") == "my-app"


@pytest.mark.parametrize("verb", ["delete", "purge"])
def test_deleting_from_a_managed_vault(managed: Shell, verb: str) -> None:
    """A delete from a managed vault warns, and then the config no longer manages the vault."""
    done = managed("secret", verb, *STRIPE, "--yes")
    assert done.code == 0
    assert "warning: the config of my-app manages the vault api-keys" in done.err
    assert managed.owner("api-keys") == ""


def test_other_labels_stay(managed: Shell) -> None:
    """Taking the owner off leaves the key of the stamps, so the next apply claims the vault and writes nothing else."""
    managed("secret", "create", *KEY, "--value-stdin", "--yes", stdin=b"by hand")
    done = managed("apply", "--dry-run", "--json", "--no-prune", STRIPE_KEY="sk_live")
    assert done.data["changes"] == [{"action": "update", "name": "api-keys", "labels": ["vault"]}]
    assert done.data["warnings"] == [{"type": "unmanaged", "resourceType": "vault", "name": "api-keys"}]


@pytest.mark.parametrize(
    ("verb", "options", "code"),
    [
        ("create", ["--value-stdin"], "VAULT_NOT_FOUND"),
        ("update", ["--value-stdin"], "VAULT_NOT_FOUND"),
        ("delete", [], "VAULT_NOT_FOUND"),
        ("rollback", ["--to", "1"], "VAULT_NOT_FOUND"),
        ("restore", [], "SECRET_NOT_FOUND"),
    ],
)
def test_a_vault_that_is_not_there(shell: Shell, verb: str, options: list[str], code: str) -> None:
    """A secret is written only into a vault that is there; the deleted one of a vault without a record is restored."""
    done = shell("secret", verb, "-V", "nowhere", "-n", "new-key", *options, "--yes", "--json", stdin=b"x")
    assert (done.code, done.error["code"]) == (1, code)
