"""The options in an azure: URL, and the rights that the policy grants."""

import json
import re
from typing import Literal
from urllib.parse import urlencode

import pytest

from tailorsecrets import open_store
from tailorsecrets.errors import ConfigError, SecretsError, Unsupported
from tailorsecrets.store.names import Naming
from tailorsecrets.targets.plugins import store_type
from tailorsecrets_azure.options import host_of, read_options
from tests.support.azure.targets import of


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
    """The name of a Key Vault means its host in the public cloud; anything else is the host itself."""
    assert host_of(of(host)) == meant


@pytest.mark.parametrize("host", ["", "ab", "a--b", "1vault", "x" * 25, "my_vault", "-vault", "my vault.net", "a:b:c"])
def test_no_name_and_no_host(host: str) -> None:
    """Anything else is refused, and the hint names the form."""
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
    """An option that Azure would refuse at the first write is refused when the store opens, by its name."""
    with pytest.raises(ConfigError, match=option):
        open_store(f"azure://my-vault?{urlencode({option: text})}")


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
    """The authority comes from the option, else the environment, else the Key Vault's cloud."""
    assert read_options(of(host, environ, **options)).authority == authority


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
    """A URL that cannot be opened is refused without a call, and the error shows no credential."""
    with pytest.raises(SecretsError) as caught:
        open_store(url)
    assert isinstance(caught.value, ConfigError)
    assert "password" not in f"{caught.value} {caught.value.hint}"


def policy(use: Literal["read", "deploy"], host: str = "my-vault") -> str:
    """Return the policy of one vault and its record."""
    make = store_type("azure").policy
    assert make is not None
    return make(of(host), [Naming("default", joiner="--", max_name=127).vault_names("api-keys")], use)


@pytest.mark.parametrize("host", ["localhost:8443", "secrets.example.org"])
def test_no_policy_for_a_host_that_is_not_azures(host: str) -> None:
    """The Azure CLI cannot assign roles there, so no command is printed."""
    with pytest.raises(Unsupported, match=host):
        policy("read", host)


def test_a_policy_in_another_cloud_names_the_key_vault() -> None:
    """A host in any of Azure's clouds is printed as the name of its Key Vault."""
    assert "--name my-vault " in policy("read", "my-vault.vault.azure.cn")


@pytest.mark.parametrize("use", ["read", "deploy"])
def test_the_policy_says_what_it_cannot_do(use: Literal["read", "deploy"]) -> None:
    """Both policies say that their roles are for the whole Key Vault."""
    assert "no roles for prefixes" in policy(use)


def test_who_reads_may_read_values() -> None:
    """A reader gets only the role that reads values."""
    text = policy("read")
    assert "az keyvault show --name my-vault" in text
    assert re.findall(r'--role "([^"]+)" --scope (\S+)', text) == [("Key Vault Secrets User", '"$KEY_VAULT"')]


def test_who_deploys_may_read_the_records_alone() -> None:
    """A deployer gets a role without getSecret, and may read only the named records."""
    text = policy("deploy")
    role = json.loads(text.partition("<<ROLE\n")[2].partition("\nROLE")[0])
    assert [action.rpartition("secrets/")[2] for action in role["DataActions"]] == [
        "readMetadata/action",
        "setSecret/action",
        "recover/action",
        "delete",
    ]
    assert re.findall(r'--role "([^"]+)" --scope (\S+)', text) == [
        ("tailorsecrets deployer of my-vault", '"$KEY_VAULT"'),
        ("Key Vault Secrets User", '"$KEY_VAULT/secrets/default--v--api-keys"'),
    ]
