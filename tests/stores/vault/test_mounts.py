"""The mounts behind vaults on OpenBao: making, finding and dropping them, and refusing the wrong ones."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import hvac
import pytest

from tailorsecrets import Secret, Store
from tailorsecrets.errors import (
    ConfigError,
    NotEmpty,
    StoreNotFound,
)
from tailorsecrets.store.store import workspace_of
from tests.support.servers import Server
from tests.support.vault.stores import OWNER, store_at


@pytest.mark.parametrize("path", [""])
def test_a_vault_is_a_mount_with_its_owner(bao_store: Store, bao_root: Any, workspace: str) -> None:
    """A vault's mount has the owner's id in its description, and is dropped with the vault."""
    bao_store.create_vault("api-keys", OWNER)
    mount = bao_root.sys.list_mounted_secrets_engines()["data"][f"{workspace}/api-keys/"]
    assert mount["description"] == f"tailorsecrets: {OWNER.id}"
    assert (mount["type"], mount["options"]) == ("kv", {"version": "2"})
    bao_store.delete_vault("api-keys")
    assert f"{workspace}/api-keys/" not in bao_root.sys.list_mounted_secrets_engines()["data"]


@pytest.mark.parametrize("path", [""])
def test_a_vault_with_deleted_secrets_is_dropped_whole(bao_store: Store) -> None:
    """A vault whose secrets are deleted is empty; one with a secret is not dropped."""
    bao_store.create_vault("api-keys", OWNER)
    bao_store.create_secret("api-keys", "key", Secret("value"))
    with pytest.raises(NotEmpty):
        bao_store.delete_vault("api-keys")
    bao_store.delete_secret("api-keys", "key")
    bao_store.delete_vault("api-keys")
    assert bao_store.list_vaults() == []


@pytest.mark.parametrize("path", [""])
def test_a_mount_in_the_way(bao_store: Store, bao_root: Any, workspace: str) -> None:
    """A mount above the vault's own is named."""
    bao_root.sys.enable_secrets_engine("kv", path=workspace, options={"version": "2"})
    with pytest.raises(ConfigError) as caught:
        bao_store.create_vault("api-keys")
    assert f"{workspace}/ is in the way" in caught.value.hint


@pytest.mark.parametrize("path", [""])
@pytest.mark.parametrize(("engine", "options"), [("kv", {"version": "1"}), ("transit", {})])
def test_another_engine_where_a_vault_should_be(
    bao_store: Store, bao_root: Any, workspace: str, engine: str, options: Mapping[str, str]
) -> None:
    """A mount of another kind at the vault's place is not written to and not unmounted."""
    bao_root.sys.enable_secrets_engine(engine, path=f"{workspace}/api-keys", options=options)
    calls: tuple[Callable[[str], None], ...] = (bao_store.create_vault, workspace_of(bao_store).drop_vault)
    for refused in calls:
        with pytest.raises(ConfigError, match="KV version 2 is needed"):
            refused("api-keys")
    assert f"{workspace}/api-keys/" in bao_root.sys.list_mounted_secrets_engines()["data"]


def test_sixteen_threads_make_one_mount(openbao: Server, workspace: str) -> None:
    """Of sixteen threads that make one vault, one succeeds, and the vault is complete."""

    def make(_: int) -> bool:
        with store_at(openbao.url, "", openbao, workspace) as store:
            try:
                store.create_vault("api-keys", OWNER)
            except Exception:  # noqa: BLE001 - who lost
                return False
            return True

    with ThreadPoolExecutor(16) as threads:
        assert sum(threads.map(make, range(16))) == 1
    with store_at(openbao.url, "", openbao, workspace) as store:
        assert workspace_of(store).record("api-keys").owner == OWNER


@pytest.fixture(scope="module")
def version_1(openbao: Server) -> str:
    """Return the path of a KV version 1 mount."""
    client = hvac.Client(url=openbao.url, token=openbao.variables["VAULT_TOKEN"])
    client.sys.enable_secrets_engine("kv", path="old-kv", options={"version": "1"})
    return "old-kv"


def test_kv_version_1_is_refused(openbao: Server, workspace: str, version_1: str) -> None:
    """On a KV version 1 mount every call is an error that names KV version 2; nothing reads as missing."""
    with store_at(openbao.url, version_1, openbao, workspace) as store:
        for refused in (
            lambda: store.get("api-keys", "key"),
            store.list_vaults,
            lambda: store.create_vault("api-keys"),
        ):
            with pytest.raises(ConfigError, match="is KV version 1") as caught:
                refused()
            assert "enable-versioning" in caught.value.hint


@pytest.mark.parametrize("path", ["no-such-mount", "no-such/mount/at-all"])
def test_a_missing_mount_is_not_a_missing_secret(openbao: Server, workspace: str, path: str) -> None:
    """A missing mount is StoreNotFound for a read, a list and a write, and the error names the remedy."""
    with store_at(openbao.url, path, openbao, workspace) as store:
        for refused in (
            lambda: store.get("api-keys", "key"),
            store.list_vaults,
            lambda: workspace_of(store).put_secret(
                workspace_of(store).record("api-keys"), "api-keys", "key", Secret("v"), expect=""
            ),
        ):
            with pytest.raises(StoreNotFound) as caught:
                refused()
            assert "secrets enable" in caught.value.hint


def test_a_mount_path_with_slashes(openbao: Server, bao_root: Any, workspace: str) -> None:
    """A mount at team/kv is found by asking; the rest of the path is the folder."""
    bao_root.sys.enable_secrets_engine("kv", path=f"{workspace}/kv", options={"version": "2"})
    with store_at(openbao.url, f"{workspace}/kv/base", openbao, "prod") as store:
        store.create_vault("api-keys")
        store.create_secret("api-keys", "key", Secret("value"))
        assert store.get("api-keys", "key") == "value"
    read = bao_root.secrets.kv.v2.read_secret_version
    answer = read("base/prod/api-keys/key", mount_point=f"{workspace}/kv", raise_on_deleted_version=True)
    assert answer["data"]["data"] == {"value": "value"}
