"""The life of a token on a real OpenBao: renewed, replaced, expired, revoked."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tailorsecrets.driver import Target
from tailorsecrets.errors import Unauthenticated
from tailorsecrets.testing.proxy import Proxy, Rule
from tailorsecrets_vault.client import Connection
from tailorsecrets_vault.login import Token, login_of
from tailorsecrets_vault.options import options_of
from tests.support.servers import Server
from tests.support.vault.logins import Opener, approle, count, read, token

LIFE = 3  # seconds of a short token


@pytest.mark.parametrize("kind", ["service", "batch"])
def test_an_expired_token(bao_root: Any, opened: Opener, bao_proxy: Proxy, kind: str) -> None:
    """An expired token is Unauthenticated, after one call."""
    store = opened(VAULT_TOKEN=token(bao_root, ttl="1s", type=kind))
    time.sleep(1.5)
    with pytest.raises(Unauthenticated):
        read(store)
    assert len(bao_proxy.seen) == 1


def test_a_token_is_renewed_before_it_runs_out(bao_root: Any, opened: Opener, bao_proxy: Proxy, auth_path: str) -> None:
    """At two thirds of its life a token is renewed by the next call, with no second login."""
    store = opened(**approle(bao_root, auth_path, token_ttl=f"{LIFE}s"))
    assert read(store) == "value"
    time.sleep(LIFE * 0.75)
    assert read(store) == "value"
    assert (count(bao_proxy, "/login"), count(bao_proxy, "/renew-self")) == (1, 1)


def test_a_token_at_its_last_life_is_replaced(bao_root: Any, opened: Opener, bao_proxy: Proxy, auth_path: str) -> None:
    """A token that cannot be renewed for as long as before is replaced by a new login."""
    store = opened(**approle(bao_root, auth_path, token_ttl=f"{LIFE}s", token_max_ttl=f"{LIFE}s"))
    for _ in range(2):
        assert read(store) == "value"
        time.sleep(LIFE * 0.75)
    assert read(store) == "value"
    assert count(bao_proxy, "/login") >= 2


def test_an_expired_login_is_made_anew(bao_root: Any, opened: Opener, bao_proxy: Proxy, auth_path: str) -> None:
    """A token that expired between two reads is replaced by one login."""
    store = opened(**approle(bao_root, auth_path, token_ttl="1s"))
    assert read(store) == "value"
    time.sleep(1.5)
    assert read(store) == "value"
    assert count(bao_proxy, "/login") == 2


def revoke_all(root: Any, path: str) -> None:
    """Revoke every token that the method at *path* gave."""
    root.sys.revoke_prefix(f"auth/{path}")


def test_a_revoked_login_is_made_anew_once(bao_root: Any, opened: Opener, bao_proxy: Proxy, auth_path: str) -> None:
    """Sixteen threads whose token was revoked sign in once, and all read."""
    store = opened(**approle(bao_root, auth_path))
    assert read(store) == "value"
    revoke_all(bao_root, auth_path)
    with ThreadPoolExecutor(16) as threads:
        assert set(threads.map(lambda _: read(store), range(16))) == {"value"}
    assert count(bao_proxy, "/login") == 2


def test_a_revoked_login_that_cannot_be_made_anew(
    bao_root: Any, opened: Opener, bao_proxy: Proxy, auth_path: str
) -> None:
    """Where the second login is refused too, the read is Unauthenticated after that one attempt."""
    environ = approle(bao_root, auth_path)
    store = opened(**environ)
    assert read(store) == "value"
    bao_root.auth.approle.destroy_secret_id("app", environ["VAULT_SECRET_ID"], mount_point=auth_path)
    revoke_all(bao_root, auth_path)
    with pytest.raises(Unauthenticated):
        read(store)
    assert count(bao_proxy, "/login") == 2


def with_old_token(openbao: Server, bao_proxy: Proxy, text: str) -> Connection:
    """Return a connection whose token was given so long ago that its renewal is due."""
    host, environ = f"127.0.0.1:{bao_proxy.port}", {"VAULT_TOKEN": text}
    target = Target(url="vault+http:", scheme="vault+http", host=host, environ=environ)
    connection = Connection(options_of(target), login_of(target))
    connection._token = Token(text, due=0.0)
    return connection


def list_mounts(client: Any) -> Any:
    """Send a request that any token may."""
    return client.adapter.get("/v1/sys/internal/ui/mounts")


def test_a_given_token_is_looked_up_and_renewed(bao_root: Any, openbao: Server, bao_proxy: Proxy) -> None:
    """A long-running program's token is looked up once, and renewed where that can be."""
    connection = with_old_token(openbao, bao_proxy, token(bao_root, ttl="1h"))
    for _ in range(2):
        connection.call(list_mounts)
    assert (count(bao_proxy, "lookup-self"), count(bao_proxy, "renew-self")) == (1, 1)
    assert connection._token is not None
    assert connection._token.seconds == 3600
    connection.close()


def test_a_given_token_that_lasts_is_left_alone(openbao: Server, bao_proxy: Proxy) -> None:
    """A token without an end is looked up once and never renewed."""
    connection = with_old_token(openbao, bao_proxy, openbao.variables["VAULT_TOKEN"])
    for _ in range(2):
        connection.call(list_mounts)
    assert (count(bao_proxy, "lookup-self"), count(bao_proxy, "renew-self")) == (1, 0)
    connection.close()


def test_a_renewal_that_fails_is_not_an_error_yet(
    bao_root: Any, opened: Opener, bao_proxy: Proxy, auth_path: str
) -> None:
    """Where a renewal fails, the token is used as long as it lives."""
    store = opened(**approle(bao_root, auth_path, token_ttl=f"{LIFE}s"))
    assert read(store) == "value"
    time.sleep(LIFE * 0.7)
    bao_proxy.rules = [Rule(path="/renew-self", status=500)]
    assert read(store) == "value"


def test_a_token_that_cannot_be_renewed_is_replaced(
    bao_root: Any, opened: Opener, bao_proxy: Proxy, auth_path: str
) -> None:
    """A batch token, which nothing renews, is replaced by a new login when two thirds of its life are gone."""
    store = opened(**approle(bao_root, auth_path, token_ttl=f"{LIFE}s", token_type="batch"))
    assert read(store) == "value"
    time.sleep(LIFE * 0.75)
    assert read(store) == "value"
    assert (count(bao_proxy, "/login"), count(bao_proxy, "/renew-self")) == (2, 0)
