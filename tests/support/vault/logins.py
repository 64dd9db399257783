"""Logins to OpenBao for tests: a store that is opened with the test's own environment, and sign-in methods."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tailorsecrets import Secret, Store, open_store
from tailorsecrets.testing.proxy import Proxy
from tests.support.servers import Server
from tests.support.vault.stores import store_at

POLICY = 'path "secret/*" { capabilities = ["create", "read", "update", "patch", "delete", "list"] }'
Opener = Callable[..., Store]


@pytest.fixture
def opened(openbao: Server, bao_proxy: Proxy, bao_root: Any, workspace: str, tmp_path: Path) -> Iterator[Opener]:
    """Return a function that opens a store with ``api-keys/key``; the home folder has no token file."""
    bao_root.sys.create_or_update_policy("secrets", POLICY)
    with store_at(openbao.url, "secret", openbao, workspace) as made:
        made.create_vault("api-keys")
        made.create_secret("api-keys", "key", Secret("value"))
    stores: list[Store] = []

    def open_with(query: str = "", **environ: str) -> Store:
        url = f"vault+http://127.0.0.1:{bao_proxy.port}/secret{query}"
        stores.append(open_store(url, workspace, environ={"HOME": str(tmp_path), **environ}))
        return stores[-1]

    yield open_with
    for store in stores:
        store.close()


@pytest.fixture
def auth_path() -> str:
    """Return where a sign-in method of this test's own may be."""
    return f"auth-{uuid.uuid4().hex[:8]}"


def read(store: Store) -> str | None:
    """Read the secret."""
    return store.get("api-keys", "key")


def token(root: Any, **options: Any) -> str:
    """Return a new token."""
    made = root.auth.token.create(policies=["secrets"], no_parent=True, **options)
    text: str = made["auth"]["client_token"]
    return text


def approle(root: Any, path: str, **options: Any) -> dict[str, str]:
    """Enable AppRole at *path* and return the environment that signs in there."""
    root.sys.enable_auth_method("approle", path=path)
    root.auth.approle.create_or_update_approle("app", token_policies=["secrets"], mount_point=path, **options)
    role = root.auth.approle.read_role_id("app", mount_point=path)["data"]["role_id"]
    secret = root.auth.approle.generate_secret_id("app", mount_point=path)["data"]["secret_id"]
    return {"VAULT_ROLE_ID": role, "VAULT_SECRET_ID": secret, "VAULT_AUTH_MOUNT_POINT": path}


def count(proxy: Proxy, part: str) -> int:
    """Return how many requests went to a path with *part* in it."""
    return len([path for _, path in proxy.seen if part in path])
