"""The requests of each operation on OpenBao; no value is read to find changes."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tailorsecrets import Secret, Store
from tailorsecrets.deploy.apply import apply
from tailorsecrets.deploy.observe import make_plan
from tailorsecrets.deploy.plan import Desired
from tailorsecrets.testing.proxy import Proxy, Rule
from tests.support.servers import Server
from tests.support.vault.stores import FORMS, OWNER, store_at, write

VAULTS, SECRETS = 4, 25  # declared in the tests that count


def declared(value: str = "value") -> Desired:
    """Return a declaration of some vaults and secrets, one of which is *value*."""
    vaults = {f"vault-{v}": {f"secret-{s:02}": Secret(f"value {v} {s}") for s in range(SECRETS)} for v in range(VAULTS)}
    vaults["vault-0"]["secret-00"] = Secret(value)
    return Desired(OWNER, vaults)


def methods(proxy: Proxy) -> dict[str, int]:
    """Return how many requests of each method were seen, values apart from metadata, and forget them."""
    seen = [f"{method} {'data' if '/data/' in path else 'other'}" for method, path in proxy.seen]
    proxy.seen.clear()
    return {kind: seen.count(kind) for kind in set(seen)}


@pytest.mark.parametrize("path", ["", "secret"])
def test_a_cold_get_is_one_call(bao_store: Store, openbao: Server, bao_proxy: Proxy, workspace: str, path: str) -> None:
    """The first read of a new connection is one call."""
    bao_store.create_vault("api-keys")
    bao_store.create_secret("api-keys", "key", Secret("value"))
    bao_proxy.seen.clear()
    with store_at(bao_proxy.url, path, openbao, workspace) as cold:
        assert cold.get("api-keys", "key") == "value"
    assert len(bao_proxy.seen) == 1


@pytest.mark.parametrize(("query", "calls"), [("", 2), ("?mount=secret", 1)])
def test_the_option_mount_spares_a_call(
    openbao: Server, bao_proxy: Proxy, workspace: str, query: str, calls: int
) -> None:
    """Where the path may be a mount with slashes, the server is asked once; the option spares that."""
    with store_at(bao_proxy.url, f"secret/team{query}", openbao, workspace) as store:
        store.create_vault("api-keys")
        store.create_secret("api-keys", "key", Secret("value"))
    bao_proxy.seen.clear()
    with store_at(bao_proxy.url, f"secret/team{query}", openbao, workspace) as cold:
        assert cold.get("api-keys", "key") == "value"
    assert len(bao_proxy.seen) == calls


@pytest.mark.parametrize("path", ["secret/team"])
def test_parallel_first_calls_ask_for_the_mount_once(
    bao_store: Store, openbao: Server, bao_proxy: Proxy, workspace: str, path: str
) -> None:
    """Sixteen first reads at once, and the first write after them, ask one question about the mount of a deep path."""
    bao_store.create_vault("api-keys")
    bao_store.create_secret("api-keys", "key", Secret("value"))
    bao_proxy.seen.clear()
    bao_proxy.rules = [Rule(path="/internal/ui/mounts", seconds=0.2)]
    with store_at(bao_proxy.url, path, openbao, workspace) as cold:
        with ThreadPoolExecutor(16) as threads:
            assert set(threads.map(lambda _: cold.get("api-keys", "key"), range(16))) == {"value"}
        cold.update_secret("api-keys", "key", Secret("new"))
    assert len([path for _, path in bao_proxy.seen if "/internal/ui/mounts" in path]) == 1


@FORMS
def test_an_unchanged_plan_reads_no_value(bao_store: Store, bao_proxy: Proxy) -> None:
    """Without changes, plan and apply list each vault and read its record; they read no value and write nothing."""
    assert apply(make_plan(declared(), bao_store), bao_store).complete
    bao_proxy.seen.clear()
    plan = make_plan(declared(), bao_store)
    assert not plan.steps
    assert apply(plan, bao_store).complete
    seen = methods(bao_proxy)
    assert seen.pop("GET data") == VAULTS  # records
    assert seen.pop("LIST other") <= VAULTS + 2  # in folders: the workspace and the folder of records too
    assert seen.pop("GET other", 0) <= 2  # in mounts: which there are
    assert not seen


@FORMS
def test_one_changed_secret(bao_store: Store, bao_proxy: Proxy) -> None:
    """A changed secret is one metadata read, one write and its stamp."""
    assert apply(make_plan(declared(), bao_store), bao_store).complete
    plan = make_plan(declared("another"), bao_store)
    bao_proxy.seen.clear()
    assert apply(plan, bao_store).complete
    assert methods(bao_proxy) == {"GET other": 1, "POST data": 1, "PATCH other": 1}


@FORMS
def test_a_new_secret(bao_store: Store, bao_proxy: Proxy) -> None:
    """A new secret is one write and its stamp."""
    bao_store.create_vault("api-keys", OWNER)
    plan = make_plan(Desired(OWNER, {"api-keys": {"key": Secret("value")}}), bao_store)
    bao_proxy.seen.clear()
    assert apply(plan, bao_store).complete
    assert methods(bao_proxy) == {"POST data": 1, "PATCH other": 1}


@FORMS
def test_a_change_by_another_tool_is_repaired(bao_store: Store, bao_root: Any, workspace: str, path: str) -> None:
    """A value that another tool wrote is found without reading it, and replaced."""
    assert apply(make_plan(declared(), bao_store), bao_store).complete
    write(bao_root, f"{path}/{workspace}/vault-1/secret-03", {"value": "foreign"})
    plan = make_plan(declared(), bao_store)
    assert [str(step.place) for step in plan.steps] == ["secret vault-1/secret-03"]
    assert apply(plan, bao_store).complete
    assert bao_store.get("vault-1", "secret-03") == "value 1 3"
