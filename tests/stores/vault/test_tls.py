"""TLS: which certificates are trusted, and the errors of the others."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tailorsecrets import Secret, Store, open_store
from tailorsecrets.errors import ConfigError, SecretsError, Unavailable
from tailorsecrets.testing.serving import serving
from tests.support.servers import Server


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where the server puts its certificates."""
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def port(openbao: Server, folder: Path) -> Iterator[int]:
    """Give the port of an OpenBao with TLS, whose certificate is for localhost and 127.0.0.1."""
    options = ["-dev-root-token-id=root", "-dev-no-store-token", "-dev-tls", f"-dev-tls-cert-dir={folder}"]
    with serving(
        lambda port: [openbao.bin / "bao", "server", "-dev", *options, f"-dev-listen-address=127.0.0.1:{port}"]
    ) as port:
        yield port


def opened(url: str, **environ: str) -> Store:
    """Open the store at *url*."""
    return open_store(url, "tls-test", environ={"VAULT_TOKEN": "root", **environ})


def error_of(url: str, **environ: str) -> SecretsError:
    """Return the error of a read."""
    with opened(url, **environ) as store, pytest.raises(SecretsError) as caught:
        store.get("api-keys", "key")
    return caught.value


@pytest.mark.parametrize("name", ["VAULT_CACERT", "BAO_CACERT"])
def test_the_right_ca(port: int, folder: Path, name: str) -> None:
    """With the CA that the environment names, vault:// writes and reads."""
    with opened(f"vault://127.0.0.1:{port}/secret", **{name: f"{folder}/vault-ca.pem"}) as store:
        store.create_vault(f"v-{name.lower().replace('_', '-')}")
        assert store.get("api-keys", "key") is None


def test_an_address_of_the_environment(port: int, folder: Path) -> None:
    """Without a host in the URL the address is VAULT_ADDR, with its own scheme."""
    environ = {"VAULT_ADDR": f"https://127.0.0.1:{port}/", "VAULT_CACERT": f"{folder}/vault-ca.pem"}
    with opened("vault:///secret", **environ) as store:
        store.create_vault("api-keys")
        store.create_secret("api-keys", "address", Secret("value"))
        assert store.get("api-keys", "address") == "value"


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_ca_bundle_of_the_environment(
    port: int, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The CA bundle that requests and curl read is trusted; VAULT_CACERT comes before it."""
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)  # it comes before the other
    monkeypatch.setenv(name, f"{folder}/vault-ca.pem")
    url = f"vault://127.0.0.1:{port}/secret"
    with opened(url) as store:
        assert store.get("api-keys", "key") is None
    trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
    assert "VAULT_CACERT" in error_of(url, VAULT_CACERT=str(tmp_path / "other.pem")).hint


def test_an_unknown_ca(port: int) -> None:
    """An untrusted certificate is a configuration error, reported at once with its remedy."""
    error = error_of(f"vault://127.0.0.1:{port}/secret")
    assert isinstance(error, ConfigError)
    assert "VAULT_CACERT" in error.hint


def test_a_missing_ca_file(port: int) -> None:
    """The error of a missing CA file says so."""
    error = error_of(f"vault://127.0.0.1:{port}/secret", VAULT_CACERT="/nowhere/ca.pem")
    assert isinstance(error, ConfigError)
    assert "cannot be read" in error.hint


def test_another_server_name(port: int, folder: Path) -> None:
    """A name that the certificate is not for is refused; the right one is accepted."""
    url, environ = f"vault://127.0.0.1:{port}/secret", {"VAULT_CACERT": f"{folder}/vault-ca.pem"}
    assert isinstance(error_of(url, **environ, VAULT_TLS_SERVER_NAME="vault.example.com"), ConfigError)
    with opened(url, **environ, VAULT_TLS_SERVER_NAME="localhost") as store:
        assert store.get("api-keys", "key") is None


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_no_verification(port: int) -> None:
    """VAULT_SKIP_VERIFY accepts any certificate."""
    with opened(f"vault://127.0.0.1:{port}/secret", VAULT_SKIP_VERIFY="true") as store:
        assert store.get("api-keys", "key") is None


def test_tls_where_there_is_none(openbao: Server) -> None:
    """vault:// at a server without TLS names the other scheme."""
    error = error_of(openbao.url.replace("http://", "vault://") + "/secret")
    assert isinstance(error, ConfigError)
    assert "vault+http://" in error.hint


def test_no_tls_where_there_is_some(port: int) -> None:
    """vault+http:// at a server with TLS names the other scheme."""
    error = error_of(f"vault+http://127.0.0.1:{port}/secret")
    assert isinstance(error, ConfigError)
    assert "vault://" in error.hint


def test_an_unknown_host() -> None:
    """An unknown host is Unavailable, and the hint names it."""
    error = error_of("vault://no-such-host.invalid/secret?timeout=1")
    assert isinstance(error, Unavailable)
    assert "no-such-host.invalid" in error.hint


def test_a_closed_port() -> None:
    """A closed port is Unavailable, and the hint names the address."""
    error = error_of("vault+http://127.0.0.1:9/secret?timeout=1")
    assert isinstance(error, Unavailable)
    assert "127.0.0.1:9" in error.hint
