"""``secret list``, ``get``, ``history`` and ``rollback``."""

import shlex

import pytest

from tailorsecrets.errors import Denied
from tailorsecrets.testing import Memory
from tests.support.memory_plugin import DRIVERS
from tests.support.shell import Shell

STRIPE = ("-V", "api-keys", "-n", "stripe-key")


@pytest.fixture
def three(shell: Shell) -> Shell:
    """Return a command line with three secrets in the vault."""
    for name in ("zzz-key", "aaa-key"):
        shell("secret", "create", "-V", "api-keys", "-n", name, "--value-stdin", stdin=b"x")
    return shell


def test_a_table(three: Shell) -> None:
    """A list is a table by name, with times and without values."""
    done = three("secret", "list", "-V", "api-keys")
    head, *rows = [line.split() for line in done.out.splitlines()]
    assert head == ["NAME", "CREATED", "UPDATED"]
    assert [row[0] for row in rows] == ["aaa-key", "stripe-key", "zzz-key"]
    assert all(time.endswith("Z") for row in rows for time in row[1:])
    assert "sk_live" not in done.out


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ([], ["aaa-key", "stripe-key", "zzz-key"]),
        (["--order", "asc", "--limit", "2"], ["aaa-key", "stripe-key"]),
        (["--order", "desc"], ["zzz-key", "stripe-key", "aaa-key"]),
        (["--order", "desc", "-l", "1"], ["zzz-key"]),
        (["-l", "99"], ["aaa-key", "stripe-key", "zzz-key"]),
    ],
)
def test_order_and_limit(three: Shell, options: list[str], names: list[str]) -> None:
    """A list goes up or down by name, and ends at --limit."""
    listed = three("secret", "list", "-V", "api-keys", "--json", *options).data
    assert [row["name"] for row in listed] == names


def test_json_of_a_list(shell: Shell) -> None:
    """A list in JSON has a name and two times in UTC, and no more."""
    (row,) = shell("secret", "list", "-V", "api-keys", "-j").data
    assert list(row) == ["name", "createdAt", "updatedAt"]
    assert row["createdAt"].endswith("Z")


@pytest.mark.parametrize("limit", ["0", "-1", "x"])
def test_a_bad_limit(shell: Shell, limit: str) -> None:
    """A limit is a number from 1."""
    done = shell("secret", "list", "-V", "api-keys", "--limit", limit)
    assert done.code == 1
    assert "error[USAGE]" in done.err


def test_an_empty_list(shell: Shell) -> None:
    """An empty vault is a sentence on stderr, and [] in JSON."""
    shell("secret", "vault", "create", "empty-one")
    done = shell("secret", "list", "-V", "empty-one")
    assert (done.code, done.out, done.err) == (0, "", "vault empty-one holds no secrets\n")
    assert shell("secret", "list", "-V", "empty-one", "--json").data == []


def test_missing_vaults_and_stores(shell: Shell) -> None:
    """A vault that is not there and a store that is not there are two errors."""
    assert shell("secret", "list", "-V", "nowhere", "--json").error["code"] == "VAULT_NOT_FOUND"
    done = shell("secret", "list", "-V", "api-keys", "--store", "file:none.jsonl", "--json")
    assert done.error["code"] == "STORE_NOT_FOUND"


@pytest.mark.parametrize("command", [("secret", "vault", "list"), ("file", "keys", "list")], ids=" ".join)
@pytest.mark.parametrize("name", ["none.jsonl", "a b%20c%3Fd'$HOME.jsonl"])
def test_the_hint_makes_the_store(empty: Shell, command: tuple[str, ...], name: str) -> None:
    """Where the store was named, the error says which command makes it, and that one does, from any folder."""
    words = (*command, "--store", f"file:{name}", "--json")
    run, _, suggested = empty(*words).error["suggestion"].partition(": tailorsecrets ")
    elsewhere = Shell(empty.folder)
    elsewhere.folder = empty.folder / "elsewhere"
    elsewhere.folder.mkdir()
    assert (run, elsewhere(*shlex.split(suggested)).code, empty(*words).code) == ("run", 0, 0)


def test_the_hint_makes_the_default_store(empty: Shell) -> None:
    """Where nobody named a store, the error says which command makes the default, and in which folder."""
    suggested = empty("secret", "vault", "list", "--json").error["suggestion"]
    assert suggested == f"run: tailorsecrets init, in the folder {empty.folder}"


def test_a_folder_is_no_store(empty: Shell) -> None:
    """A store file that is a folder is one line, and init does not take it for a store."""
    (empty.folder / "secrets").mkdir()
    for command in ("secret vault list", "file keys list", "secret vault create new", "init"):
        done = empty(*command.split(), "--store", "file:secrets", "--json")
        assert (done.code, done.error["code"]) == (1, "CONFIG_INVALID")
        assert f"{empty.folder}/secrets is a folder, not a store file" in done.error["message"]


def test_get_prints_the_value_alone(shell: Shell) -> None:
    """In a pipe, get prints the value byte for byte."""
    shell("secret", "update", *STRIPE, "--value", "two\r\nlines \U0001f511\n\n")
    assert shell("secret", "get", *STRIPE).out == "two\r\nlines \U0001f511\n\n"


def test_get_on_a_terminal(shell: Shell) -> None:
    """On a terminal a newline follows the value."""
    child = shell.terminal("secret", "get", *STRIPE)
    child.expect_exact("sk_live\r\n")


