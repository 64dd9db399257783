"""Tests beyond the conformance suite: versions of AWS, tiers, foreign parameters, policies, the installed plugin."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError
from conftest import LOGIN
from tailorsecrets import Denied, SecretNotFound, Store, VersionNotFound, open_store
from tailorsecrets.driver import Target, VaultNames
from tailorsecrets.errors import ConfigError, SecretsError, Unauthenticated, Unavailable

from tailorsecrets_ssm.driver import ParameterStore
from tailorsecrets_ssm.errors import explain
from tailorsecrets_ssm.policy import policy

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

VAULT = VaultNames("team/default/api-keys/", "team/default/v/api-keys", "team/default/", "team/default/v/")
CODES: list[tuple[str, int, type[SecretsError]]] = [
    ("AccessDeniedException", 400, Denied),
    ("InvalidKeyId", 400, Denied),
    ("UnrecognizedClientException", 400, Unauthenticated),
    ("SomethingNew", 503, Unavailable),
    ("403", 403, Denied),
    ("", 0, ConfigError),
]


@pytest.fixture
def url(server: str) -> str:
    """Return the URL of a store of one test."""
    return f"ssm://eu-west-1/t{uuid4().hex[:8]}?endpoint_url={server}"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """Give an open store."""
    with open_store(url) as opened:
        opened.create_vault("api-keys")
        yield opened


def test_a_secret_through_the_installed_plugin(store: Store) -> None:
    """The plugin opens by its URL; a secret is written, listed, read in its versions, and deleted."""
    store.create_secret("api-keys", "stripe-key", "one")
    store.update_secret("api-keys", "stripe-key", "two")
    assert store.get("api-keys", "stripe-key") == "two"
    assert [entry.name for entry in store.list_secrets("api-keys")] == ["stripe-key"]
    history = store.history("api-keys", "stripe-key")
    assert store.read("api-keys", "stripe-key", history[1].version).value.reveal() == "one"
    store.delete_secret("api-keys", "stripe-key")
    with pytest.raises(SecretNotFound):
        store.read("api-keys", "stripe-key")


def test_a_version_of_an_earlier_life(store: Store) -> None:
    """Numbers begin again after a delete, and an old version is then missing, not another value."""
    old = store.create_secret("api-keys", "stripe-key", "one").version
    store.delete_secret("api-keys", "stripe-key")
    new = store.create_secret("api-keys", "stripe-key", "two").version
    assert (old.partition("@")[0], new.partition("@")[0]) == ("1", "1")
    for version in (old, "none", "7", "a-label"):
        with pytest.raises(VersionNotFound):
            store.read("api-keys", "stripe-key", version)


def test_an_advanced_parameter(url: str) -> None:
    """The tier of the URL holds 8,192 bytes."""
    with open_store(f"{url}&tier=advanced") as store:
        store.create_vault("api-keys")
        store.create_secret("api-keys", "stripe-key", "x" * 8_192)
        assert store.get("api-keys", "stripe-key") == "x" * 8_192


def test_a_parameter_in_plain_text(raw: "SSMClient", store: Store) -> None:
    """A parameter that another tool made without encryption is read."""
    prefix = store.url.removeprefix("ssm://eu-west-1/").partition("?")[0]
    raw.put_parameter(Name=f"/{prefix}/default/api-keys/plain-key", Value="plain", Type="String")
    assert store.get("api-keys", "plain-key") == "plain"


@pytest.mark.parametrize(("code", "status", "kind"), CODES)
def test_answers(code: str, status: int, kind: type[SecretsError]) -> None:
    """An answer is recognised by its code, or else by its status."""
    facts = {"Error": {"Code": code, "Message": "why"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    problem = explain(ClientError(facts, "GetParameter"))  # type: ignore[arg-type]
    assert (problem.kind, problem.reason, problem.reason_code) == (kind, "why", code)


def test_a_bug_is_not_an_outage() -> None:
    """An exception that no AWS call raises is not an answer of the store."""
    assert explain(KeyError("LastModifiedDate")).kind is SecretsError


def test_no_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing profile is reported at the first call, when boto3 looks for it."""
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    target = Target(url="ssm://eu-west-1", scheme="ssm", host="eu-west-1", options={"profile": "none"}, environ=LOGIN)
    with open_store("ssm://eu-west-1?profile=none") as store, pytest.raises(ConfigError):
        store.get("api-keys", "stripe-key")
    ParameterStore(target).close()


@pytest.mark.parametrize("use", ["read", "deploy"])
def test_policies(use: str) -> None:
    """A reader reads only the vault; a deployer lists the workspace, reads its records and writes the vault."""
    key = "arn:aws:kms:eu-west-1:1:key/k"
    target = Target(url="ssm://eu-west-1", scheme="ssm", host="eu-west-1", options={"kms_key_id": key})
    document = json.loads(policy(target, [VAULT], "read" if use == "read" else "deploy"))
    rights = {statement["Sid"]: statement for statement in document["Statement"]}
    parameter = "arn:aws:ssm:eu-west-1:*:parameter/team/default"
    if use == "read":
        assert rights.keys() == {"Read", "UseKey"}
        assert rights["Read"]["Resource"] == [f"{parameter}/api-keys/*"]
    else:
        assert rights["Write"]["Resource"] == [f"{parameter}/api-keys/*", f"{parameter}/v/api-keys"]
        assert rights["List"]["Resource"] == [parameter, f"{parameter}/*"]
        assert rights["ReadRecords"]["Resource"] == [f"{parameter}/v/*"]
    assert rights["UseKey"]["Resource"] == [key]
