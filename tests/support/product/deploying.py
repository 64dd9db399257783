"""Planning and applying in a test, as one owner."""

from collections.abc import Mapping

from tailorsecrets.deploy.apply import Report, apply
from tailorsecrets.deploy.observe import make_plan
from tailorsecrets.deploy.plan import Desired, DesiredValue, Plan
from tailorsecrets.secret import Secret
from tailorsecrets.store.record import Owner
from tailorsecrets.store.store import Store

APP = Owner("my-app", "0192f0c1-2345-7abc-8def-000000000001")
Vaults = Mapping[str, Mapping[str, DesiredValue]]


def plan(store: Store, wanted: Vaults, owner: Owner = APP) -> Plan:
    """Plan *wanted*."""
    return make_plan(Desired(owner, wanted), store)


def deploy(store: Store, wanted: Vaults, owner: Owner = APP) -> Report:
    """Plan and apply *wanted*."""
    return apply(plan(store, wanted, owner), store)


def many(count: int) -> dict[str, dict[str, DesiredValue]]:
    """Return *count* secrets in two vaults."""
    names = [f"secret-{number}" for number in range(count)]
    return {
        "api-keys": {name: Secret(f"value of {name}") for name in names[::2]},
        "database": {name: Secret(f"value of {name}") for name in names[1::2]},
    }


def values(store: Store) -> dict[str, str | None]:
    """Return all that a program can read in the workspace."""
    return {
        f"{vault.name}/{entry.name}": store.get(vault.name, entry.name)
        for vault in store.list_vaults()
        for entry in store.list_secrets(vault.name)
    }
