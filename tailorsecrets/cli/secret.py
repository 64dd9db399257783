"""The group ``secret``."""

import click

from tailorsecrets.cli.commands import Group

_COMMANDS = {
    "create": ("secret_write:create", "Create a secret."),
    "update": ("secret_write:update", "Write a new value of a secret."),
    "list": ("secret_read:list_", "List the secrets of a vault, without their values."),
    "get": ("secret_read:get", "Print the value of a secret and nothing else."),
    "history": ("secret_read:history", "List the versions of a secret that can be read, newest first."),
    "delete": ("secret_write:delete", "Delete a secret."),
    "restore": ("secret_undo:restore", "Undo the deletion of a secret, if the store supports it."),
    "rollback": ("secret_undo:rollback", "Write the value of an old version as a new version."),
    "purge": ("secret_undo:purge", "Delete a secret for good, with all its versions."),
    "vault": ("vault:group", "Manage vaults by hand."),
}


@click.group(
    "secret",
    cls=Group,
    lazy=_COMMANDS,
    examples=("tailorsecrets secret list --vault-name api-keys", "tailorsecrets secret vault list"),
)
def group() -> None:
    """Manage vaults and secrets by hand.

    Use them for vaults that no config declares.
    """
