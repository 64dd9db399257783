"""``secret create``, ``update`` and ``delete``."""

from collections.abc import Callable

from tailorsecrets.cli.commands import command
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.managed import announce_write, by_hand, by_hand_if_agreed, say_note
from tailorsecrets.cli.names import secret_options, yes_option
from tailorsecrets.cli.prompts import confirm_by_name, need_terminal
from tailorsecrets.cli.values import Given, read_value, value_options
from tailorsecrets.driver import Entry
from tailorsecrets.secret import Secret
from tailorsecrets.store.store import Store, workspace_of


@command(
    "create",
    "tailorsecrets secret create -V api-keys -n stripe-secret-key",
    "pass show stripe | tailorsecrets secret create -V api-keys -n stripe-secret-key --value-stdin",
    "tailorsecrets secret create -V tls -n server-key --value-file server.pem",
)
@secret_options
@value_options
@yes_option
def create(invocation: Invocation, vault_name: str, name: str, given: Given, yes: bool) -> None:
    """Create a secret. Fails if the secret exists.

    Without an option for the value, the command asks for it on the terminal and does not show it.
    """
    code = "SECRET_CREATION_CANCELLED"
    _put(invocation, vault_name, name, given, verb="create", write=Store.create_secret, code=code, yes=yes)


@command(
    "update",
    "tailorsecrets secret update -V api-keys -n stripe-secret-key",
    "pass show stripe | tailorsecrets secret update -V api-keys -n stripe-secret-key --value-stdin",
)
@secret_options
@value_options
@yes_option
def update(invocation: Invocation, vault_name: str, name: str, given: Given, yes: bool) -> None:
    """Write a new value of a secret. Fails if the secret does not exist.

    Without an option for the value, the command asks for it on the terminal and does not show it.
    """
    code = "SECRET_UPDATE_CANCELLED"
    _put(invocation, vault_name, name, given, verb="update", write=Store.update_secret, code=code, yes=yes)


@command("delete", "tailorsecrets secret delete -V api-keys -n stripe-secret-key --yes")
@secret_options
@yes_option
def delete(invocation: Invocation, vault_name: str, name: str, yes: bool) -> None:
    """Delete a secret. If the store supports it, secret restore undoes this."""
    announce_write(invocation, "delete", vault_name, name)
    action = f"Delete {vault_name}/{name}"
    need_terminal(action, invocation, yes=yes)
    with invocation.open() as store, by_hand(store, vault_name, invocation):
        confirm_by_name(action, name, invocation, code="SECRET_DELETION_CANCELLED", yes=yes)
        store.delete_secret(vault_name, name)
    invocation.report_change(name, f"deleted {vault_name}/{name}")


def _put(
    invocation: Invocation,
    vault: str,
    name: str,
    given: Given,
    *,
    verb: str,
    write: Callable[[Store, str, str, Secret], Entry],
    code: str,
    yes: bool,
) -> None:
    announce_write(invocation, verb, vault, name)
    value = read_value(invocation, given, cancelled=code)
    question = f"{verb.capitalize()} {vault}/{name} by hand?"
    with invocation.open() as store:
        workspace_of(store).check_value(vault, name, value)
        with by_hand_if_agreed(store, vault, question, invocation, code=code, yes=yes):
            written = write(store, vault, name, value)
    say_note(invocation, f"{vault}/{name}", written)
    invocation.report_change(name, f"{verb}d {vault}/{name}")
