"""Deploying to Google Secret Manager."""

from collections.abc import Mapping

from tailorsecrets.deploy.apply import Report, apply
from tailorsecrets.deploy.observe import make_plan
from tailorsecrets.deploy.plan import Desired, DesiredValue, Plan
from tailorsecrets.secret import Secret
from tailorsecrets.store.record import Owner
from tailorsecrets.store.store import Store
from tests.support.gcp.fixtures import Bench

APP = Owner("my-app")


def opened(at: Bench, *, prefix: str = "", workspace: str = "default") -> Store:
    """Return a store with its own connection."""
    return Store(at.connect(), workspace, url="gcp://my-project", prefix=prefix)


def planned(store: Store, wanted: Mapping[str, Mapping[str, DesiredValue]]) -> Plan:
    """Return the plan that makes *store* hold *wanted*."""
    return make_plan(Desired(APP, wanted), store)


def deploy(at: Bench, wanted: Mapping[str, Mapping[str, DesiredValue]]) -> Report:
    """Plan and apply on a fresh connection."""
    with opened(at) as store:
        return apply(planned(store, wanted), store)


def many(count: int) -> dict[str, dict[str, DesiredValue]]:
    """Return *count* secrets in two vaults."""
    halves = {"api-keys": count // 2, "database": count - count // 2}
    return {vault: {f"key-{n}": Secret(f"{vault} {n}") for n in range(part)} for vault, part in halves.items()}
