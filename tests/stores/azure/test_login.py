"""Sign-in to a Key Vault: the login, how often it signs in, and the errors."""

import logging
import socket
import threading
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import azure.identity
import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError, ResourceNotFoundError
from azure.core.pipeline.transport import RequestsTransport

from tailorsecrets import open_store
from tailorsecrets.errors import ConfigError, Unauthenticated, Unavailable
from tailorsecrets.testing.conformance.suite import problem
from tailorsecrets_azure import login as signin
from tailorsecrets_azure.driver import AzureDriver
from tailorsecrets_azure.options import Options
from tests.support.azure.authority import WRONG_SECRET, Authority
from tests.support.azure.backdoor import AzureBackdoor
from tests.support.azure.fixtures import server, target
from tests.support.azure.server import TENANT, Server
from tests.support.azure.targets import of

__all__ = ["server"]

SCOPE = "https://vault.azure.net/.default"
PRINCIPAL = {"AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": TENANT, "AZURE_CLIENT_SECRET": "of-the-tests"}
VARIABLES = (*PRINCIPAL, "AZURE_TOKEN_CREDENTIALS", "IDENTITY_ENDPOINT", "IDENTITY_HEADER", "AZURE_AUTHORITY_HOST")


@pytest.fixture
def no_login(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove every login."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "AzureCliCredential")


def test_the_logins_have_names(no_login: None) -> None:
    """Each value of the option opens that class of azure-identity; without the option, the chain.

    Each can be closed without having been used.
    """
    kinds = {
        "": azure.identity.DefaultAzureCredential,
        "environment": azure.identity.EnvironmentCredential,
        "managed": azure.identity.ManagedIdentityCredential,
        "cli": azure.identity.AzureCliCredential,
        "azd": azure.identity.AzureDeveloperCliCredential,
        "powershell": azure.identity.AzurePowerShellCredential,
    }
    for name, kind in kinds.items():
        options = Options(host="my-vault.vault.azure.net", credential=name)
        opened = signin.open_credential(options, of("my-vault"), RequestsTransport())
        opened.close()
        assert type(opened) is kind


def test_a_workload_identity(no_login: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A pod's identity comes from the variables that Azure's webhook sets."""
    monkeypatch.setenv("AZURE_TENANT_ID", TENANT)
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(tmp_path / "token"))
    options = Options(host="my-vault.vault.azure.net", credential="workload", client_id=TENANT)
    found = signin.open_credential(options, of("my-vault"), RequestsTransport())
    assert isinstance(found, azure.identity.WorkloadIdentityCredential)


def test_an_environment_of_its_own_brings_its_service_principal(no_login: None) -> None:
    """A program that opens the store with its own variables signs in with the service principal in them."""
    options = Options(host="my-vault.vault.azure.net")
    found = signin.open_credential(options, of("my-vault", PRINCIPAL), RequestsTransport())
    assert isinstance(found, azure.identity.ClientSecretCredential)


@pytest.mark.parametrize("credential", ["", "environment", "cli", "azd", "powershell"])
def test_no_login_is_one_line(
    server: Server, no_login: None, capfd: pytest.CaptureFixture[str], credential: str
) -> None:
    """Without a login the error names the remedy in one line, and nothing else is printed."""
    options = {"ca_bundle": server.authority, **({"credential": credential} if credential else {})}
    driver = AzureDriver(of(server.host, None, **options))
    with pytest.raises(Exception) as caught:
        driver.get("default--api-keys--stripe")
    explained = driver.explain(caught.value, "get")
    assert (explained.kind, "az login" in explained.hint, "\n" in explained.hint) == (Unauthenticated, True, False)
    assert capfd.readouterr() == ("", "")
    driver.close()


def test_azure_identity_still_logs_its_warnings(
    server: Server, no_login: None, caplog: pytest.LogCaptureFixture
) -> None:
    """A program that has set up logging still gets azure-identity's warnings."""
    driver = AzureDriver(of(server.host, ca_bundle=server.authority))
    with caplog.at_level(logging.WARNING), pytest.raises(Exception, match="failed to retrieve"):
        driver.get("default--api-keys--stripe")
    assert "AzureCliCredential" in caplog.text
    driver.close()


def test_a_silent_authority_is_unavailable_in_time(server: Server, no_login: None) -> None:
    """Where the sign-in service does not answer, the error says so within the budget of a read."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        authority = f"localhost:{silent.getsockname()[1]}"
        driver = AzureDriver(of(server.host, PRINCIPAL, ca_bundle=server.authority, authority=authority))
        with pytest.raises(Exception) as caught:
            driver.get("default--api-keys--stripe")
        explained = problem(driver, caught.value, "get")
    assert (explained.kind, "authority" in explained.hint) == (Unavailable, True)
    driver.close()


@pytest.fixture
def chain(no_login: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the process a service principal, which the default chain of logins tries first."""
    for name, text in PRINCIPAL.items():
        monkeypatch.setenv(name, text)
    monkeypatch.delenv("AZURE_TOKEN_CREDENTIALS")


def chained_url(server: Server, authority: str) -> str:
    """Return the URL of the Key Vault at *server*, with the default chain of logins at *authority*."""
    return f"azure://{server.host}?{urlencode({'ca_bundle': server.authority, 'authority': authority, 'timeout': 2})}"


@pytest.mark.parametrize("status", [429, 503])
def test_an_authority_with_an_outage_in_the_chain(server: Server, chain: None, status: int) -> None:
    """An outage at the very first sign-in of the default chain is Unavailable, not a failed login."""
    authority = Authority(server.context, status)
    with open_store(chained_url(server, authority.host)) as store, pytest.raises(Unavailable) as caught:
        store.get("api-keys", "stripe")
    assert str(status) in caught.value.hint
    authority.close()


def test_an_authority_that_refuses_connections_in_the_chain(server: Server, chain: None) -> None:
    """A sign-in service that is gone is Unavailable in the default chain too."""
    authority = Authority(server.context)
    authority.close()
    with open_store(chained_url(server, authority.host)) as store, pytest.raises(Unavailable, match="does not answer"):
        store.get("api-keys", "stripe")


def test_the_sdk_is_new_enough_for_a_silent_authority() -> None:
    """azure-keyvault-secrets 4.8 reports a sign-in service that does not answer as a failed login."""
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    bounds = dict(text.split(">=") for text in project["optional-dependencies"]["azure"])
    assert tuple(map(int, bounds["azure-keyvault-secrets"].split("."))) >= (4, 9)


def test_many_threads_do_not_wait_for_a_silent_authority_in_turn(server: Server, chain: None) -> None:
    """Threads that waited while the sign-in service gave no answer fail with the thread that asked it."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url, start = chained_url(server, f"localhost:{silent.getsockname()[1]}"), time.monotonic()
        with open_store(url) as store, pytest.raises(Unavailable):
            store.get_all("api-keys", [f"key-{number}" for number in range(8)])
        assert time.monotonic() - start < 2 * 2.0


def test_a_wrong_client_secret_in_the_chain(server: Server, chain: None) -> None:
    """The error carries the sign-in service's own code and message."""
    authority = Authority(server.context)
    with open_store(chained_url(server, authority.host)) as store:
        with pytest.raises(Unauthenticated) as caught:
            store.get("api-keys", "stripe")
        assert WRONG_SECRET in caught.value.reason
        with pytest.raises(Unauthenticated) as caught:
            store.purge_secret("api-keys", "stripe")
        assert caught.value.reason == "AADSTS7000215"
    authority.close()


def test_no_managed_identity_in_the_chain_is_not_an_outage(
    server: Server, no_login: None, web: pytest.MonkeyPatch
) -> None:
    """A machine outside of Azure has no identity endpoint: the login is missing."""
    web.setenv("AZURE_TOKEN_CREDENTIALS", "prod")
    web.setenv("HTTP_PROXY", "http://127.0.0.1:1")  # nothing answers at the endpoint's address
    with open_store(chained_url(server, "localhost:1")) as store, pytest.raises(Unauthenticated):
        store.get("api-keys", "stripe")


def test_a_certificate_that_nobody_trusts(server: Server) -> None:
    """A wrong CA is a ConfigError that names the option, and it is not tried again."""
    options = {"credential": "managed"}
    driver = AzureDriver(of(server.host, None, **options))
    with pytest.raises(Exception) as caught:
        driver.get("default--api-keys--stripe")
    explained = driver.explain(caught.value, "get")
    assert (explained.kind, "ca_bundle" in explained.hint) == (ConfigError, True)
    assert server.arrived == []
    driver.close()


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Take the proxies out of the environment."""
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    return monkeypatch


def test_the_environment_names_authorities_and_proxies(server: Server, web: pytest.MonkeyPatch) -> None:
    """REQUESTS_CA_BUNDLE, HTTPS_PROXY and NO_PROXY work as in requests."""
    web.setenv("REQUESTS_CA_BUNDLE", server.authority)
    web.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    url = f"azure://{server.host}?credential=managed&timeout=2"
    with open_store(url) as store, pytest.raises(Unavailable):
        store.get("api-keys", "stripe")
    web.setenv("NO_PROXY", "localhost")
    with open_store(url) as store:
        assert store.get("api-keys", "stripe") is None


def test_requests_do_not_read_the_environment(server: Server, web: pytest.MonkeyPatch) -> None:
    """The environment is read once: a large one does not slow down each request."""
    driver = AzureDriver(target(server))
    with pytest.raises(ResourceNotFoundError):
        driver.get("default--api-keys--stripe")
    web.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    with pytest.raises(ResourceNotFoundError):
        driver.get("default--api-keys--stripe")
    driver.close()


def test_sixteen_threads_sign_in_once(server: Server) -> None:
    """Many threads whose first call comes at once share one token."""
    backdoor = AzureBackdoor(server)
    backdoor.write("default--api-keys--stripe", "value")
    backdoor.close()
    issued, driver = server.issued, AzureDriver(target(server))
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda _: driver.get("default--api-keys--stripe"), range(32)))
    assert server.issued - issued == 1
    driver.close()


class _Source:
    """A credential that counts its tokens, each with *seconds* to live."""

    def __init__(self, seconds: int) -> None:
        self.asked: list[dict[str, Any]] = []
        self.closed = 0
        self._seconds = seconds

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """Return one more token."""
        self.asked.append({"scopes": scopes, **options})
        return AccessToken(f"token {len(self.asked)}", int(time.time()) + self._seconds)

    def close(self) -> None:
        """Count it."""
        self.closed += 1


@pytest.fixture
def login(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[signin.Login, _Source]:
    """Return a login on a source whose tokens live for the seconds that the test asks for."""
    source = _Source(getattr(request, "param", 3600))
    monkeypatch.setattr(signin, "open_credential", lambda *_: source)
    return signin.Login(Options(host="localhost:1"), of("localhost:1")), source


class _OutOfOrder(BaseHTTPRequestHandler):
    """A sign-in service with an outage."""

    status = 503

    def do_GET(self) -> None:
        """Fail."""
        self.send_response(self.status)
        self.send_header("Content-Length", "13")
        self.end_headers()
        self.wfile.write(b'{"error":"x"}')

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base class
        """Log nothing."""


@pytest.mark.parametrize(("status", "kind"), [(429, Unavailable), (503, Unavailable), (400, ClientAuthenticationError)])
def test_a_login_service_that_is_out_of_order(
    monkeypatch: pytest.MonkeyPatch, status: int, kind: type[Exception]
) -> None:
    """An outage is not a failed login, so an app keeps its values; a refusal is a failed login."""
    monkeypatch.setattr(_OutOfOrder, "status", status)
    with ThreadingHTTPServer(("127.0.0.1", 0), _OutOfOrder) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{server.server_port}/token")
        monkeypatch.setenv("IDENTITY_HEADER", "header")
        door = signin.Login(Options(host="localhost:1", credential="managed"), of("localhost:1"))
        for _ in range(2):
            with pytest.raises(kind):
                door.get_token(SCOPE)
        door.forget()
        server.shutdown()


def test_a_token_is_kept(login: tuple[signin.Login, _Source]) -> None:
    """The same request gets the same token; another tenant, a claim and forgetting get a new one."""
    door, source = login
    tokens = [door.get_token(SCOPE, tenant_id=TENANT).token for _ in range(3)]
    assert tokens == ["token 1"] * 3
    assert door.get_token(SCOPE, tenant_id="another").token == "token 2"
    assert door.get_token(SCOPE, tenant_id="another", claims="{}").token == "token 3"
    door.forget()
    assert door.get_token(SCOPE, tenant_id="another").token == "token 4"
    assert source.asked[0] == {"scopes": (SCOPE,), "tenant_id": TENANT, "claims": None, "enable_cae": False}


@pytest.mark.parametrize("login", [200], indirect=True)
def test_a_token_near_its_end_is_not_used(login: tuple[signin.Login, _Source]) -> None:
    """A token that expires within five minutes is renewed."""
    door, _ = login
    assert [door.get_token(SCOPE).token for _ in range(2)] == ["token 1", "token 2"]


def test_a_credential_that_is_forgotten_is_closed(login: tuple[signin.Login, _Source]) -> None:
    """A login closes each credential that it drops, once, and none that it never opened."""
    door, source = login
    door.forget()
    door.get_token(SCOPE)
    door.forget()
    door.forget()
    assert source.closed == 1


def test_no_token_for_anything_but_key_vault(login: tuple[signin.Login, _Source]) -> None:
    """A server that asks for a token for another service of Azure gets none."""
    door, source = login
    with pytest.raises(ConfigError, match="not for Key Vault"):
        door.get_token("https://management.azure.com/.default")
    assert source.asked == []


def test_no_two_threads_ask_at_once(login: tuple[signin.Login, _Source], monkeypatch: pytest.MonkeyPatch) -> None:
    """While one thread signs in, the others wait for its token."""
    door, source = login
    inside, slow = threading.Semaphore(1), source.get_token

    def alone(*scopes: str, **options: Any) -> AccessToken:
        assert inside.acquire(blocking=False)
        threading.Event().wait(0.05)
        inside.release()
        return slow(*scopes, **options)

    monkeypatch.setattr(source, "get_token", alone)
    with ThreadPoolExecutor(8) as threads:
        tokens = {token.token for token in threads.map(lambda _: door.get_token(SCOPE), range(8))}
    assert tokens == {"token 1"}
