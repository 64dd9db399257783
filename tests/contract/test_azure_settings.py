"""What an azure: URL may say, who signs in, and what the policy grants."""

import json
import logging
import re
import socket
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import azure.identity
import pytest
from azure.core.credentials import AccessToken

from tailorsecrets import open_store
from tailorsecrets.driver import Target
from tailorsecrets.errors import ConfigError, SecretsError, Unauthenticated, Unavailable
from tailorsecrets.plugins import store_type
from tailorsecrets_azure import signin
from tailorsecrets_azure.driver import AzureDriver
from tailorsecrets_azure.policy import policy
from tailorsecrets_azure.settings import Settings, host_of, read_settings
from tests.contract.azure_server import TENANT, Server
from tests.contract.azure_server_backdoor import AzureBackdoor
from tests.contract.test_azure import server, target

__all__ = ["server"]

SCOPE = "https://vault.azure.net/.default"
PRINCIPAL = {"AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": TENANT, "AZURE_CLIENT_SECRET": "of-the-tests"}
VARIABLES = (*PRINCIPAL, "AZURE_TOKEN_CREDENTIALS", "IDENTITY_ENDPOINT", "IDENTITY_HEADER", "AZURE_AUTHORITY_HOST")


def of(host: str, environ: Mapping[str, str] | None = None, /, **options: str) -> Target:
    """Return the target of azure://*host*."""
    return Target(url=f"azure://{host}", scheme="azure", host=host, options=options, environ=environ or {}, timeout=2.0)


@pytest.fixture
def no_login(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every login away."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "AzureCliCredential")


@pytest.mark.parametrize(
    ("host", "meant"),
    [
        ("my-vault", "my-vault.vault.azure.net"),
        ("MyVault", "myvault.vault.azure.net"),
        ("my-vault.vault.azure.cn", "my-vault.vault.azure.cn"),
        ("localhost:8443", "localhost:8443"),
        ("[::1]:8443", "[::1]:8443"),
    ],
)
def test_a_name_or_a_host(host: str, meant: str) -> None:
    """A Key Vault's name stands for its host in the public cloud; anything else is the host itself."""
    assert host_of(of(host)) == meant


@pytest.mark.parametrize("host", ["", "ab", "a--b", "1vault", "x" * 25, "my_vault", "-vault", "my vault.net", "a:b:c"])
def test_no_name_and_no_host(host: str) -> None:
    """What is neither is refused, naming the form."""
    with pytest.raises(ConfigError) as caught:
        host_of(of(host))
    assert "azure://" in caught.value.hint


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("credential", "password"),
        ("client_id", "my-app"),
        ("authority", "a b"),
        ("ca_bundle", "missing.pem"),
        ("api_version", "?"),
        ("tags", "team=a,team=b"),
        ("tags", "tailorsecrets-write=x"),
        ("tags", ",".join(f"tag{n}=x" for n in range(14))),
        ("tags", f"team={'x' * 257}"),
        ("content_type", "x" * 256),
        ("expires_days", "0"),
        ("expires_days", "soon"),
    ],
)
def test_a_bad_option_is_refused_before_any_call(option: str, text: str) -> None:
    """An option that Azure would refuse at the first write is refused at the opening, by its name."""
    with pytest.raises(ConfigError, match=option):
        read_settings(of("my-vault", None, **{option: text}))


@pytest.mark.parametrize(
    ("host", "environ", "options", "authority"),
    [
        ("my-vault", {}, {}, "https://login.microsoftonline.com"),
        ("my-vault.vault.azure.cn", {}, {}, "https://login.chinacloudapi.cn"),
        ("my-vault", {"AZURE_AUTHORITY_HOST": "https://login.example.org/"}, {}, "https://login.example.org"),
        (
            "my-vault",
            {"AZURE_AUTHORITY_HOST": "a.example.org"},
            {"authority": "b.example.org"},
            "https://b.example.org",
        ),
    ],
)
def test_who_signs_in(host: str, environ: dict[str, str], options: dict[str, str], authority: str) -> None:
    """The option, else the environment, else the Key Vault's cloud tells the authority."""
    assert read_settings(of(host, environ, **options)).authority == authority


def test_every_option_is_known_and_has_help() -> None:
    """All options of the page are announced, each with a line of help."""
    known = store_type("azure").options
    page = (Path(__file__).parents[2] / "docs" / "stores" / "azure.md").read_text()
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == set(known)
    assert all(known.values())


def test_the_logins_have_names(no_login: None) -> None:
    """Each login that the option names is that class of azure-identity, and without it the chain looks for one."""
    kinds = {
        "": azure.identity.DefaultAzureCredential,
        "environment": azure.identity.EnvironmentCredential,
        "managed": azure.identity.ManagedIdentityCredential,
        "cli": azure.identity.AzureCliCredential,
        "azd": azure.identity.AzureDeveloperCliCredential,
        "powershell": azure.identity.AzurePowerShellCredential,
    }
    for name, kind in kinds.items():
        settings = Settings(host="my-vault.vault.azure.net", credential=name)
        assert type(signin.open_credential(settings, of("my-vault"))) is kind


