"""``secret list``, ``get`` and ``history``."""

from collections.abc import Generator
from contextlib import contextmanager

import click

from tailorsecrets.cli.commands import command
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.names import secret_options, target_option, vault_option
from tailorsecrets.cli.printing import iso, list_options, show_list, show_table
from tailorsecrets.cli.targets import open_read
from tailorsecrets.driver import Entry
from tailorsecrets.errors import SecretNotFound, SecretsError, VaultNotFound
from tailorsecrets.store.names import Place
from tailorsecrets.store.store import Store, workspace_of


@command("list", "tailorsecrets secret list -V api-keys", "tailorsecrets secret list -V api-keys --limit 10 --json")
@vault_option
@list_options
@target_option
def list_(invocation: Invocation, vault_name: str, order: str, limit: int | None, target: str | None) -> None:
    """List the secrets of a vault, without their values."""
    with open_read(invocation, vault_name, target) as store:
        secrets = store.list_secrets(vault_name)
    show_list(invocation, secrets, order=order, limit=limit, when_empty=f"vault {vault_name} holds no secrets")


@command("get", "tailorsecrets secret get -V api-keys -n stripe-secret-key")
@secret_options
@click.option("--version", metavar="TOKEN", default="", help="An older version, from secret history.")
@target_option
def get(invocation: Invocation, vault_name: str, name: str, version: str, target: str | None) -> None:
    """Print the value of a secret and nothing else.

    A pipe or a file gets the exact value. On a terminal a newline follows.
    """
    with open_read(invocation, vault_name, target) as store, _vault_missing_first(store, vault_name):
        stored = store.read(vault_name, name, version)
    if invocation.json:
        invocation.io.show_json({"name": name, "value": stored.value.reveal(), "version": stored.entry.version})
    else:
        io = invocation.io
        io.write(stored.value.reveal() + ("\n" if io.stdout.isatty() else ""))


@command("history", "tailorsecrets secret history -V api-keys -n stripe-secret-key")
@secret_options
@target_option
def history(invocation: Invocation, vault_name: str, name: str, target: str | None) -> None:
    """List the versions of a secret that can be read, newest first.

    The list of a deleted secret begins with the deletion. If two branches changed the secret, their versions are in
    conflict, and secret rollback resolves it.
    """
    with open_read(invocation, vault_name, target) as store, _vault_missing_first(store, vault_name):
        now = workspace_of(store).stat([place := Place(vault_name, name)], deleted=True).get(place)
        shown = store.history(vault_name, name)
        if now is not None and now.state == "deleted" and all(entry.state != "deleted" for entry in shown):
            shown = [now, *shown]
    rows = [(entry.version, iso(entry.updated), _state(entry, now)) for entry in shown]
    if invocation.json:
        invocation.io.show_json([dict(zip(("version", "createdAt", "state"), row, strict=True)) for row in rows])
    else:
        show_table(invocation, ("VERSION", "CREATED", "STATE"), rows)


def _state(entry: Entry, now: Entry | None) -> str:
    if entry.state in {"deleted", "disabled"}:
        return entry.state
    if now is not None and entry.version in now.branches:
        return "conflict"
    return "current" if now is not None and entry.version == now.version else "old"


@contextmanager
def _vault_missing_first(store: Store, vault: str) -> Generator[None]:
    """Raise VaultNotFound in place of SecretNotFound where the vault is missing."""
    try:
        yield
    except SecretNotFound:
        if store.caps.lists:
            _check_vault(store, vault)
        raise


def _check_vault(store: Store, vault: str) -> None:
    try:
        workspace_of(store).record(vault)
    except VaultNotFound:
        raise
    except SecretsError:
        return  # without the right to read the record, keep the secret's error
