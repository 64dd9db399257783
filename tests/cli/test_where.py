"""``where``: the formats of a plugin, where the target comes from, and what is refused; nothing is called."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from tailorsecrets.targets.yaml import to_yaml
from tests.support.distributions import install
from tests.support.manifests import documents, mounted
from tests.support.shell import Shell

NAME = "api-keys/stripe-key"
PLUGIN = """
from tailorsecrets.driver import Caps, Driver, Entry, ExternalSecret, Problem, SecretProvider, StoreType, Stored
from tailorsecrets.errors import NotFound, Unsupported
from tailorsecrets.secret import Secret

class Shelf(Driver):
    def get(self, name, version=""):
        return Stored(Secret(name), Entry(name=name))
    def explain(self, exc, op):
        return Problem(NotFound)
    def locate(self, name):
        raise LookupError

def _eso(target, location):
    return ExternalSecret({"webhook": {"url": f"https://{target.host}", "result": {"jsonPath": "$.x"}}}, location.name)

WHERE = {
    "shelf": lambda target, location: f"{target.host} {location.name} {location.label} {location.variable}\\n",
    "csi": lambda target, location: SecretProvider("gcp", {"secrets": location.locate()}),
    "never": _eso,
}

def tailorsecrets_stores():
    return [StoreType(scheme="shelf", open=lambda target: Shelf(), where=WHERE)]
