"""The group ``secret vault``."""

import click

from tailorsecrets.cli.commands import Group, command
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.managed import check_everywhere, other_owner, owner_name, url_of
from tailorsecrets.cli.names import vault_argument, vault_name_from, yes_option
from tailorsecrets.cli.nearest import did_you_mean
from tailorsecrets.cli.printing import list_options, show_list, show_list_of_targets
from tailorsecrets.cli.prompts import confirm, confirm_by_name, need_terminal
from tailorsecrets.cli.targets import open_all, open_route
from tailorsecrets.deploy.by_hand import check_empty, create_vault, everywhere, holders, look, owner_of
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
    with open_route(invocation, vault, f"secret vault create {vault}") as targets:
        check_everywhere(create_vault(targets, vault), f"tailorsecrets copy {url_of(targets[0])} {{}} -V {vault}")
    invocation.report_change(vault, f"created vault {vault}")


@command("list", "tailorsecrets secret vault list --workspace-id staging")
@list_options
def list_(invocation: Invocation, order: str, limit: int | None) -> None:
    """List the vaults of the workspace."""
    with open_all(invocation) as targets:
        found = look(targets, lambda store: store.list_vaults())
    workspace = invocation.choice.workspace
    empty = f"workspace {workspace} has no vaults"
    if len(targets) == 1:
        show_list(invocation, found[0], order=order, limit=limit, when_empty=empty)
        return
    places = {each.target.full_url: vaults for each, vaults in zip(targets, found, strict=True)}
    show_list_of_targets(invocation, places, order=order, limit=limit, when_empty=empty)


@command("delete", "tailorsecrets secret vault delete partner-keys --yes")
@vault_argument
@yes_option
def delete(invocation: Invocation, name: str | None, option: str | None, yes: bool) -> None:
    """Delete an empty vault. Fails if the vault holds secrets."""
    vault = vault_name_from(name, option)
    with open_route(invocation, vault, f"secret vault delete {vault}") as route:
        look(route, lambda store: workspace_of(store).need("lists"))
        need_terminal(f"Delete vault {vault}", invocation, yes=yes)
        targets = holders(route, vault)
        for owner in dict.fromkeys(filter(None, look(targets, lambda store: owner_of(store, vault)))):
            invocation.io.say(
                f"warning: the config of {owner_name(owner)} manages the vault {vault}; "
                "if it declares the vault, its next apply creates it again"
            )
        confirm_by_name(f"Delete vault {vault}", vault, invocation, code="VAULT_DELETION_CANCELLED", yes=yes)
        check_empty(targets, vault)
        again = f"tailorsecrets secret vault delete {vault}{invocation.common.flags()}"
        check_everywhere(everywhere(targets, lambda store: store.delete_vault(vault), primary_last=True), again)
    invocation.report_change(vault, f"deleted vault {vault}")


@command("release", "tailorsecrets secret vault release api-keys")
@vault_argument
def release(invocation: Invocation, name: str | None, option: str | None) -> None:
    """Remove the owner of a vault, so that no config manages it. The secrets stay."""
    vault = vault_name_from(name, option)
    with open_route(invocation, vault, f"secret vault release {vault}") as targets:
        look(targets, lambda store: owner_of(store, vault))
        released = everywhere(targets, lambda store: workspace_of(store).release(vault))
        check_everywhere(released, f"tailorsecrets secret vault release {vault}{invocation.common.flags()}")
    owner = next((outcome.result for outcome in released if outcome.result), None)
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
    with open_route(invocation, vault, f"secret vault adopt {vault}") as targets:
        owners = look(targets, lambda store: owner_of(store, vault))
        for owner in dict.fromkeys(owner for owner in owners if owner and not mine.owns(owner)):
            ask = f"{other_owner(owner, mine)} manages vault {vault}. Take it over?"
            confirm(ask, invocation, code="VAULT_ADOPTION_CANCELLED", yes=yes)
        adopted = everywhere(targets, lambda store: workspace_of(store).adopt(vault, mine))
        check_everywhere(adopted, f"tailorsecrets secret vault adopt {vault}{invocation.common.flags()}")
    changed = any(owner != mine for owner in owners)
    sentence = f"{owner_name(mine)} manages vault {vault}"
    invocation.report_change(vault, sentence if changed else f"{sentence} already", changed=changed)
