"""``secret restore``, ``rollback`` and ``purge``."""

import click

from tailorsecrets.cli.commands import command
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.managed import ByHand, action
from tailorsecrets.cli.names import secret_options, yes_option
from tailorsecrets.cli.prompts import confirm_by_name, need_terminal
from tailorsecrets.cli.targets import open_route
from tailorsecrets.deploy.by_hand import check_kept, look, restoring
from tailorsecrets.store.store import workspace_of


@command("restore", "tailorsecrets secret restore -V api-keys -n stripe-secret-key")
@secret_options
@yes_option
def restore(invocation: Invocation, vault_name: str, name: str, yes: bool) -> None:
    """Undo the deletion of a secret, if the store supports it. The replicas get the value of the primary."""
    ask, code = f"Restore {vault_name}/{name} by hand?", "SECRET_CREATION_CANCELLED"
    with open_route(invocation, vault_name, action(invocation, "restore", vault_name, name)) as targets:
        workspace_of(targets[0].store).need("undelete")
        by_hand = ByHand(targets, vault_name, invocation, must_exist=False)
        by_hand.confirm(ask, code=code, yes=yes)
        by_hand.write(f"{vault_name}/{name}", restoring(targets, vault_name, name))
    invocation.report_change(name, f"restored {vault_name}/{name}")


@command("rollback", "tailorsecrets secret rollback -V api-keys -n stripe-secret-key --to 3")
@secret_options
@click.option("--to", "version", required=True, metavar="TOKEN", help="The old version, from secret history.")
@yes_option
def rollback(invocation: Invocation, vault_name: str, name: str, version: str, yes: bool) -> None:
    """Write the value of an old version as a new version. This also resolves a conflict."""
    ask, code = f"Roll back {vault_name}/{name} by hand?", "SECRET_UPDATE_CANCELLED"
    with open_route(invocation, vault_name, action(invocation, "rollback", vault_name, name)) as targets:
        primary = targets[0].store
        workspace_of(primary).need("versions")
        by_hand = ByHand(targets, vault_name, invocation)
        old = primary.read(vault_name, name, version).value
        look(targets, lambda store: workspace_of(store).check_value(vault_name, name, old))
        by_hand.confirm(ask, code=code, yes=yes)
        by_hand.write(f"{vault_name}/{name}", lambda store: store.put_secret(vault_name, name, old))
    invocation.report_change(name, f"rolled back {vault_name}/{name} to {version}")


@command("purge", "tailorsecrets secret purge -V api-keys -n stripe-secret-key --yes")
@secret_options
@yes_option
def purge(invocation: Invocation, vault_name: str, name: str, yes: bool) -> None:
    """Delete a secret for good, with all its versions. This cannot be undone."""
    question = f"Delete {vault_name}/{name} and its versions for good"
    with open_route(invocation, vault_name, action(invocation, "purge", vault_name, name)) as targets:
        need_terminal(question, invocation, yes=yes)
        check_kept(targets, vault_name, name)
        by_hand = ByHand(targets, vault_name, invocation, must_exist=False)
        confirm_by_name(question, name, invocation, code="SECRET_DELETION_CANCELLED", yes=yes)
        again = f"tailorsecrets secret purge -V {vault_name} -n {name}{invocation.common.flags()}"
        by_hand.delete(lambda store: store.purge_secret(vault_name, name), again)
    invocation.report_change(name, f"purged {vault_name}/{name}")