"""


@pytest.fixture
def shelf(empty: Shell, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """Return a command line whose store belongs to a plugin with its own formats."""
    (empty.folder / "site").mkdir()
    install(empty.folder / "site", "shelf_store", PLUGIN)
    monkeypatch.syspath_prepend(empty.folder / "site")
    empty.environ["TAILORSECRETS_STORE"] = "shelf://here/team"
    yield empty
    sys.modules.pop("shelf_store", None)


def test_the_native_name_needs_nothing_of_a_plugin(memory: Shell) -> None:
    """Every store has the native format, and one without others says so."""
    assert memory("where", NAME).out == "default/api-keys/stripe-key\n"
    assert memory("where", NAME, "--json").data == {"format": "native", "where": "default/api-keys/stripe-key"}
    done = memory("where", NAME, "--format", "eso")
    assert done.code == 1
    assert done.err.startswith("error[UNSUPPORTED]: memory://here?timeout=0.3: no format 'eso'\n")
    assert "the plugin of memory: stores has native, and offers no others" in done.err


def test_the_formats_of_a_plugin(shelf: Shell) -> None:
    """A plugin may have formats that no other has; the error of an unknown one lists them."""
    done = shelf("where", "api-keys/1st-key", "--format", "shelf")
    assert done.out == "here team/default/api-keys/1st-key api_keys_1st_key API_KEYS_1ST_KEY\n"
    assert "has native, shelf, csi, never" in shelf("where", NAME, "--format", "arn").err


def test_a_digit_first(shelf: Shell) -> None:
    """A label and a variable begin with an underscore where the vault begins with a digit."""
    assert shelf("where", "3rd-party/key", "--format", "shelf").out.endswith(" _3rd_party_key _3RD_PARTY_KEY\n")


def test_what_the_plugin_raises_has_its_meaning(shelf: Shell) -> None:
    """An exception of ``locate`` is explained by the driver, as that of any call."""
    done = shelf("where", NAME, "--format", "csi")
    assert done.err.startswith("error[SECRET_NOT_FOUND]: secret api-keys/stripe-key: the secret does not exist\n")


@pytest.mark.parametrize("name", ["api-keys", "api-keys/", "/key", "a/b/c", "API/key", "api-keys/k"])
def test_a_name_that_is_none(empty: Shell, name: str) -> None:
    """A vault alone, a third part and names outside of the grammar are refused before the store is opened."""
    done = empty("where", name, "--store", "aws://eu-west-1")
    assert done.code == 1
    assert done.err.startswith("error[NAME_INVALID]: ")


def test_another_target(empty: Shell) -> None:
    """--target takes the place of the store of the profile; its errors name it."""
    (empty.folder / "tailorsecrets.toml").write_text('[profiles.prod]\nstore = "aws://eu-west-1"\nworkspace = "prod"\n')
    words = ("where", NAME, "-p", "prod")
    assert empty(*words).out == "prod/api-keys/stripe-key\n"
    assert empty(*words, "--target", "gcp://my-project").out == "prod_api-keys_stripe-key\n"
    assert "--target: no store plugin opens nowhere: URLs" in empty(*words, "--target", "nowhere://x").err


def test_the_primary_of_a_vault(empty: Shell) -> None:
    """A vault with its own route is at its primary; an external secret is where the profile says."""
    empty.declare('{"api-keys": {"stripe-key": "x"}}', ', external={"partner": ["token", "other"]}')
    (empty.folder / "tailorsecrets.toml").write_text(
        """
        [profiles.prod]
        store = "aws://eu-west-1"
        workspace = "prod"
        [profiles.prod.vaults]
        api-keys = ["gcp://my-project", "azure://my-vault"]
        [profiles.prod.external]
        "partner/token" = { store = "vault://v.example/kv", name = "shared/acme#token" }
        """
    )
    assert empty("where", "api-keys/stripe-key", "-p", "prod").out == "prod_api-keys_stripe-key\n"
    assert empty("where", "partner/other", "-p", "prod").out == "prod/partner/other\n"
    assert empty("where", "partner/token", "-p", "prod").out == "shared/acme#token\n"
    refused = empty("where", "partner/token", "-p", "prod", "--format", "eso")
    assert "the profile has its native name: shared/acme#token at vault://v.example/kv, workspace prod" in refused.err


def test_options_of_the_urls(empty: Shell, tmp_path: Path) -> None:
    """Namespace, field, region and location of a URL are in the snippets; nothing is called."""
    vault = "vault://v.example/kv?namespace=team&field=a.b-c"
    eso = documents(empty("where", NAME, "--format", "eso", "--store", vault).out)
    assert eso[0]["spec"]["provider"]["vault"]["namespace"] == "team"
    assert eso[1]["spec"]["data"][0]["remoteRef"]["property"] == "a.b-c"
    csi = documents(empty("where", NAME, "--format", "csi", "--store", vault).out)[0]
    assert csi["spec"]["parameters"]["vaultNamespace"] == "team"
    assert mounted(csi)["secretKey"] == "a.b-c"
    agent = empty("where", NAME, "--format", "vault-agent", "--store", vault).out
    assert r"index .Data.data \"a.b-c\"" in agent
    terraform = empty("where", NAME, "--format", "terraform", "--store", vault).out
    assert 'namespace = "team"' in terraform
    aws = documents(empty("where", NAME, "--format", "eso", "--store", "aws://", AWS_REGION="us-east-2").out)
    assert aws[0]["spec"]["provider"]["aws"]["region"] == "us-east-2"
    gcp = "gcp://my-project?location=europe-west3"
    regional = documents(empty("where", NAME, "--format", "eso", "--store", gcp).out)
    assert regional[0]["spec"]["provider"] == {"gcpsm": {"projectID": "my-project", "location": "europe-west3"}}
    csi = documents(empty("where", NAME, "--format", "csi", "--store", gcp).out)[0]
    assert "/locations/europe-west3/" in mounted(csi)["resourceName"]
    assert 'location = "europe-west3"' in empty("where", NAME, "--format", "terraform", "--store", gcp).out
    refused = empty("where", NAME, "--format", "cloudrun", "--store", gcp)
    assert "no format 'cloudrun': Cloud Run reads global secrets" in refused.err
    china = empty("where", NAME, "--format", "csi", "--store", "azure://v.vault.azure.cn", AZURE_TENANT_ID="t-1")
    assert documents(china.out)[0]["spec"]["parameters"]["cloudName"] == "AzureChinaCloud"
    assert documents(china.out)[0]["spec"]["parameters"]["tenantId"] == "t-1"


TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], max_codepoint=0x2027), max_size=20),
    st.sampled_from(
        ["yes", "No", "null", "1e3", "1_000", "- a\n  b: c\n", "a: b", "#x", " a\n", "a\n\n", "key\n", "~"]
    ),
)
TREES = st.recursive(
    TEXTS,
    lambda inner: st.one_of(
        st.dictionaries(TEXTS, inner, min_size=1, max_size=3),
        st.lists(st.dictionaries(TEXTS, TEXTS, min_size=1, max_size=3), min_size=1, max_size=3),
    ),
    max_leaves=6,
)


@given(st.dictionaries(TEXTS, TREES, min_size=1, max_size=4))
@example({"a control character": "\x1f\n"})
def test_yaml_is_read_back(document: dict[str, object]) -> None:
    """PyYAML reads what is written, whatever the texts are."""
    assert list(yaml.safe_load_all(to_yaml(document, document))) == [document, document]
