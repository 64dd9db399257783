"""``policy``: the rights that a reader or a deployer needs, as the store's own document."""

from typing import Literal

import click

from tailorsecrets.cli.commands import command
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.targets.opening import policy_of


@command("policy", "tailorsecrets policy --for read -V api-keys", "tailorsecrets policy --for deploy --store aws://")
@click.option(
    "--for", "use", type=click.Choice(["read", "deploy"]), required=True, help="A program that reads, or who applies."
)
@click.option("-V", "--vault-name", "vaults", multiple=True, metavar="VAULT", help="A vault; may be repeated.")
def policy(invocation: Invocation, use: Literal["read", "deploy"], vaults: tuple[str, ...]) -> None:
    """Print the least rights that a login needs.

    That is the store's own document, for the vaults named or all that the config has.

    It calls nothing, so an administrator can print it without a login.
    """
    wanted = vaults or tuple(invocation.config().declarations.names())
    text = policy_of(invocation.choice, invocation.environ, wanted, use)
    if invocation.json:
        invocation.io.show_json({"policy": text})
    else:
        invocation.io.show(text)
