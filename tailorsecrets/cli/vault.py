"""The group ``secret vault``."""

import click

from tailorsecrets.cli.commands import Group, command
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.managed import other_owner, owner_name, owner_of
from tailorsecrets.cli.names import vault_argument, vault_name_from, yes_option
from tailorsecrets.cli.nearest import did_you_mean
from tailorsecrets.cli.printing import list_options, show_list
from tailorsecrets.cli.prompts import confirm, confirm_by_name, need_terminal
from tailorsecrets.errors import ConfigError
from tailorsecrets.store.store import workspace_of


@click.group(
    "vault",
    cls=Group,
    lazy={
        "create": ("vault:create", "Create an empty vault that no config manages."),
        "list": ("vault:list_", "List the vaults of the workspace."),
        "delete": ("vault:delete", "Delete an empty vault."),
        "release": ("vault:release", "Remove the owner of a vault, so that no config manages it."),
        "adopt": ("vault:adopt", "Make the config the owner of a vault that it declares."),
    },
    examples=("tailorsecrets secret vault create partner-keys", "tailorsecrets secret vault list"),
)
def group() -> None:
    """Manage vaults by hand."""


@command("create", "tailorsecrets secret vault create partner-keys")
@vault_argument
def create(invocation: Invocation, name: str | None, option: str | None) -> None:
    """Create an empty vault that no config manages. Fails if the vault exists."""
    vault = vault_name_from(name, option)
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
    """Delete an empty vault. Fails if the vault holds secrets."""
    vault = vault_name_from(name, option)
    with invocation.open_to_write(f"secret vault delete {vault}") as store:
        workspace_of(store).need("lists")
        need_terminal(f"Delete vault {vault}", invocation, yes=yes)
        owner = owner_of(store, vault)
        if owner is not None:
            invocation.io.say(
                f"warning: the config of {owner_name(owner)} manages the vault {vault}; "
                "if it declares the vault, its next apply creates it again"
            )
        confirm_by_name(f"Delete vault {vault}", vault, invocation, code="VAULT_DELETION_CANCELLED", yes=yes)
        store.delete_vault(vault)
    invocation.report_change(vault, f"deleted vault {vault}")


@command("release", "tailorsecrets secret vault release api-keys")
@vault_argument
def release(invocation: Invocation, name: str | None, option: str | None) -> None:
    """Remove the owner of a vault, so that no config manages it. The secrets stay."""
    vault = vault_name_from(name, option)
    with invocation.open_to_write(f"secret vault release {vault}") as store:
        owner = workspace_of(store).release(vault)
    sentence = f"{owner_name(owner)} no longer manages vault {vault}" if owner else f"no config managed vault {vault}"
    invocation.report_change(vault, sentence, changed=owner is not None)


@command("adopt", "tailorsecrets secret vault adopt api-keys")
@vault_argument
@yes_option
def adopt(invocation: Invocation, name: str | None, option: str | None, yes: bool) -> None:
    """Make the config the owner of a vault that it declares. Asks before it takes a vault from another owner."""
    vault = vault_name_from(name, option)
    config = invocation.config()
    mine = config.owner
    if vault not in config.declarations.vaults:
        problem = f"the config of {owner_name(mine)} does not declare vault {vault}"
        hint = did_you_mean(vault, config.declarations.vaults) or "declare it there first"
        raise ConfigError(problem, hint=hint)
    with invocation.open_to_write(f"secret vault adopt {vault}") as store:
        record = workspace_of(store).record(vault)
        owner = record.owner
        if owner is not None and not mine.owns(owner):
            ask = f"{other_owner(owner, mine)} manages vault {vault}. Take it over?"
            confirm(ask, invocation, code="VAULT_ADOPTION_CANCELLED", yes=yes)
        if owner != mine:
            workspace_of(store).claim(vault, mine, record)
    sentence = f"{owner_name(mine)} manages vault {vault}"
    invocation.report_change(vault, sentence if owner != mine else f"{sentence} already", changed=owner != mine)
