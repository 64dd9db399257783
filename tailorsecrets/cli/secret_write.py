"""``secret create``, ``update`` and ``delete``."""

from collections.abc import Callable, Sequence
from functools import partial

from tailorsecrets.cli.commands import command
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.managed import ByHand, action
from tailorsecrets.cli.names import secret_options, yes_option
from tailorsecrets.cli.prompts import confirm_by_name, need_terminal
from tailorsecrets.cli.targets import open_route
from tailorsecrets.cli.values import Given, read_value, value_options
from tailorsecrets.deploy.by_hand import OpenTarget, check_absent, check_present, delete_secret, look
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
    _put(
        invocation,
        vault_name,
        name,
        given,
        verb="create",
        write=Store.create_secret,
        check=check_absent,
        code=code,
        yes=yes,
    )


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
    _put(
        invocation,
        vault_name,
        name,
        given,
        verb="update",
        write=Store.update_secret,
        check=check_present,
        code=code,
        yes=yes,
    )


@command("delete", "tailorsecrets secret delete -V api-keys -n stripe-secret-key --yes")
@secret_options
@yes_option
def delete(invocation: Invocation, vault_name: str, name: str, yes: bool) -> None:
    """Delete a secret. If the store supports it, secret restore undoes this."""
    question = f"Delete {vault_name}/{name}"
    with open_route(invocation, vault_name, action(invocation, "delete", vault_name, name)) as targets:
        need_terminal(question, invocation, yes=yes)
        by_hand = ByHand(targets, vault_name, invocation)
        confirm_by_name(question, name, invocation, code="SECRET_DELETION_CANCELLED", yes=yes)
        check_present(targets, vault_name, name)
        again = f"tailorsecrets secret delete -V {vault_name} -n {name}{invocation.common.flags()}"
        by_hand.delete(partial(delete_secret, vault=vault_name, secret=name, missing_ok=len(targets) > 1), again)
    invocation.report_change(name, f"deleted {vault_name}/{name}")


def _put(
    invocation: Invocation,
    vault: str,
    name: str,
    given: Given,
    *,
    verb: str,
    write: Callable[[Store, str, str, Secret], Entry],
    check: Callable[[Sequence[OpenTarget], str, str], None],
    code: str,
    yes: bool,
) -> None:
    with open_route(invocation, vault, action(invocation, verb, vault, name)) as targets:
        value = read_value(invocation, given, cancelled=code)
        look(targets, lambda store: workspace_of(store).check_value(vault, name, value))
        by_hand = ByHand(targets, vault, invocation)
        check(targets, vault, name)
        by_hand.confirm(f"{verb.capitalize()} {vault}/{name} by hand?", code=code, yes=yes)
        by_hand.write(f"{vault}/{name}", lambda store: write(store, vault, name, value))
    invocation.report_change(name, f"{verb}d {vault}/{name}")
