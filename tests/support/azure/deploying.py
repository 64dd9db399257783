"""Deploying to a Key Vault."""

from collections.abc import Mapping

from tailorsecrets.deploy.apply import Report, apply
from tailorsecrets.deploy.observe import make_plan
from tailorsecrets.deploy.plan import Desired, DesiredValue, Plan
from tailorsecrets.store.layers import stack
from tailorsecrets.store.names import Naming
from tailorsecrets.store.record import Owner
from tailorsecrets.store.store import Store
from tailorsecrets_azure.driver import CAPS, AzureDriver
from tests.support.azure.fixtures import target
from tests.support.azure.server import Server

APP = Owner("my-app", "1f0c")


NAMING = Naming("default", CAPS.joiner, CAPS.max_name)


def opened(server: Server) -> Store:
    """Return the workspace ``default`` over one more connection."""
    return Store(stack(AzureDriver(target(server, timeout=5.0)), timeout=5.0), url=f"azure://{server.host}")


def plan(
    store: Store, wanted: Mapping[str, Mapping[str, DesiredValue]], owner: Owner = APP, *, prune: bool = True
) -> Plan:
    """Plan *wanted*."""
    return make_plan(Desired(owner, wanted), store, prune=prune)


def deploy(store: Store, wanted: Mapping[str, Mapping[str, DesiredValue]], owner: Owner = APP) -> Report:
    """Plan and apply *wanted*."""
    return apply(plan(store, wanted, owner), store)