def test_a_workload_identity(no_login: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A pod's identity is taken from what Azure's webhook sets in its environment."""
    monkeypatch.setenv("AZURE_TENANT_ID", TENANT)
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(tmp_path / "token"))
    settings = Settings(host="my-vault.vault.azure.net", credential="workload", client_id=TENANT)
    assert isinstance(signin.open_credential(settings, of("my-vault")), azure.identity.WorkloadIdentityCredential)


def test_an_environment_of_its_own_brings_its_service_principal(no_login: None) -> None:
    """Where a program opens the store with other variables than the process has, their service principal signs in."""
    settings = Settings(host="my-vault.vault.azure.net")
    found = signin.open_credential(settings, of("my-vault", PRINCIPAL))
    assert isinstance(found, azure.identity.ClientSecretCredential)


@pytest.mark.parametrize("credential", ["", "environment", "cli", "azd", "powershell"])
def test_no_login_is_one_line(
    server: Server, no_login: None, capfd: pytest.CaptureFixture[str], credential: str
) -> None:
    """Without a login the error names the remedy, and nothing else is printed."""
    options = {"ca_bundle": server.authority, **({"credential": credential} if credential else {})}
    driver = AzureDriver(of(server.host, None, **options))
    with pytest.raises(Exception) as caught:
        driver.get("default--api-keys--stripe")
    told = driver.explain(caught.value, "get")
    assert (told.kind, "az login" in told.hint, "\n" in told.hint) == (Unauthenticated, True, False)
    assert capfd.readouterr() == ("", "")
    driver.close()


def test_those_who_log_see_what_azure_identity_says(
    server: Server, no_login: None, caplog: pytest.LogCaptureFixture
) -> None:
    """A program that has set up logging still gets azure-identity's warnings."""
    driver = AzureDriver(of(server.host, ca_bundle=server.authority))
    with caplog.at_level(logging.WARNING), pytest.raises(Exception, match="failed to retrieve"):
        driver.get("default--api-keys--stripe")
    assert "AzureCliCredential" in caplog.text
    driver.close()


def test_a_silent_authority_is_unavailable_in_time(server: Server, no_login: None) -> None:
    """Where the service that signs in does not answer, the error says so, within the budget of a read."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        authority = f"localhost:{silent.getsockname()[1]}"
        driver = AzureDriver(of(server.host, PRINCIPAL, ca_bundle=server.authority, authority=authority))
        with pytest.raises(Exception) as caught:
            driver.get("default--api-keys--stripe")
        told = driver.explain(caught.value, "get")
    assert (told.kind, "authority" in told.hint) == (Unavailable, True)
    driver.close()


def test_a_certificate_that_nobody_trusts(server: Server) -> None:
    """A wrong CA is a matter of the configuration, names the option, and is not tried again."""
    options = {"credential": "managed"}
    driver = AzureDriver(of(server.host, None, **options))
    with pytest.raises(Exception) as caught:
        driver.get("default--api-keys--stripe")
    told = driver.explain(caught.value, "get")
    assert (told.kind, "ca_bundle" in told.hint) == (ConfigError, True)
    assert server.arrived == []
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
        self._seconds = seconds

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """Return one more token."""
        self.asked.append({"scopes": scopes, **options})
        return AccessToken(f"token {len(self.asked)}", int(time.time()) + self._seconds)


@pytest.fixture
def login(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[signin.Login, _Source]:
    """Return a login on a source whose tokens live for the seconds that the test asks for."""
    source = _Source(getattr(request, "param", 3600))
    monkeypatch.setattr(signin, "open_credential", lambda *_: source)
    return signin.Login(Settings(host="localhost:1"), of("localhost:1")), source


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
    """A token that ends within five minutes is renewed."""
    door, _ = login
    assert [door.get_token(SCOPE).token for _ in range(2)] == ["token 1", "token 2"]


def test_no_token_for_anything_but_key_vault(login: tuple[signin.Login, _Source]) -> None:
    """A server that asks for a token to another service of Azure gets none."""
    door, source = login
    with pytest.raises(ConfigError, match="not for Key Vault"):
        door.get_token("https://management.azure.com/.default")
    assert source.asked == []


def test_no_two_threads_ask_at_once(login: tuple[signin.Login, _Source], monkeypatch: pytest.MonkeyPatch) -> None:
    """While one thread signs in the others wait for its token."""
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


@pytest.mark.parametrize(
    "url",
    [
        "azure://",
        "azure://my_vault",
        "azure://my-vault?colour=red",
        "azure://user:password@my-vault",
        "azure://my-vault/" + "x" * 90,
        "azure://my-vault/under_score",
    ],
)
def test_a_bad_url_is_one_error(url: str) -> None:
    """A URL that cannot be opened is refused without a call, and shows no credential."""
    with pytest.raises(SecretsError) as caught:
        open_store(url)
    assert isinstance(caught.value, ConfigError)
    assert "password" not in f"{caught.value} {caught.value.hint}"


NAMES = ["default--v--api-keys", "default--api-keys--"]


@pytest.mark.parametrize("use", ["read", "deploy"])
def test_the_policy_says_what_it_cannot_do(use: Literal["read", "deploy"]) -> None:
    """Both policies say that they hold for the whole Key Vault."""
    assert "no prefixes" in policy(of("my-vault"), NAMES, use)


def test_who_reads_may_read_values() -> None:
    """A reader gets the role that reads values, and no other."""
    text = policy(of("my-vault"), NAMES, "read")
    assert "az keyvault show --name my-vault" in text
    assert re.findall(r'--role "([^"]+)" --scope (\S+)', text) == [("Key Vault Secrets User", '"$KEY_VAULT"')]


def test_who_deploys_may_read_the_records_alone() -> None:
    """A deployer gets a role without getSecret, and reads nothing but the records that are named."""
    text = policy(of("my-vault"), NAMES, "deploy")
    role = json.loads(text.partition("<<ROLE\n")[2].partition("\nROLE")[0])
    assert [action.rpartition("secrets/")[2] for action in role["DataActions"]] == [
        "readMetadata/action",
        "setSecret/action",
        "recover/action",
        "delete",
    ]
    assert re.findall(r'--role "([^"]+)" --scope (\S+)', text) == [
        ("tailorsecrets deployer", '"$KEY_VAULT"'),
        ("Key Vault Secrets User", '"$KEY_VAULT/secrets/default--v--api-keys"'),
    ]