def test_json_of_get(shell: Shell) -> None:
    """Get in JSON has the value and the version that it is of."""
    version = shell("secret", "history", *STRIPE, "--json").data[0]["version"]
    assert shell("secret", "get", *STRIPE, "--json").data == {
        "name": "stripe-key",
        "value": "sk_live",
        "version": version,
    }


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("-V", "api-keys", "-n", "none"), "SECRET_NOT_FOUND"),
        ((*STRIPE, "--version", "no-such"), "VERSION_NOT_FOUND"),
    ],
)
def test_get_what_is_not_there(shell: Shell, options: tuple[str, ...], code: str) -> None:
    """A missing secret and a missing version are errors, and stdout is empty."""
    done = shell("secret", "get", *options)
    assert (done.code, done.out) == (1, "")
    assert f"error[{code}]" in done.err


@pytest.mark.parametrize("verb", ["get", "history"])
def test_a_vault_that_is_not_there(shell: Shell, verb: str) -> None:
    """A missing vault and a missing secret are two errors."""
    codes = [shell("secret", verb, "-V", v, "-n", "none", "-j").error["code"] for v in ("nowhere", "api-keys")]
    assert codes == ["VAULT_NOT_FOUND", "SECRET_NOT_FOUND"]


def test_a_reader_without_the_list_right(memory: Shell) -> None:
    """Without the right to list, the error is that of the secret; for an existing secret nothing is listed."""
    memory("secret", "vault", "create", "api-keys")
    memory("secret", "create", *STRIPE, "--value-stdin", stdin=b"x")
    driver = DRIVERS["here"]
    for op in ("list", "get_many"):
        driver.fail(op, Denied)
    assert memory("secret", "get", "-V", "nowhere", "-n", "none", "-j").error["code"] == "SECRET_NOT_FOUND"
    driver.heal()
    assert isinstance(driver.inner, Memory)
    driver.inner.forget_calls()
    assert memory("secret", "get", *STRIPE).out == "x"
    assert driver.inner.calls == {"get": 1}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("get", "-V", "api-keys", "-n", "none"), "secret api-keys/none: the secret does not exist"),
        (("get", *STRIPE, "--version", "no-such"), "secret api-keys/stripe-key: version 'no-such' does not exist"),
        (("create", *STRIPE, "--value", "x"), "secret api-keys/stripe-key: the secret exists already"),
        (("update", "-V", "api-keys", "-n", "none", "--value", "x"), "secret api-keys/none: the secret does not exist"),
        (("restore", *STRIPE), "secret api-keys/stripe-key: it is not deleted"),
    ],
    ids=lambda each: each[0] if isinstance(each, tuple) else "",
)
def test_a_message_names_the_secret_once(shell: Shell, words: tuple[str, ...], message: str) -> None:
    """An error names its secret once, and not again by its native name."""
    assert shell("secret", *words, "--json").error["message"] == message


def test_history_and_rollback(shell: Shell) -> None:
    """History shows what can be read, newest first; get reads each; rollback writes an old value anew."""
    shell("secret", "update", *STRIPE, "--value-stdin", stdin=b"second")
    versions = shell("secret", "history", *STRIPE, "--json").data
    assert [list(row) for row in versions] == [["version", "createdAt", "state"]] * 2
    assert [row["state"] for row in versions] == ["current", "old"]
    assert [shell("secret", "get", *STRIPE, "--version", row["version"]).out for row in versions] == [
        "second",
        "sk_live",
    ]
    assert shell("secret", "rollback", *STRIPE, "--to", versions[1]["version"]).code == 0
    assert shell.value("api-keys", "stripe-key") == "sk_live"
    assert len(shell("secret", "history", *STRIPE, "--json").data) == 3


def test_a_table_of_versions(shell: Shell) -> None:
    """History is a table of versions, times and states."""
    head, row = [line.split() for line in shell("secret", "history", *STRIPE).out.splitlines()]
    assert head == ["VERSION", "CREATED", "STATE"]
    assert row[2] == "current"


def test_rollback_to_nowhere(shell: Shell) -> None:
    """A version that is not there cannot be gone back to."""
    assert shell("secret", "rollback", *STRIPE, "--to", "none", "--json").error["code"] == "VERSION_NOT_FOUND"


def test_a_conflict_of_two_branches(shell: Shell) -> None:
    """Two versions that a merge left are both shown, reading is a conflict, and rollback settles it."""
    path = shell.folder / ".tailorsecrets/secrets.jsonl"
    before = path.read_bytes()
    shell("secret", "update", *STRIPE, "--value-stdin", stdin=b"ours")
    ours = path.read_bytes()
    path.write_bytes(before)
    shell("secret", "update", *STRIPE, "--value-stdin", stdin=b"theirs")
    path.write_bytes(ours + b"".join(set(path.read_bytes().splitlines(True)) - set(ours.splitlines(True))))
    assert shell("secret", "get", *STRIPE, "--json").error["code"] == "CONFLICT"
    versions = shell("secret", "history", *STRIPE, "--json").data
    assert [row["state"] for row in versions] == ["conflict", "conflict", "old"]
    assert shell("secret", "rollback", *STRIPE, "--to", versions[0]["version"]).code == 0
    assert shell("secret", "get", *STRIPE).out in {"ours", "theirs"}


def test_versions_of_what_was_deleted(shell: Shell) -> None:
    """The versions of a deleted secret are shown under its deletion, and none of them is current."""
    (version,) = shell("secret", "history", *STRIPE, "--json").data
    shell("secret", "delete", *STRIPE, "--yes")
    deletion, left = shell("secret", "history", *STRIPE, "--json").data
    assert (deletion["state"], left) == ("deleted", {**version, "state": "old"})
    assert deletion["createdAt"] >= version["createdAt"]
    assert shell("secret", "restore", *STRIPE).code == 0
    states = [row["state"] for row in shell("secret", "history", *STRIPE, "--json").data]
    assert states == ["current", "old"]
