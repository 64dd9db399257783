"""``file keys`` and ``file rekey``."""

import os
from pathlib import Path

import pytest

from tests.support.shell import STORE, Shell, ended


def slots(shell: Shell) -> list[dict[str, str]]:
    """Return the keys that open the store file."""
    listed: list[dict[str, str]] = shell("file", "keys", "list", "--json").data
    return listed


def test_a_list_of_keys(shell: Shell) -> None:
    """The keys are a table, or JSON of id, kind, label and time."""
    assert shell("file", "keys", "list").out.split()[:4] == ["ID", "KIND", "LABEL", "CREATED"]
    assert [list(row) for row in slots(shell)] == [["id", "kind", "label", "createdAt"]]


def test_add_and_remove_a_key_file(shell: Shell, tmp_path: Path) -> None:
    """A key file that was added opens the store alone, until it is removed."""
    done = shell("file", "keys", "add", "--key-file", "ci.key")
    assert done.code == 0
    assert done.err.startswith(f"file keys add -> {STORE}, workspace default\n")
    (added,) = [row for row in slots(shell) if "ci.key" in row["label"]]
    (tmp_path / "empty").mkdir()
    alone = {"XDG_CONFIG_HOME": str(tmp_path / "empty"), "TAILORSECRETS_FILE_KEY_FILE": str(tmp_path / "ci.key")}
    get = ("secret", "get", "-V", "api-keys", "-n", "stripe-key")
    assert shell.having(alone)(*get).out == "sk_live"
    assert shell("file", "keys", "remove", added["id"], "--json").error["code"] == "CONFIRMATION_REQUIRED"
    done = shell("file", "keys", "remove", added["id"], "--yes")
    assert done.code == 0
    assert "stay readable by the removed key" in done.err
    assert shell.having(alone)(*get, "--json").error["code"] == "UNAUTHENTICATED"
    assert shell(*get).out == "sk_live"


def test_a_passphrase_from_a_pipe(shell: Shell, tmp_path: Path) -> None:
    """A passphrase is read from a pipe, less its newline."""
    assert shell("file", "keys", "add", "--passphrase", stdin=b"correct horse\n").code == 0
    alone = {"XDG_CONFIG_HOME": str(tmp_path / "none"), "TAILORSECRETS_FILE_PASSPHRASE": "correct horse"}
    assert shell.having(alone)("secret", "get", "-V", "api-keys", "-n", "stripe-key").out == "sk_live"


@pytest.mark.parametrize(("again", "code"), [("correct horse", 0), ("other", 1)])
def test_a_passphrase_is_typed_twice(shell: Shell, again: str, code: int) -> None:
    """On a terminal a passphrase is typed twice, unseen."""
    child = shell.terminal("file", "keys", "add", "--passphrase")
    for prompt, word in (("Passphrase: ", "correct horse"), ("Passphrase again: ", again)):
        child.expect_exact(prompt)
        child.sendline(word)
    exit_code, text = ended(child)
    assert exit_code == code
    assert ("error[PASSPHRASE_MISMATCH]" in text) is bool(code)
    assert "correct horse" not in text


def test_a_key_that_a_merge_dropped(shell: Shell) -> None:
    """The list names a key that one branch added while another one rekeyed, as a union merge leaves it."""
    path = shell.folder / STORE.removeprefix("file:")
    before = path.read_bytes()
    shell("file", "keys", "add", "--key-file", "ci.key")
    added = path.read_bytes().splitlines(keepends=True)[0]
    path.write_bytes(before)
    shell("file", "rekey")
    path.write_bytes(added + path.read_bytes())

    done = shell("file", "keys", "list")

    assert "a merge dropped the key" in done.err
    assert "ci.key" in done.err
    assert "ci.key" not in done.out


@pytest.mark.parametrize("word", ["", "n"])
def test_declining_to_remove(shell: Shell, word: str) -> None:
    """Anything but a yes keeps the key."""
    child = shell.terminal("file", "keys", "remove", slots(shell)[0]["id"])
    child.expect_exact("[y/N]: ")
    child.sendline(word)
    code, text = ended(child)
    assert code == 1
    assert "error[KEY_REMOVAL_CANCELLED]" in text


def test_trust(shell: Shell) -> None:
    """Trusting a file needs a yes, also under a profile that may only read, and shows the origin."""
    (shell.folder / "tailorsecrets.toml").write_text('[profiles.ro]\npermission = "read"\n')
    assert shell("file", "trust", "--json").error["code"] == "CONFIRMATION_REQUIRED"
    done = shell("file", "trust", "-p", "ro", "--store", STORE, "--yes")
    assert done.code == 0
    assert "its origin is " in done.err


