"""Import, export, run and inject under a profile that routes vaults to several stores."""

import pytest

from tailorsecrets import Denied, Unavailable, open_store
from tests.support.memory_plugin import DRIVERS
from tests.support.shell import Shell

A, B, C = (f"memory://{name}?timeout=0.3" for name in "abc")
PROFILES = f"""
[profiles.prod]
store = ["{A}", "{B}"]
workspace = "prod"

[profiles.prod.vaults]
database = "{C}"
"""


@pytest.fixture
def routed(memory: Shell) -> Shell:
    """Return a command line with a profile of two targets, and a third for the vault ``database``."""
    del memory.environ["TAILORSECRETS_STORE"]
    memory.environ["TAILORSECRETS_PROFILE"] = "prod"
    (memory.folder / "tailorsecrets.toml").write_text(PROFILES)
    assert memory("import", "-", "-V", "database", stdin=b"URL=in-c\n").code == 0
    return memory


def value(url: str, vault: str, secret: str) -> str | None:
    """Return what a target holds."""
    with open_store(url, "prod") as store:
        return store.get(vault, secret)


def test_import_goes_to_every_target_of_the_vault(routed: Shell) -> None:
    """An import writes to the primary and its replicas, shows a block for each, and a rerun writes to none."""
    done = routed("import", "-", "-V", "api-keys", stdin=b"STRIPE_KEY=x\n")
    assert (done.code, done.out.splitlines()[-1]) == (0, "Plan: 2 targets, 4 to create, 0 to update, 0 to delete")
    assert [line for line in (f"{A}, workspace prod:", f"{B}, workspace prod:") if line not in done.out] == []
    assert [value(url, "api-keys", "stripe-key") for url in (A, B, C)] == ["x", "x", None]
    assert [value(url, "database", "url") for url in (A, B, C)] == [None, None, "in-c"]
    before = [len([call for call in DRIVERS[name].calls if call.op == "put"]) for name in "abc"]
    assert routed("import", "-", "-V", "api-keys", "--json", stdin=b"STRIPE_KEY=x\n").data["summary"]["create"] == 0
    assert before == [len([call for call in DRIVERS[name].calls if call.op == "put"]) for name in "abc"]


def test_reading_asks_the_primary_of_each_vault(routed: Shell) -> None:
    """Each vault is read at its own primary, by vault, by name, from the config and in a template."""
    assert routed("import", "-", "-V", "api-keys", stdin=b"STRIPE_KEY=x\n").code == 0
    with open_store(B, "prod") as store:
        store.update_secret("api-keys", "stripe-key", "another")
    routed.declare('{"api-keys": {"stripe-key": "x"}, "database": {"url": "y"}}')
    expected = {"API_KEYS_STRIPE_KEY": "x", "DATABASE_URL": "in-c"}
    assert routed("export", "--json").data == expected
    assert routed("export", "--json", "-V", "api-keys", "-V", "database").data == expected
    assert routed("run", "--map", "A=database/url", "--", "printenv", "A").out == "in-c\n"
    assert routed("inject", "-", stdin=b"{{ ts://database/url }}{{ ts://api-keys/stripe-key }}").out == "in-cx"


def test_reading_goes_on_at_the_replica(routed: Shell) -> None:
    """While the primary does not answer, the replica's values count, by name and by vault; what it lacks does not."""
    assert routed("import", "-", "-V", "api-keys", stdin=b"STRIPE_KEY=x\n").code == 0
    routed.declare('{"api-keys": {"stripe-key": "x"}}')
    DRIVERS["a"].fail("", Unavailable)
    assert routed("export", "--json").data == {"API_KEYS_STRIPE_KEY": "x"}
    assert routed("export", "--json", "-V", "api-keys").data == {"API_KEYS_STRIPE_KEY": "x"}
    routed.declare('{"api-keys": {"stripe-key": "x", "new-key": "y"}}')
    for more in ([], ["--allow-missing"]):
        assert routed("run", *more, "--", "true", "--json").code == 1
    assert routed("export", "--json").error["code"] == "UNAVAILABLE"
    DRIVERS["a"].heal()
    DRIVERS["a"].fail("get", Denied)
    assert routed("export", "--json", "-V", "api-keys").error["code"] == "PERMISSION_DENIED"
