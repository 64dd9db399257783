"""Versions and the undoing of deletes, through the command line, on every store."""

from dataclasses import replace

import pytest

from tailorsecrets.secret import Secret
from tests.support.product.backend import Backend
from tests.support.product.deploying import deploy
from tests.support.shell import Shell

KEY = ("-V", "api-keys", "-n", "key")


@pytest.fixture
def written(backend: Backend, shell: Shell) -> Shell:
    """Return a command line to a store with a secret of two versions."""
    with backend.store() as store:
        store.create_vault("api-keys")
        store.create_secret("api-keys", "key", Secret("one"))
        store.update_secret("api-keys", "key", Secret("two"))
    return shell


def history(shell: Shell) -> list[str]:
    """Return the tokens of the versions."""
    done = shell("secret", "history", *KEY, "--json")
    assert done.code == 0, done.err
    return [row["version"] for row in done.data]


def value(shell: Shell, *options: str) -> str:
    """Return what get prints."""
    done = shell("secret", "get", *KEY, *options)
    assert done.code == 0, done.err
    return done.out


def test_history_and_rollback(written: Shell) -> None:
    """History lists versions newest first, each can be read, and rollback writes an old value as a new version."""
    newest, oldest = history(written)
    assert (value(written), value(written, "--version", newest), value(written, "--version", oldest)) == (
        "two",
        "two",
        "one",
    )
    assert written("secret", "rollback", *KEY, "--to", oldest, "--yes").code == 0
    assert value(written) == "one"
    assert history(written)[1:] == [newest, oldest]


def test_a_version_that_never_was(written: Shell) -> None:
    """A token that history does not list is VERSION_NOT_FOUND, and nothing is written."""
    before = history(written)
    for token in ("nothing", "00000000-0000-4000-8000-000000000000"):
        assert written("secret", "get", *KEY, "--version", token, "--json").error["code"] == "VERSION_NOT_FOUND"
        done = written("secret", "rollback", *KEY, "--to", token, "--yes", "--json")
        assert done.error["code"] == "VERSION_NOT_FOUND"
    assert history(written) == before


def test_delete_and_restore(written: Shell) -> None:
    """A deleted secret reads as missing and is not listed; restore brings its value and its history back."""
    before = history(written)
    assert written("secret", "delete", *KEY, "--yes").code == 0
    assert written("secret", "get", *KEY, "--json").error["code"] == "SECRET_NOT_FOUND"
    assert written("secret", "list", "-V", "api-keys", "--json").data == []
    assert written("secret", "restore", *KEY, "--yes").code == 0
    assert value(written) == "two"
    assert [token.partition("@")[0] for token in history(written)][-2:] == [token.partition("@")[0] for token in before]


def test_nothing_to_restore(written: Shell) -> None:
    """What is not deleted, or never was there, cannot be restored."""
    for name in ("key", "never-there"):
        done = written("secret", "restore", "-V", "api-keys", "-n", name, "--yes", "--json")
        assert done.error["code"] == "SECRET_NOT_FOUND", name


def test_purge(written: Shell) -> None:
    """What was purged cannot be restored, and can be created again, with its own history."""
    assert written("secret", "purge", *KEY, "--yes").code == 0
    assert written("secret", "get", *KEY, "--json").error["code"] == "SECRET_NOT_FOUND"
    assert written("secret", "restore", *KEY, "--yes", "--json").error["code"] == "SECRET_NOT_FOUND"
    done = written("secret", "create", *KEY, "--value-stdin", stdin=b"three")
    assert done.code == 0, done.err
    assert value(written) == "three"
    assert len(history(written)) == 1


def test_purge_of_a_deleted_one(written: Shell) -> None:
    """A deleted secret can be purged; then nothing brings it back."""
    assert written("secret", "delete", *KEY, "--yes").code == 0
    assert written("secret", "purge", *KEY, "--yes").code == 0
    assert written("secret", "restore", *KEY, "--yes", "--json").error["code"] == "SECRET_NOT_FOUND"


def test_a_deleted_name_is_restored_before_it_is_written(backend: Backend) -> None:
    """A deleted secret that is declared again has the new value on top of its old versions."""
    with backend.store() as store:
        deploy(store, {"api-keys": {"key": Secret("one"), "kept": Secret("x")}})
        old = store.history("api-keys", "key")[0].version
        backend.backdoor.settle()
        deploy(store, {"api-keys": {"kept": Secret("x")}})
        assert store.get("api-keys", "key") is None
        backend.backdoor.settle()
        assert deploy(store, {"api-keys": {"key": Secret("two"), "kept": Secret("x")}}).complete
        assert store.get("api-keys", "key") == "two"
        versions = store.history("api-keys", "key")
        assert [store.read("api-keys", "key", version.version).value.reveal() for version in versions] == ["two", "one"]
        assert versions[1].version.partition("@")[0] == old.partition("@")[0]


@pytest.mark.parametrize("backend", ["memory"], indirect=True)
def test_what_a_store_cannot_do(backend: Backend, written: Shell) -> None:
    """Where the store keeps no versions and undoes no delete, the commands say so and change nothing."""
    driver = backend.connect()
    driver.caps = replace(driver.caps, versions=False, undelete=False)
    for words in (("history",), ("rollback", "--to", "v1", "--yes"), ("restore", "--yes"), ("get", "--version", "v1")):
        assert written("secret", words[0], *KEY, *words[1:], "--json").error["code"] == "UNSUPPORTED"
    assert value(written) == "two"
