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
