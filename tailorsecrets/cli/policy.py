"""``policy``: the least-privilege policy of the store, as its own document."""

from collections.abc import Iterator
from typing import Literal

import click

from tailorsecrets.cli.commands import command
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.names import vaults_option
from tailorsecrets.targets.opening import policy_of


@command("policy", "tailorsecrets policy --for read -V api-keys", "tailorsecrets policy --for deploy --store aws://")
@click.option(
    "--for",
    "use",
    type=click.Choice(["read", "deploy"]),
    required=True,
    help="read: for a program. deploy: for apply.",
)
@vaults_option("A vault. May be repeated.")
def policy(invocation: Invocation, use: Literal["read", "deploy"], vault_names: tuple[str, ...]) -> None:
    """Print the least-privilege policy of the store.

    The policy is the store's own document, for the named vaults or for all vaults of the config. The command calls
    no store, so an administrator can print it without a login.
    """
    text = policy_of(invocation.choice, invocation.environ, vault_names or _declared(invocation), use)
    if invocation.json:
        invocation.io.show_json({"policy": text})
    else:
        invocation.io.show(text)


def _declared(invocation: Invocation) -> Iterator[str]:
    """Yield the vaults of the config, which is run only for a store that has policies."""
    yield from invocation.config().declarations.names()
