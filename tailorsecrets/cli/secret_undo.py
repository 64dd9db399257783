"""``secret restore``, ``rollback`` and ``purge``."""

from typing import TYPE_CHECKING

import click

from tailorsecrets.cli.commands import command
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.managed import announce_write, by_hand, by_hand_if_agreed, say_note
from tailorsecrets.cli.names import secret_options, yes_option
from tailorsecrets.cli.prompts import confirm_by_name, need_terminal
from tailorsecrets.errors import SecretNotFound, SecretsError
from tailorsecrets.store.names import Place
from tailorsecrets.store.store import workspace_of

if TYPE_CHECKING:
    from tailorsecrets.store.store import Store


@command("restore", "tailorsecrets secret restore -V api-keys -n stripe-secret-key")
@secret_options
@yes_option
def restore(invocation: Invocation, vault_name: str, name: str, yes: bool) -> None:
    """Undo the deletion of a secret, if the store supports it."""
    announce_write(invocation, "restore", vault_name, name)
    ask, code = f"Restore {vault_name}/{name} by hand?", "SECRET_CREATION_CANCELLED"
    with invocation.open() as store:
        workspace_of(store).need("undelete")
        with by_hand_if_agreed(store, vault_name, ask, invocation, code=code, yes=yes, must_exist=False):
            written = store.restore_secret(vault_name, name)
    say_note(invocation, f"{vault_name}/{name}", written)
    invocation.report_change(name, f"restored {vault_name}/{name}")


@command("rollback", "tailorsecrets secret rollback -V api-keys -n stripe-secret-key --to 3")
@secret_options
@click.option("--to", "version", required=True, metavar="TOKEN", help="The old version, from secret history.")
@yes_option
def rollback(invocation: Invocation, vault_name: str, name: str, version: str, yes: bool) -> None:
    """Write the value of an old version as a new version. This also settles a conflict."""
    announce_write(invocation, "rollback", vault_name, name)
    ask, code = f"Roll back {vault_name}/{name} by hand?", "SECRET_UPDATE_CANCELLED"
    with invocation.open() as store:
        workspace_of(store).need("versions")
        with by_hand_if_agreed(store, vault_name, ask, invocation, code=code, yes=yes):
            written = store.rollback_secret(vault_name, name, version)
    say_note(invocation, f"{vault_name}/{name}", written)
    invocation.report_change(name, f"rolled back {vault_name}/{name} to {version}")


@command("purge", "tailorsecrets secret purge -V api-keys -n stripe-secret-key --yes")
@secret_options
@yes_option
def purge(invocation: Invocation, vault_name: str, name: str, yes: bool) -> None:
    """Delete a secret for good, with all its versions. This cannot be undone."""
    announce_write(invocation, "purge", vault_name, name)
    action = f"Delete {vault_name}/{name} and its versions for good"
    need_terminal(action, invocation, yes=yes)
    with invocation.open() as store:
        _check_is_there(store, vault_name, name)
        with by_hand(store, vault_name, invocation, must_exist=False):
            confirm_by_name(action, name, invocation, code="SECRET_DELETION_CANCELLED", yes=yes)
            store.purge_secret(vault_name, name)
    invocation.report_change(name, f"purged {vault_name}/{name}")


def _check_is_there(store: "Store", vault: str, name: str) -> None:
    """Raise SecretNotFound where the store has nothing of the secret, not even a deleted version."""
    if not store.caps.versions:
        return
    try:
        store.history(vault, name)
    except SecretNotFound as error:
        # without op, the store has the secret but no version of it that can be read
        place = Place(vault, name)
        if error.op or (store.caps.stats and not workspace_of(store).stat([place], deleted=True)):
            raise
    except SecretsError:
        return  # a purge does not need the right to read
