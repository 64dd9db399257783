"""Every way of signing in, on a real OpenBao: when it happens, what it costs, and what its failures mean."""

import base64
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import hvac  # type: ignore[import-untyped]
import pytest
import trustme
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tailorsecrets import Secret, Store, open_store
from tailorsecrets.errors import StoreNotFound, Unauthenticated
from tests.contract.proxy import Proxy
from tests.servers import Server

POLICY = 'path "secret/*" { capabilities = ["create", "read", "update", "patch", "delete", "list"] }'
KEY = rsa.generate_private_key(65537, 2048)
LIFE = 3  # seconds of a short token


@pytest.fixture
def root(openbao: Server) -> Any:
    """Return a client that may do everything."""
    client = hvac.Client(url=openbao.url, token=openbao.variables["VAULT_TOKEN"])
    client.sys.create_or_update_policy("secrets", POLICY)
    return client


@pytest.fixture
def proxy(openbao: Server) -> Iterator[Proxy]:
    """Give a proxy in front of the server, which counts."""
    with Proxy(openbao.url).running() as proxy:
        yield proxy


@pytest.fixture
def workspace(openbao: Server) -> str:
    """Return a workspace that has the secret ``api-keys/key``."""
    workspace = f"w{uuid.uuid4().hex[:8]}"
    host = openbao.url.removeprefix("http://")
    with open_store(f"vault+http://{host}/secret", workspace, environ=openbao.variables) as store:
        store.create_vault("api-keys")
        store.create_secret("api-keys", "key", Secret("value"))
    return workspace


Opener = Callable[..., Store]


@pytest.fixture
def opened(proxy: Proxy, workspace: str, tmp_path: Path) -> Iterator[Opener]:
    """Return what opens the store with a query and an environment; without a home there is no token file."""
    stores: list[Store] = []

    def open_with(query: str = "", **environ: str) -> Store:
        url = f"vault+http://127.0.0.1:{proxy.port}/secret{query}"
        stores.append(open_store(url, workspace, environ={"HOME": str(tmp_path), **environ}))
        return stores[-1]

    yield open_with
    for store in stores:
        store.close()


@pytest.fixture
def path(root: Any) -> str:
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


@pytest.mark.parametrize("name", ["VAULT_TOKEN", "BAO_TOKEN"])
def test_a_token_of_the_environment(root: Any, opened: Opener, proxy: Proxy, name: str) -> None:
    """A token is used as it is: the first read is one call."""
    assert read(opened(**{name: token(root)})) == "value"
    assert len(proxy.seen) == 1


def test_a_token_file(root: Any, opened: Opener, tmp_path: Path) -> None:
    """The token that ``vault login`` left is found where the variable is empty, and read anew when refused."""
    file = tmp_path / ".vault-token"
    file.write_text(first := token(root))
    store = opened(VAULT_TOKEN="")
    assert read(store) == "value"
    root.auth.token.revoke(first)
    file.write_text(token(root) + "\n")
    assert read(store) == "value"


def test_no_login(opened: Opener, proxy: Proxy) -> None:
    """Without any login the error names the ways to sign in, and nothing is called."""
    with pytest.raises(Unauthenticated) as caught:
        read(opened())
    assert "VAULT_TOKEN" in caught.value.hint
    assert "VAULT_ROLE_ID" in caught.value.hint
    assert not proxy.seen


@pytest.mark.parametrize("kind", ["service", "batch"])
def test_an_expired_token(root: Any, opened: Opener, proxy: Proxy, kind: str) -> None:
    """A token that has run out is Unauthenticated, after one call."""
    store = opened(VAULT_TOKEN=token(root, ttl="1s", type=kind))
    time.sleep(1.5)
    with pytest.raises(Unauthenticated):
        read(store)
    assert len(proxy.seen) == 1


def test_a_used_up_token(root: Any, opened: Opener) -> None:
    """A token for one use reads once."""
    store = opened(VAULT_TOKEN=token(root, num_uses=1))
    assert read(store) == "value"
    with pytest.raises(Unauthenticated):
        read(store)


def test_approle(root: Any, opened: Opener, proxy: Proxy, path: str) -> None:
    """AppRole signs in once, before the first read."""
    store = opened(**approle(root, path))
    assert not proxy.seen
    assert [read(store), read(store)] == ["value", "value"]
    assert count(proxy, "/login") == 1
    assert len(proxy.seen) == 3


