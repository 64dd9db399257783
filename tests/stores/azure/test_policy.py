"""Least privilege at Azure: logins with exactly the roles that the printed commands assign."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from tailorsecrets.deploy.apply import apply
from tailorsecrets.driver import Target
from tailorsecrets.errors import Denied
from tailorsecrets.secret import Secret
from tailorsecrets.store.names import Place
from tailorsecrets.store.record import Owner
from tailorsecrets.store.store import Store
from tailorsecrets.targets.plugins import store_type
from tests.support.azure import rules
from tests.support.azure.deploying import APP, NAMING, deploy, opened, plan
from tests.support.azure.faults import Rule
from tests.support.azure.fixtures import server
from tests.support.azure.server import Server
from tests.support.printed_commands import commands, option

__all__ = ["server"]

KEY_VAULT = "/subscriptions/0/vaults/my-vault"
USER = {"Key Vault Secrets User": frozenset({"getSecret/action", "readMetadata/action"})}  # Microsoft's own role
ACTIONS = {"get": "getSecret/action", "set": "setSecret/action", "recover": "recover/action", "update": "update/action"}
ACTIONS |= dict.fromkeys(["list", "versions", "list_deleted", "get_deleted"], "readMetadata/action")


@dataclass(frozen=True, slots=True)
class Grant:
    """Actions, and the name of the secret that they are allowed on; "" for all of the Key Vault."""

    actions: frozenset[str]
    name: str

    def covers(self, operation: str, name: str) -> bool:
        """Return whether it allows *operation* on *name*."""
        return ACTIONS.get(operation, operation) in self.actions and self.name in {"", name}


@dataclass(slots=True, kw_only=True)
class Rbac(Rule):
    """Refuses every operation that no grant covers."""

    grants: Sequence[Grant]

    def meets(self, operation: str, name: str) -> bool:
        """Return whether a request is refused."""
        return operation != "challenge" and not any(grant.covers(operation, name) for grant in self.grants)


@pytest.fixture
def store(server: Server) -> Iterator[Store]:
    """Give a workspace with vaults of the app and one of another app."""
    with opened(server) as store:
        deploy(
            store, {"api-keys": {"stripe": Secret("one"), "sendgrid": Secret("two")}, "left-over": {"old": Secret("x")}}
        )
        store.create_vault("database", Owner("another-app"))
        store.create_secret("database", "url", Secret("theirs"))
        yield store


def limit(server: Server, use: Literal["read", "deploy"], vaults: Sequence[str], folder: Path) -> None:
    """Give every login exactly the rights of the policy for *use* of *vaults*."""
    make_policy = store_type("azure").policy
    assert make_policy
    names = [NAMING.vault_names(vault) for vault in vaults]
    script = make_policy(Target(url="azure://my-vault", scheme="azure", host="my-vault"), names, use)
    calls = commands(script, "az", KEY_VAULT, folder)
    roles = dict(USER)
    for call in calls:
        if call[:3] == ["role", "definition", "create"]:
            role = json.loads(option(call, "--role-definition"))
            assert role["AssignableScopes"] == [KEY_VAULT]
            roles[role["Name"]] = frozenset(action.partition("/secrets/")[2] for action in role["DataActions"])
    grants = [
        Grant(roles[option(call, "--role")], option(call, "--scope").removeprefix(KEY_VAULT).removeprefix("/secrets/"))
        for call in calls
        if call[:3] == ["role", "assignment", "create"]
    ]
    server.faults.add(Rbac(grants=grants, refusal=rules.denied("it")))
    server.arrived.clear()


def test_a_deployer_beside_another_app(server: Server, store: Store, tmp_path: Path) -> None:
    """Under the printed policy all kinds of steps are done; another app's vault is left alone, and no value is read."""
    limit(server, "deploy", ["api-keys", "left-over", "new-vault"], tmp_path)
    wanted = {"api-keys": {"stripe": Secret("new"), "made": Secret("made")}, "new-vault": {"key": Secret("x")}}
    made = plan(store, wanted)
    assert (made.unread, made.count("create"), made.count("update"), made.count("delete")) == (("database",), 3, 1, 3)
    assert apply(made, store).complete
    assert plan(store, wanted).steps == ()
    assert {name for operation, name in server.arrived if operation == "get" and "--v--" not in name} == set()
    for secret in ("stripe", "made"):
        with pytest.raises(Denied, match=f"api-keys/{secret}"):
            store.get("api-keys", secret)
    server.faults.recover()
    assert store.get_all("database", ["url"]) + store.get_all("api-keys", ["stripe", "sendgrid"]) == [
        "theirs",
        "new",
        None,
    ]


def test_a_vault_that_left_the_config(server: Server, store: Store, tmp_path: Path) -> None:
    """A vault that the policy does not name has no known owner, so it stays, and the plan names it."""
    limit(server, "deploy", ["api-keys"], tmp_path)
    made = plan(store, {"api-keys": {"stripe": Secret("one")}})
    assert [(step.action, step.place) for step in made.steps] == [("delete", Place("api-keys", "sendgrid"))]
    assert (made.unread, made.owned) == (("database", "left-over"), 2)


def test_a_declared_vault_that_the_policy_does_not_name(server: Server, store: Store, tmp_path: Path) -> None:
    """The plan is Denied and names the vault."""
    limit(server, "deploy", ["api-keys"], tmp_path)
    with pytest.raises(Denied, match="vault left-over"):
        plan(store, {"api-keys": {}, "left-over": {}})


def test_a_service_reads_values_and_nothing_else(server: Server, store: Store, tmp_path: Path) -> None:
    """Under the policy for reading, values can be read; writes are Denied."""
    limit(server, "read", ["api-keys"], tmp_path)
    assert store.get_all("api-keys", ["stripe", "sendgrid"]) == ["one", "two"]
    for refused in (
        lambda: store.update_secret("api-keys", "stripe", Secret("new")),
        lambda: store.delete_secret("api-keys", "stripe"),
        lambda: store.create_vault("another", APP),
    ):
        with pytest.raises(Denied):
            refused()
