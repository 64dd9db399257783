"""Tokens, AppRole and namespaces on a real OpenBao: when a login happens, and the errors of its failures."""

from pathlib import Path
from typing import Any

import pytest

from tailorsecrets import Secret, open_store
from tailorsecrets.errors import Denied, StoreNotFound, Unauthenticated
from tailorsecrets.testing.proxy import Proxy
from tests.support.servers import Server
from tests.support.vault.logins import Opener, approle, count, read, token


@pytest.mark.parametrize("name", ["VAULT_TOKEN", "BAO_TOKEN"])
def test_a_token_of_the_environment(bao_root: Any, opened: Opener, bao_proxy: Proxy, name: str) -> None:
    """A token is used as it is: the first read is one call."""
    assert read(opened(**{name: token(bao_root)})) == "value"
    assert len(bao_proxy.seen) == 1


def test_a_token_file(bao_root: Any, opened: Opener, tmp_path: Path) -> None:
    """The token of ``vault login`` is used where the variable is empty, and read again when it is refused."""
    file = tmp_path / ".vault-token"
    file.write_text(first := token(bao_root))
    store = opened(VAULT_TOKEN="")
    assert read(store) == "value"
    bao_root.auth.token.revoke(first)
    file.write_text(token(bao_root) + "\n")
    assert read(store) == "value"


def test_no_login(opened: Opener, bao_proxy: Proxy) -> None:
    """Without any login the error names the ways to sign in, and nothing is called."""
    with pytest.raises(Unauthenticated) as caught:
        read(opened())
    assert "VAULT_TOKEN" in caught.value.hint
    assert "VAULT_ROLE_ID" in caught.value.hint
    assert not bao_proxy.seen


def test_a_used_up_token(bao_root: Any, opened: Opener) -> None:
    """A token for one use reads once."""
    store = opened(VAULT_TOKEN=token(bao_root, num_uses=1))
    assert read(store) == "value"
    with pytest.raises(Unauthenticated):
        read(store)


def test_approle(bao_root: Any, opened: Opener, bao_proxy: Proxy, auth_path: str) -> None:
    """AppRole signs in once, before the first read."""
    store = opened(**approle(bao_root, auth_path))
    assert not bao_proxy.seen
    assert [read(store), read(store)] == ["value", "value"]
    assert count(bao_proxy, "/login") == 1
    assert len(bao_proxy.seen) == 3


def test_an_auth_mount_point_of_openbao(bao_root: Any, opened: Opener, auth_path: str) -> None:
    """BAO_AUTH_MOUNT_POINT names the path of the method, and comes before VAULT_AUTH_MOUNT_POINT."""
    environ = approle(bao_root, auth_path)
    assert read(opened(**environ | {"BAO_AUTH_MOUNT_POINT": auth_path, "VAULT_AUTH_MOUNT_POINT": "nowhere"})) == "value"


def test_the_reason_of_a_failed_login(bao_root: Any, opened: Opener, auth_path: str) -> None:
    """The server's own status and message of a failed login are the reason, which --verbose shows."""
    environ = approle(bao_root, auth_path) | {"VAULT_SECRET_ID": "wrong-secret-id"}
    with pytest.raises(Unauthenticated) as caught:
        read(opened(**environ))
    assert caught.value.reason == "HTTP 400: invalid role or secret ID"


def test_the_reason_of_a_denial(bao_root: Any, opened: Opener) -> None:
    """The reason of a read is the server's status and message; that of a write is the status alone."""
    bao_root.sys.create_or_update_policy("nothing", 'path "secret/*" { capabilities = ["deny"] }')
    made = bao_root.auth.token.create(policies=["nothing"], no_parent=True)
    store = opened(VAULT_TOKEN=made["auth"]["client_token"])
    with pytest.raises(Denied) as caught:
        read(store)
    assert caught.value.reason == "HTTP 403: 1 error occurred: * permission denied"
    with pytest.raises(Denied) as caught:
        store.restore_secret("api-keys", "key")
    assert caught.value.reason == "HTTP 403"


def test_a_wrong_secret_id(bao_root: Any, opened: Opener, auth_path: str) -> None:
    """A wrong secret id is Unauthenticated, and the error shows none of the ids."""
    environ = approle(bao_root, auth_path) | {"VAULT_SECRET_ID": "wrong-secret-id"}
    with pytest.raises(Unauthenticated) as caught:
        read(opened(**environ))
    assert "wrong-secret-id" not in f"{caught.value!r} {caught.value.hint}"
    assert "approle" in caught.value.hint


def test_a_method_that_is_not_there(opened: Opener) -> None:
    """A sign-in method that is not enabled at the path is refused like a bad login, and the error names the option."""
    with pytest.raises(Unauthenticated) as caught:
        read(opened("?auth_path=nowhere", VAULT_ROLE_ID="role", VAULT_SECRET_ID="secret"))
    assert "auth_path" in caught.value.hint


def test_a_denial_does_not_sign_in_again(bao_root: Any, opened: Opener, bao_proxy: Proxy, auth_path: str) -> None:
    """After a denial by policy there is no second login and no second read."""
    environ = approle(bao_root, auth_path)
    bao_root.auth.approle.create_or_update_approle("app", token_policies=["default"], mount_point=auth_path)
    with pytest.raises(Exception, match="permission denied"):
        read(opened(**environ))
    assert len(bao_proxy.seen) == 2


def test_namespaces(bao_root: Any, openbao: Server) -> None:
    """All calls go to the namespace of the environment or the URL."""
    bao_root.write_data("sys/namespaces/shop", data={})
    host = openbao.url.removeprefix("http://")
    inside = {**openbao.variables, "VAULT_NAMESPACE": "shop"}
    with open_store(f"vault+http://{host}/", "in-shop", environ=inside) as store:
        store.create_vault("api-keys")
        store.create_secret("api-keys", "key", Secret("of the shop"))
    with open_store(f"vault+http://{host}/?namespace=shop", "in-shop", environ=openbao.variables) as store:
        assert read(store) == "of the shop"
    with open_store(f"vault+http://{host}/", "in-shop", environ=openbao.variables) as store:
        assert read(store) is None


def test_a_missing_namespace(openbao: Server) -> None:
    """A missing namespace is not reported as a missing secret."""
    host = openbao.url.removeprefix("http://")
    url = f"vault+http://{host}/secret?namespace=nowhere"
    with open_store(url, environ=openbao.variables) as store, pytest.raises(StoreNotFound) as caught:
        read(store)
    assert "namespace" in caught.value.hint
