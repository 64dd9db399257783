"""``where``: the place of a secret, for other tools."""

import click

from tailorsecrets.cli.commands import command
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.names import complete_place, target_option
from tailorsecrets.targets.where import NATIVE, parse_place
from tailorsecrets.targets.where import where as where_of


@command(
    "where",
    "tailorsecrets where api-keys/stripe-key",
    "tailorsecrets where api-keys/stripe-key --format eso --store aws://eu-west-1",
)
@click.argument("place", metavar="VAULT/NAME", shell_complete=complete_place)
@click.option(
    "--format",
    "form",
    default=NATIVE,
    metavar="FORMAT",
    help="native, arn, ecs, eso, csi, cloudrun, appservice, vault-agent, terraform, or another of a plugin. "
    "Each store has some of them. Default: native.",
)
@target_option
def where(invocation: Invocation, place: str, form: str, target: str | None) -> None:
    """Print where other tools find a secret, without its value.

    The native format is the store's own name of the secret. The others can be pasted: eso and csi into Kubernetes, ecs
    into a task definition, and so on. The command calls the store only if the URL lacks something, such as an AWS
    account.
    """
    text = where_of(invocation.routes_of(target), invocation.environ, parse_place(place), form)
    if invocation.json:
        invocation.io.show_json({"format": form, "where": text.removesuffix("\n")})
    else:
        invocation.io.write(text)
