"""Programs that sign in with a token of their platform: JSON Web Tokens and Kubernetes service accounts."""

import base64
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tailorsecrets.errors import Unauthenticated
from tailorsecrets.testing.web_server import Handler, WebServer
from tests.support.vault.logins import Opener, read

KEY = rsa.generate_private_key(65537, 2048)


def signed(claims: Mapping[str, Any]) -> str:
    """Return a JSON Web Token."""
    parts = [json.dumps(part).encode() for part in ({"alg": "RS256", "typ": "JWT"}, claims)]
    text = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    signature = KEY.sign(text, padding.PKCS1v15(), hashes.SHA256())
    return (text + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


@pytest.fixture
def jwt_path(bao_root: Any, auth_path: str) -> str:
    """Enable JWT with a role ``app`` and return its path."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    public = KEY.public_key().public_bytes(serialization.Encoding.PEM, form).decode()
    bao_root.sys.enable_auth_method("jwt", path=auth_path)
    bao_root.write_data(f"auth/{auth_path}/config", data={"jwt_validation_pubkeys": [public]})
    role = {"role_type": "jwt", "user_claim": "sub", "bound_audiences": ["vault"], "token_policies": ["secrets"]}
    bao_root.write_data(f"auth/{auth_path}/role/app", data=role)
    return auth_path


def claims(seconds: int = 60) -> dict[str, Any]:
    """Return the claims of a CI system for a job, valid for *seconds*."""
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
    """The error of a missing file names it."""
    with pytest.raises(Unauthenticated, match="jwt_file=nowhere"):
        read(opened(f"?auth_path={jwt_path}&role=app&jwt_file=nowhere"))


class Reviewer(Handler):
    """The Kubernetes API's answer to a token review."""

    def respond(self) -> None:
        """Accept any token."""
        self.body()
        user = {"username": "system:serviceaccount:shop:app", "uid": "1", "groups": ["system:serviceaccounts"]}
        status = {"authenticated": True, "user": user, "audiences": ["vault"]}
        body = json.dumps({"kind": "TokenReview", "status": status}).encode()
        self.answer(201, body, {"Content-Type": "application/json"})


@pytest.fixture
def kubernetes() -> Iterator[str]:
    """Give the address of a server that answers token reviews."""
    server = WebServer(Reviewer)
    yield f"http://127.0.0.1:{server.server_port}"
    server.close()


def test_kubernetes(bao_root: Any, opened: Opener, auth_path: str, kubernetes: str, tmp_path: Path) -> None:
    """A pod's service account token signs in."""
    bao_root.sys.enable_auth_method("kubernetes", path=auth_path)
    ca = trustme.CA().cert_pem.bytes().decode()
    config = {"kubernetes_host": kubernetes, "kubernetes_ca_cert": ca, "disable_local_ca_jwt": True}
    bao_root.write_data(f"auth/{auth_path}/config", data={**config, "token_reviewer_jwt": "reviewer"})
    role = {"bound_service_account_names": "app", "bound_service_account_namespaces": "shop"}
    bao_root.write_data(f"auth/{auth_path}/role/app", data={**role, "token_policies": ["secrets"]})
    pod = {"namespace": "shop", "serviceaccount": {"name": "app", "uid": "1"}}
    (tmp_path / "token").write_text(signed({**claims(), "kubernetes.io": pod}))
    query = f"?auth_path={auth_path}&jwt_file={tmp_path}/token"
    assert read(opened(query, VAULT_KUBERNETES_ROLE="app")) == "value"


def test_kubernetes_outside_of_a_pod(opened: Opener) -> None:
    """Without a service account the error names the option for its file."""
    with pytest.raises(Unauthenticated) as caught:
        read(opened(VAULT_KUBERNETES_ROLE="app"))
    assert "jwt_file" in caught.value.hint