def test_declining_to_trust(shell: Shell) -> None:
    """Anything but a yes trusts nothing."""
    origin = shell("file", "trust", "--yes").err.rpartition(" ")[2].strip()
    child = shell.terminal("file", "trust")
    child.expect_exact(f"with the origin {origin} as the genuine store file? [y/N]: ")
    child.sendline("n")
    code, text = ended(child)
    assert code == 1
    assert "error[FILE_TRUST_CANCELLED]" in text


def test_rekey(shell: Shell) -> None:
    """Rekeying changes every line and no value."""
    path = shell.folder / STORE.removeprefix("file:")
    before = path.read_bytes().splitlines()[:-1]
    assert shell("file", "rekey").code == 0
    assert not set(before) & set(path.read_bytes().splitlines())
    assert shell.value("api-keys", "stripe-key") == "sk_live"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("keys", "add", "--passphrase", "--age", "age1x"), "USAGE"),
        (("keys", "add", "--age", "no-recipient"), "CONFIG_INVALID"),
        (("keys", "add", "--passphrase"), "SECRET_VALUE_EMPTY"),
        (("keys", "remove", "no-such-slot", "--yes"), "NOT_FOUND"),
        (("keys", "remove"), "USAGE"),
        (("keys", "list", "--store", "aws://eu-west-1"), ""),
        (("rekey", "--store", "file:none.jsonl"), "STORE_NOT_FOUND"),
    ],
)
def test_what_cannot_be(shell: Shell, words: tuple[str, ...], code: str) -> None:
    """Wrong words, unknown keys, other stores and missing files are errors."""
    done = shell("file", *words, "--json")
    assert done.code == 1
    assert code in {done.error["code"], ""}


def test_a_lockout_must_be_meant(shell: Shell) -> None:
    """The only key at hand is removed with --allow-lockout alone."""
    (mine,) = slots(shell)
    shell("file", "keys", "add", "--passphrase", stdin=b"correct horse")
    remove = ("file", "keys", "remove", mine["id"], "--yes", "--json")
    error = shell(*remove).error
    assert error["code"] == "CONFIRMATION_REQUIRED"
    assert "--allow-lockout" in error["suggestion"]
    assert shell(*remove, "--allow-lockout").code == 0


def test_a_weak_passphrase(shell: Shell) -> None:
    """A passphrase of less than 12 characters needs a word, and so does one that a new file gets."""
    error = shell("file", "keys", "add", "--passphrase", "--json", stdin=b"elevenchars\n").error
    assert (error["code"], "--allow-weak" in error["suggestion"]) == ("PASSPHRASE_WEAK", True)
    assert shell("file", "keys", "add", "--passphrase", "--allow-weak", stdin=b"elevenchars\n").code == 0
    weak = {"TAILORSECRETS_FILE_PASSPHRASE": "elevenchars"}
    done = shell.having(weak)("init", "--store", "file:new.jsonl", "--json")
    assert done.error["code"] == "PASSPHRASE_WEAK"
    assert not (shell.folder / "new.jsonl").exists()
    assert "elevenchars" not in done.err


def test_an_empty_passphrase(shell: Shell) -> None:
    """An empty passphrase is refused without the advice for an empty value."""
    error = shell("file", "keys", "add", "--passphrase", "--json", stdin=b"\n").error
    assert (error["code"], error["message"]) == ("SECRET_VALUE_EMPTY", "the passphrase is empty")
    assert "--value" not in error["suggestion"]


def test_the_last_key_stays(shell: Shell) -> None:
    """The last key cannot be removed."""
    done = shell("file", "keys", "remove", slots(shell)[0]["id"], "--yes", "--json")
    assert done.error["code"] == "UNSUPPORTED"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_the_disk_says(shell: Shell) -> None:
    """A file that may not be read is a denied permission."""
    (shell.folder / STORE.removeprefix("file:")).chmod(0)
    assert shell("file", "keys", "list", "--json").error["code"] == "PERMISSION_DENIED"


def test_a_folder_in_its_place(shell: Shell) -> None:
    """Errors of the disk become errors of the store."""
    done = shell("file", "keys", "list", "--store", "file:.tailorsecrets", "--json")
    assert (done.code, done.error["code"]) == (1, "CONFIG_INVALID")


def test_a_read_profile(shell: Shell) -> None:
    """A profile that may only read changes no key."""
    (shell.folder / "tailorsecrets.toml").write_text('[profiles.ro]\npermission = "read"\n')
    for words in (("keys", "add"), ("keys", "remove", "x"), ("rekey",)):
        assert shell("file", *words, "-p", "ro", "--json").error["code"] == "PROFILE_READ_ONLY"
