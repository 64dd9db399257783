"""``policy``: the store's own document, without any call."""

import json

import pytest

from tests.support.shell import Shell

STORES = {
    "vault://vault.example/kv/base?mount=kv": 'path "kv/data/base/default/api-keys/*"',
    "vault://vault.example": 'path "default/api-keys/data/*"',
    "aws://eu-west-1/team": "secret:team/default/api-keys/*",
    "gcp://my-project": "my-project",
    "azure://my-vault": "my-vault",
}


@pytest.mark.parametrize("use", ["read", "deploy"])
@pytest.mark.parametrize("url", STORES)
def test_a_policy_is_printed_without_a_login(empty: Shell, url: str, use: str) -> None:
    """Each store prints its own document for the vault asked for, in text and in JSON."""
    done = empty("policy", "--for", use, "-V", "api-keys", "--store", url)
    assert (done.code, done.err) == (0, "")
    if use == "read":
        assert STORES[url] in done.out
    document = empty("policy", "--for", use, "-V", "api-keys", "--store", url, "--json")
    assert json.loads(document.out)["policy"].strip() == done.out.strip()


@pytest.mark.parametrize("url", ["file:s.jsonl", "memory://here"])
def test_a_store_without_policies(memory: Shell, url: str) -> None:
    """A plugin that makes no policy says that, and claims nothing about the rights in its store."""
    done = memory("policy", "--for", "read", "-V", "api-keys", "--store", url)
    assert done.code == 1
    scheme = url.partition(":")[0]
    assert done.err == f"error[UNSUPPORTED]: {url}: the plugin of {scheme}: stores makes no policies\n"


def test_a_deployer_may_read_what_is_copied(empty: Shell) -> None:
    """Where a vault has replicas, the policy for deploying grants reading its generated secrets, one by one."""
    empty.declare('{"sessions": {"signing-key": generate(), "pin": "1"}, "alone": {"key": generate()}}')
    stores = '["aws://eu-west-1", "gcp://my-project", "azure://my-vault", "vault://vault.example/kv"]'
    (empty.folder / "tailorsecrets.toml").write_text(
        f'[profiles.prod]\nstore = {stores}\n[profiles.prod.vaults]\nalone = "aws://eu-west-1"\n'
    )
    rows = empty("policy", "--for", "deploy", "-p", "prod", "--json").data["policies"]
    aws, gcp, azure, vault = (row["policy"] for row in rows)
    (reading,) = [each for each in json.loads(aws)["Statement"] if each["Sid"] == "ReadWhatIsCopied"]
    assert reading["Resource"] == ["arn:aws:secretsmanager:eu-west-1:*:secret:default/sessions/signing-key-??????"]
    assert "title=tailorsecrets-copied,expression=resource.name == 'projects/$NUMBER/secrets/default_sessions_s" in gcp
    assert '"$KEY_VAULT/secrets/default--sessions--signing-key"' in azure
    assert 'path "kv/data/default/sessions/signing-key" {\n  capabilities = ["read"]' in vault
    empty.environ["TAILORSECRETS_STORE"] = "aws://eu-west-1"
    assert "ReadWhatIsCopied" not in empty("policy", "--for", "deploy").out
