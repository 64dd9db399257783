"""The values that OpenBao can store, and how other tools read them."""

import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from tailorsecrets import Secret, Store
from tailorsecrets.driver import Target
from tailorsecrets.errors import Conflict, Corrupt, SecretNotFound, TooLarge
from tailorsecrets.store.store import workspace_of
from tailorsecrets.testing.proxy import Proxy
from tailorsecrets_vault.driver import VaultDriver
from tailorsecrets_vault.kv import PAGE
from tests.support.servers import Server
from tests.support.vault.stores import FORMS, NO_DETAILS, OWNER, spot, store_at, write

HOSTILE = {
    "nul": "a\x00b",
    "lines": "a\r\nb\n",
    "bom": "\ufefftext",
    "four-bytes": "\N{PILE OF POO}",
    "empty": "",
    "quotes": '"\\{}[]<>&\u2028',
}
LONGEST = "a" + "-" * 61 + "z"


@FORMS
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_values_in_plain_text(bao_store: Store, openbao: Server, workspace: str, path: str, name: str) -> None:
    """Any text comes back, and the vendor's command line reads it as plain text under the documented path."""
    bao_store.create_vault("api-keys")
    bao_store.create_secret("api-keys", name, Secret(HOSTILE[name]))
    assert bao_store.get("api-keys", name) == HOSTILE[name]
    where = f"{path}/{workspace}/api-keys/{name}".removeprefix("/")
    assert bao(openbao, "kv", "get", "-field=value", where) == HOSTILE[name].encode()


def bao(server: Server, *words: str) -> bytes:
    """Return what OpenBao's command line prints."""
    environ = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    environ |= {"BAO_ADDR": server.variables["VAULT_ADDR"], "BAO_TOKEN": server.variables["VAULT_TOKEN"]}
    return subprocess.run([server.bin / "bao", *words], env=environ, capture_output=True, check=True).stdout


@pytest.mark.parametrize("path", ["", "secret", "secret/team"])
def test_the_longest_names(openbao: Server, path: str) -> None:
    """Workspace, vault and secret may all have 63 characters."""
    with store_at(openbao.url, path, openbao, LONGEST) as store:
        store.create_vault(LONGEST)
        store.create_secret(LONGEST, LONGEST, Secret("value"))
        assert store.get(LONGEST, LONGEST) == "value"
        assert [entry.name for entry in store.list_secrets(LONGEST)] == [LONGEST]
        store.purge_secret(LONGEST, LONGEST)
        store.delete_vault(LONGEST)
        assert store.list_vaults() == []


@pytest.mark.parametrize("path", ["", "secret"])
def test_the_limit_on_real_storage(openbao_raft: Server, workspace: str, path: str) -> None:
    """On raft a value at the limit is stored, also text that grows as JSON; a byte more is refused before the call."""
    with store_at(openbao_raft.url, path, openbao_raft, workspace) as store:
        store.create_vault("api-keys")
        for number, text in enumerate(("x" * 1_000_000, "\u00e9" * 500_000, "<" * 174_000, "\x01" * 174_000)):
            store.create_secret("api-keys", f"key-{number}", Secret(text))
            assert store.get("api-keys", f"key-{number}") == text
        for text in ("x" * 1_000_001, "<" * 175_000, "\x01" * 175_000):
            with pytest.raises(TooLarge) as caught:
                store.create_secret("api-keys", "over", Secret(text))
            assert "over" in str(caught.value)
            assert store.get("api-keys", "over") is None


@FORMS
def test_a_recreated_secret_is_another_version(bao_store: Store) -> None:
    """A secret that was purged and written again has the same number and another version: the old version conflicts."""
    bao_store.create_vault("api-keys", OWNER)
    record = workspace_of(bao_store).record("api-keys")
    old = bao_store.create_secret("api-keys", "key", Secret("old"))
    bao_store.purge_secret("api-keys", "key")
    bao_store.create_secret("api-keys", "key", Secret("of somebody else"))
    with pytest.raises(Conflict):
        workspace_of(bao_store).put_secret(record, "api-keys", "key", Secret("mine"), expect=old.version)
    assert bao_store.get("api-keys", "key") == "of somebody else"


@FORMS
def test_an_entry_without_the_field(bao_store: Store, bao_root: Any, workspace: str, path: str) -> None:
    """An entry of another tool that has no text in the field is Corrupt; the option field reads another one."""
    bao_store.create_vault("api-keys")
    write(bao_root, f"{path}/{workspace}/api-keys/login", {"password": "p", "port": 5})
    with pytest.raises(Corrupt) as caught:
        bao_store.get("api-keys", "login")
    assert "field" in caught.value.hint


def test_the_option_field(openbao: Server, workspace: str) -> None:
    """With field=password that field is read and written."""
    with store_at(openbao.url, "secret?field=password", openbao, workspace) as store:
        store.create_vault("api-keys")
        store.create_secret("api-keys", "login", Secret("p"))
        assert store.get("api-keys", "login") == "p"
    assert bao(openbao, "kv", "get", "-field=password", f"secret/{workspace}/api-keys/login") == b"p"


def test_the_option_max_versions(openbao: Server, workspace: str) -> None:
    """With max_versions=2 two versions of a secret are kept."""
    with store_at(openbao.url, "?max_versions=2", openbao, workspace) as store:
        store.create_vault("api-keys")
        store.create_secret("api-keys", "key", Secret("0"))
        for number in range(1, 5):
            store.update_secret("api-keys", "key", Secret(str(number)))
        assert len(store.history("api-keys", "key")) == 2


