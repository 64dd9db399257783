"""The group ``secret``."""

import click

from tailorsecrets.cli.commands import Group

_COMMANDS = {
    "create": "secret_write:create",
    "update": "secret_write:update",
    "list": "secret_read:list_",
    "get": "secret_read:get",
    "history": "secret_read:history",
    "delete": "secret_write:delete",
    "restore": "secret_undo:restore",
    "rollback": "secret_undo:rollback",
    "purge": "secret_undo:purge",
    "vault": "vault:group",
}


@click.group(
    "secret",
    cls=Group,
    lazy=_COMMANDS,
    examples=("tailorsecrets secret list --vault-name api-keys", "tailorsecrets secret vault list"),
)
def group() -> None:
    """Manage vaults and secrets by hand.

    These commands are for vaults that are not in the config.
    """
