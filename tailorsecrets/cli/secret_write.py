"""``secret create``, ``update`` and ``delete``."""

from tailorsecrets.cli.commands import command
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.managed import ask_if_managed, begin, release, warn_if_managed
from tailorsecrets.cli.names import secret_options, yes_option
from tailorsecrets.cli.prompts import confirm_by_name, need_terminal
from tailorsecrets.cli.values import read_value, value_options
from tailorsecrets.secret import Secret


@command(
    "create",
    "tailorsecrets secret create -V api-keys -n stripe-secret-key",
    "pass show stripe | tailorsecrets secret create -V api-keys -n stripe-secret-key --value-stdin",
    "tailorsecrets secret create -V tls -n server-key --value-file server.pem",
)
@secret_options
@value_options
@yes_option
def create(
    invocation: Invocation,
    *,
    vault_name: str,
    name: str,
    value: Secret | None,
    value_stdin: bool,
    value_file: str | None,
    yes: bool,
) -> None:
    """Create a secret. One that is there is an error, and is left as it is.

    Without an option for the value, it is asked for on the terminal and not shown.
    """
    begin(invocation, "create", vault_name, name)
    code = "SECRET_CREATION_CANCELLED"
    given = read_value(invocation, text=value, stdin=value_stdin, path=value_file, cancelled=code)
    with invocation.open() as store:
        store.check_value(vault_name, name, given)
        owner = ask_if_managed(
            store, vault_name, f"Create {vault_name}/{name} by hand?", invocation, code=code, yes=yes
        )
        store.create_secret(vault_name, name, given)
        release(store, vault_name, owner, invocation)
    invocation.report_change(name, f"created {vault_name}/{name}")


@command(
    "update",
    "tailorsecrets secret update -V api-keys -n stripe-secret-key",
    "pass show stripe | tailorsecrets secret update -V api-keys -n stripe-secret-key --value-stdin",
)
@secret_options
@value_options
@yes_option
def update(
    invocation: Invocation,
    *,
    vault_name: str,
    name: str,
    value: Secret | None,
    value_stdin: bool,
    value_file: str | None,
    yes: bool,
) -> None:
    """Write a new value of a secret. A missing secret is an error, and none is created.

    Without an option for the value, it is asked for on the terminal and not shown.
    """
    begin(invocation, "update", vault_name, name)
    code = "SECRET_UPDATE_CANCELLED"
    given = read_value(invocation, text=value, stdin=value_stdin, path=value_file, cancelled=code)
    with invocation.open() as store:
        store.check_value(vault_name, name, given)
        owner = ask_if_managed(
            store, vault_name, f"Update {vault_name}/{name} by hand?", invocation, code=code, yes=yes
        )
        store.update_secret(vault_name, name, given)
        release(store, vault_name, owner, invocation)
    invocation.report_change(name, f"updated {vault_name}/{name}")


@command("delete", "tailorsecrets secret delete -V api-keys -n stripe-secret-key --yes")
@secret_options
@yes_option
def delete(invocation: Invocation, vault_name: str, name: str, yes: bool) -> None:
    """Delete a secret. Where the store can, secret restore brings it back."""
    begin(invocation, "delete", vault_name, name)
    what = f"Delete {vault_name}/{name}"
    need_terminal(what, invocation, yes=yes)
    with invocation.open() as store:
        owner = warn_if_managed(store, vault_name, invocation)
        confirm_by_name(what, name, invocation, code="SECRET_DELETION_CANCELLED", yes=yes)
        store.delete_secret(vault_name, name)
        release(store, vault_name, owner, invocation)
    invocation.report_change(name, f"deleted {vault_name}/{name}")