def test_a_wrong_secret_id(root: Any, opened: Opener, path: str) -> None:
    """A wrong secret id is Unauthenticated, and the error shows neither id."""
    environ = approle(root, path) | {"VAULT_SECRET_ID": "wrong-secret-id"}
    with pytest.raises(Unauthenticated) as caught:
        read(opened(**environ))
    assert "wrong-secret-id" not in f"{caught.value!r} {caught.value.hint}"
    assert "approle" in caught.value.hint


def test_a_method_that_is_not_there(opened: Opener) -> None:
    """A sign-in method that is not enabled at the path is refused like a bad login, and the error names the option."""
    with pytest.raises(Unauthenticated) as caught:
        read(opened("?auth_path=nowhere", VAULT_ROLE_ID="role", VAULT_SECRET_ID="secret"))
    assert "auth_path" in caught.value.hint


def test_a_token_is_renewed_before_it_runs_out(root: Any, opened: Opener, proxy: Proxy, path: str) -> None:
    """At two thirds of its life a token is renewed by the next call, with no second login."""
    store = opened(**approle(root, path, token_ttl=f"{LIFE}s"))
    assert read(store) == "value"
    time.sleep(LIFE * 0.75)
    assert read(store) == "value"
    assert (count(proxy, "/login"), count(proxy, "/renew-self")) == (1, 1)


def test_a_token_at_its_last_life_is_replaced(root: Any, opened: Opener, proxy: Proxy, path: str) -> None:
    """A token that cannot be renewed for as long as before is replaced by a new login."""
    store = opened(**approle(root, path, token_ttl=f"{LIFE}s", token_max_ttl=f"{LIFE}s"))
    for _ in range(2):
        assert read(store) == "value"
        time.sleep(LIFE * 0.75)
    assert read(store) == "value"
    assert count(proxy, "/login") >= 2


def test_an_expired_login_is_made_anew(root: Any, opened: Opener, proxy: Proxy, path: str) -> None:
    """A token that ran out while nothing was read is replaced by one login."""
    store = opened(**approle(root, path, token_ttl="1s"))
    assert read(store) == "value"
    time.sleep(1.5)
    assert read(store) == "value"
    assert count(proxy, "/login") == 2


def revoke_all(root: Any, path: str) -> None:
    """Revoke every token that the method at *path* gave."""
    root.sys.revoke_prefix(f"auth/{path}")


def test_a_revoked_login_is_made_anew_once(root: Any, opened: Opener, proxy: Proxy, path: str) -> None:
    """Sixteen threads whose token was revoked sign in once, and all read."""
    store = opened(**approle(root, path))
    assert read(store) == "value"
    revoke_all(root, path)
    with ThreadPoolExecutor(16) as threads:
        assert set(threads.map(lambda _: read(store), range(16))) == {"value"}
    assert count(proxy, "/login") == 2


def test_a_revoked_login_that_cannot_be_made_anew(root: Any, opened: Opener, proxy: Proxy, path: str) -> None:
    """Where the second login is refused too, the read is Unauthenticated after that one attempt."""
    environ = approle(root, path)
    store = opened(**environ)
    assert read(store) == "value"
    root.auth.approle.destroy_secret_id("app", environ["VAULT_SECRET_ID"], mount_point=path)
    revoke_all(root, path)
    with pytest.raises(Unauthenticated):
        read(store)
    assert count(proxy, "/login") == 2


def test_a_denial_is_no_reason_to_sign_in_again(root: Any, opened: Opener, proxy: Proxy, path: str) -> None:
    """A policy that denies is believed at once: no second login, no second read."""
    environ = approle(root, path)
    root.auth.approle.create_or_update_approle("app", token_policies=["default"], mount_point=path)
    with pytest.raises(Exception, match="permission denied"):
        read(opened(**environ))
    assert len(proxy.seen) == 2