@pytest.mark.parametrize("path", ["secret"])
def test_foreign_names_are_left_alone(bao_store: Store, bao_root: Any, workspace: str) -> None:
    """Folders and names of other tools in the workspace's folder are not listed and cause no error."""
    for name in ("api-keys/deep/er/still", "api-keys/Not_A.Name", "api-keys/a%2Fb?c#d", "UPPER/key", "top"):
        bao_root.secrets.kv.v2.create_or_update_secret(f"{workspace}/{name}", {"value": "x"}, mount_point="secret")
    bao_store.create_vault("api-keys")
    bao_store.create_secret("api-keys", "key", Secret("value"))
    assert [entry.name for entry in bao_store.list_secrets("api-keys")] == ["key"]
    assert [vault.name for vault in bao_store.list_vaults()] == ["api-keys"]


@FORMS
def test_a_destroyed_secret(bao_store: Store, bao_root: Any, workspace: str, path: str) -> None:
    """A secret whose newest version was destroyed is missing, cannot be restored, and can be created again."""
    bao_store.create_vault("api-keys")
    bao_store.create_secret("api-keys", "key", Secret("old"))
    mount, inside = spot(f"{path}/{workspace}/api-keys/key")
    bao_root.secrets.kv.v2.destroy_secret_versions(inside, versions=[1], mount_point=mount)
    assert bao_store.get("api-keys", "key") is None
    assert bao_store.list_secrets("api-keys") == []
    with pytest.raises(SecretNotFound):
        bao_store.restore_secret("api-keys", "key")
    bao_store.create_secret("api-keys", "key", Secret("new"))
    assert bao_store.get("api-keys", "key") == "new"


@FORMS
def test_a_secret_with_a_time_to_live(bao_store: Store, bao_root: Any, workspace: str, path: str) -> None:
    """A version that the server will delete later is live until then."""
    bao_store.create_vault("api-keys")
    mount, inside = spot(f"{path}/{workspace}/api-keys/key")
    bao_root.secrets.kv.v2.update_metadata(inside, delete_version_after="2s", mount_point=mount)
    bao_store.create_secret("api-keys", "key", Secret("value"))
    assert [entry.name for entry in bao_store.list_secrets("api-keys")] == ["key"]
    assert bao_store.get("api-keys", "key") == "value"
    time.sleep(2.5)
    assert bao_store.list_secrets("api-keys") == []
    assert bao_store.get("api-keys", "key") is None


@pytest.mark.parametrize("path", [""])
def test_a_mount_that_requires_check_and_set(bao_store: Store, bao_root: Any, workspace: str) -> None:
    """Every write names the version that it replaces, so a mount may require that."""
    bao_store.create_vault("api-keys")
    bao_root.secrets.kv.v2.configure(cas_required=True, mount_point=f"{workspace}/api-keys")
    old = bao_store.create_secret("api-keys", "key", Secret("old"))
    bao_store.update_secret("api-keys", "key", Secret("new"))
    bao_store.rollback_secret("api-keys", "key", old.version)
    assert bao_store.get("api-keys", "key") == "old"


@FORMS
def test_an_old_version_of_a_recreated_secret(bao_store: Store) -> None:
    """A purged secret's version is not found under the same number of the new one; a malformed version is not found."""
    bao_store.create_vault("api-keys")
    old = bao_store.create_secret("api-keys", "key", Secret("old"))
    bao_store.purge_secret("api-keys", "key")
    bao_store.create_secret("api-keys", "key", Secret("new"))
    for version in (old.version, "1", "first", "@"):
        with pytest.raises(SecretNotFound):
            bao_store.read("api-keys", "key", version)


@FORMS
def test_the_error_of_a_wrong_version(bao_store: Store) -> None:
    """The error of a malformed, purged or later version of a secret that exists is about the version."""
    bao_store.create_vault("api-keys")
    old = bao_store.create_secret("api-keys", "key", Secret("old"))
    bao_store.purge_secret("api-keys", "key")
    only = bao_store.create_secret("api-keys", "key", Secret("new"))
    later = f"7@{only.version.partition('@')[2]}"
    for version in ("first", old.version, later):
        assert str(error_of_read(bao_store, version)) == f"secret api-keys/key: version {version!r} does not exist"
    bao_store.purge_secret("api-keys", "key")
    assert "the secret does not exist" in str(error_of_read(bao_store, only.version))


def error_of_read(store: Store, version: str) -> SecretNotFound:
    """Return the error of a read of *version*."""
    with pytest.raises(SecretNotFound) as caught:
        store.read("api-keys", "key", version)
    return caught.value


def test_a_list_of_many(openbao: Server, bao_proxy: Proxy, bao_root: Any, workspace: str) -> None:
    """A list of more than a page shows each name once, with details in the list and without, as on HashiCorp Vault."""
    names = [f"key-{number:04}" for number in range(PAGE + 10)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda name: write(bao_root, f"secret/{workspace}/api-keys/{name}", {"value": name}), names))
    for rules in ([], [replace(NO_DETAILS)]):
        bao_proxy.rules = rules
        with store_at(bao_proxy.url, "secret", openbao, workspace) as store:
            assert [entry.name for entry in store.list_secrets("api-keys")] == names


def test_writers_that_replace_anything(openbao: Server, workspace: str) -> None:
    """Of eight threads that replace one secret, whatever its version, each leaves a version."""
    environ = openbao.variables
    host = openbao.url.removeprefix("http://")
    driver = VaultDriver(Target(url="vault+http:", scheme="vault+http", host=host, path="secret", environ=environ))
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: driver.put(f"secret/{workspace}/key", Secret(str(number))), range(8)))
    assert len(list(driver.versions(f"secret/{workspace}/key"))) == 8
    driver.close()
