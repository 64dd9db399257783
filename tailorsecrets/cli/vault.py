"""The group ``secret vault``."""

import click

from tailorsecrets.cli.commands import Group, command
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.managed import called, owner_of
from tailorsecrets.cli.names import the_vault, vault_argument, yes_option
from tailorsecrets.cli.printing import list_options, show_list
from tailorsecrets.cli.prompts import confirm, confirm_by_name, need_terminal
from tailorsecrets.errors import ConfigError
from tailorsecrets.store.store import workspace_of


@click.group(
    "vault",
    cls=Group,
    lazy={
        "create": "vault:create",
        "list": "vault:list_",
        "delete": "vault:delete",
        "release": "vault:release",
        "adopt": "vault:adopt",
    },
    examples=("tailorsecrets secret vault create partner-keys", "tailorsecrets secret vault list"),
)
def group() -> None:
    """Manage vaults by hand."""


@command("create", "tailorsecrets secret vault create partner-keys")
@vault_argument
def create(invocation: Invocation, name: str | None, option: str | None) -> None:
    """Create an empty vault that no config manages. One that is there is an error."""
    vault = the_vault(name, option)
    with invocation.open_to_write(f"secret vault create {vault}") as store:
        store.create_vault(vault)
    invocation.report_change(vault, f"created vault {vault}")


@command("list", "tailorsecrets secret vault list --workspace-id staging")
@list_options
def list_(invocation: Invocation, order: str, limit: int | None) -> None:
    """List the vaults of the workspace."""
    with invocation.open() as store:
        vaults = store.list_vaults()
    workspace = invocation.choice.workspace
    show_list(invocation, vaults, order=order, limit=limit, when_empty=f"workspace {workspace} has no vaults")


@command("delete", "tailorsecrets secret vault delete partner-keys --yes")
@vault_argument
@yes_option
def delete(invocation: Invocation, name: str | None, option: str | None, yes: bool) -> None:
    """Delete an empty vault. Secrets in it are an error."""
    vault = the_vault(name, option)
    with invocation.open_to_write(f"secret vault delete {vault}") as store:
        need_terminal(f"Delete vault {vault}", invocation, yes=yes)
        owner = owner_of(store, vault)
        if owner is not None:
            invocation.io.say(
                f"warning: the config of {called(owner)} manages the vault {vault}; "
                "while it declares the vault, its next apply makes it again"
            )
        confirm_by_name(f"Delete vault {vault}", vault, invocation, code="VAULT_DELETION_CANCELLED", yes=yes)
        store.delete_vault(vault)
    invocation.report_change(vault, f"deleted vault {vault}")


@command("release", "tailorsecrets secret vault release api-keys")
@vault_argument
def release(invocation: Invocation, name: str | None, option: str | None) -> None:
    """Take a vault out of the management of its config. Its secrets stay."""
    vault = the_vault(name, option)
    with invocation.open_to_write(f"secret vault release {vault}") as store:
        owner = workspace_of(store).release(vault)
    told = f"{called(owner)} manages vault {vault} no longer" if owner else f"no config managed vault {vault}"
    invocation.report_change(vault, told, changed=owner is not None)


@command("adopt", "tailorsecrets secret vault adopt api-keys")
@vault_argument
@yes_option
def adopt(invocation: Invocation, name: str | None, option: str | None, yes: bool) -> None:
    """Put a vault that this config declares under its management. Another owner's vault needs a yes."""
    vault = the_vault(name, option)
    config = invocation.config()
    mine = config.owner
    if vault not in config.declarations.vaults:
        told = (
            f"the config of {called(mine)} does not declare vault {vault}; its next apply would delete an adopted one"
        )
        raise ConfigError(told, hint="declare the vault in the config first")
    with invocation.open_to_write(f"secret vault adopt {vault}") as store:
        record = workspace_of(store).record(vault)
        owner = record.owner
        if owner is not None and not mine.owns(owner):
            ask = f"{called(owner)} manages vault {vault}. Take it over?"
            confirm(ask, invocation, code="VAULT_ADOPTION_CANCELLED", yes=yes)
        if owner != mine:
            workspace_of(store).claim(vault, mine, record)
    told = f"{called(mine)} manages vault {vault}"
    invocation.report_change(vault, told if owner != mine else f"{told} already", changed=owner != mine)