def signed(claims: Mapping[str, Any]) -> str:
    """Return a JSON Web Token."""
    parts = [json.dumps(part).encode() for part in ({"alg": "RS256", "typ": "JWT"}, claims)]
    text = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    signature = KEY.sign(text, padding.PKCS1v15(), hashes.SHA256())
    return (text + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


@pytest.fixture
def jwt_path(root: Any, path: str) -> str:
    """Enable JWT with a role ``app`` and return its path."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    public = KEY.public_key().public_bytes(serialization.Encoding.PEM, form).decode()
    root.sys.enable_auth_method("jwt", path=path)
    root.write_data(f"auth/{path}/config", data={"jwt_validation_pubkeys": [public]})
    role = {"role_type": "jwt", "user_claim": "sub", "bound_audiences": ["vault"], "token_policies": ["secrets"]}
    root.write_data(f"auth/{path}/role/app", data=role)
    return path


def claims(seconds: int = 60) -> dict[str, Any]:
    """Return what a CI system says of a job, valid for *seconds*."""
    now = int(time.time())
    return {"sub": "job", "aud": ["vault"], "iat": now - 600, "nbf": now - 600, "exp": now + seconds}


def test_jwt_of_the_environment(opened: Opener, jwt_path: str) -> None:
    """A job's token in VAULT_JWT_TOKEN signs in."""
    environ = {"VAULT_JWT_ROLE": "app", "VAULT_JWT_TOKEN": signed(claims())}
    assert read(opened(f"?auth_path={jwt_path}", **environ)) == "value"


def test_jwt_of_a_file(opened: Opener, jwt_path: str, tmp_path: Path) -> None:
    """A token in a file signs in, with the role from the URL."""
    (tmp_path / "token").write_text(signed(claims()) + "\n")
    assert read(opened(f"?auth_path={jwt_path}&role=app&jwt_file={tmp_path}/token")) == "value"


def test_an_expired_jwt(opened: Opener, jwt_path: str) -> None:
    """An expired job token is Unauthenticated."""
    with pytest.raises(Unauthenticated):
        read(opened(f"?auth_path={jwt_path}&role=app", VAULT_JWT_TOKEN=signed(claims(-300))))


def test_a_missing_jwt_file(opened: Opener, jwt_path: str) -> None:
    """A file that is not there is named."""
    with pytest.raises(Unauthenticated, match="jwt_file=nowhere"):
        read(opened(f"?auth_path={jwt_path}&role=app&jwt_file=nowhere"))


class Reviewer(BaseHTTPRequestHandler):
    """Answers as the Kubernetes API does when it is asked whose a service account token is."""

    def do_POST(self) -> None:
        """Vouch for any token."""
        self.rfile.read(int(self.headers["Content-Length"]))
        user = {"username": "system:serviceaccount:shop:app", "uid": "1", "groups": ["system:serviceaccounts"]}
        status = {"authenticated": True, "user": user, "audiences": ["vault"]}
        body = json.dumps({"kind": "TokenReview", "status": status}).encode()
        self.send_response(201)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as the base calls it
        """Say nothing."""


@pytest.fixture
def kubernetes() -> Iterator[str]:
    """Give the address of what answers token reviews."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Reviewer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_kubernetes(root: Any, opened: Opener, path: str, kubernetes: str, tmp_path: Path) -> None:
    """A pod's service account token signs in."""
    root.sys.enable_auth_method("kubernetes", path=path)
    ca = trustme.CA().cert_pem.bytes().decode()
    config = {"kubernetes_host": kubernetes, "kubernetes_ca_cert": ca, "disable_local_ca_jwt": True}
    root.write_data(f"auth/{path}/config", data={**config, "token_reviewer_jwt": "reviewer"})
    role = {"bound_service_account_names": "app", "bound_service_account_namespaces": "shop"}
    root.write_data(f"auth/{path}/role/app", data={**role, "token_policies": ["secrets"]})
    pod = {"namespace": "shop", "serviceaccount": {"name": "app", "uid": "1"}}
    (tmp_path / "token").write_text(signed({**claims(), "kubernetes.io": pod}))
    query = f"?auth_path={path}&jwt_file={tmp_path}/token"
    assert read(opened(query, VAULT_KUBERNETES_ROLE="app")) == "value"


def test_kubernetes_outside_of_a_pod(opened: Opener) -> None:
    """Without a service account the error names the option for its file."""
    with pytest.raises(Unauthenticated) as caught:
        read(opened(VAULT_KUBERNETES_ROLE="app"))
    assert "jwt_file" in caught.value.hint


def test_namespaces(root: Any, openbao: Server) -> None:
    """A namespace of the environment or the URL is where everything happens."""
    root.write_data("sys/namespaces/shop", data={})
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
    """A namespace that is not there is no missing secret."""
    host = openbao.url.removeprefix("http://")
    url = f"vault+http://{host}/secret?namespace=nowhere"
    with open_store(url, environ=openbao.variables) as store, pytest.raises(StoreNotFound) as caught:
        read(store)
    assert "namespace" in caught.value.hint
