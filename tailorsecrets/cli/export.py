"""``export``: secrets as text for other tools."""

import click

from tailorsecrets.cli.commands import command
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.output import output_option, put_out
from tailorsecrets.cli.selection import Selection, read_variables
from tailorsecrets.cli.variables import selection_options
from tailorsecrets.secret import Secret
from tailorsecrets.variables.formats import FORMATS, k8s
from tailorsecrets.variables.names import mapped


@command(
    "export",
    "tailorsecrets export --format dotenv --output .env",
    "tailorsecrets export -V api-keys --format k8s --name shop-keys",
    "tailorsecrets export --profile staging --format json",
)
@selection_options
@click.option("--format", "kind", type=click.Choice([*FORMATS, "k8s"]), help="The format. With --json: json.")
@click.option("--name", metavar="NAME", help="With k8s: the name of the Secret. Default: the name of the app or vault.")
@output_option
def export(
    invocation: Invocation, selection: Selection, kind: str | None, name: str | None, output: str | None
) -> None:
    """Print secrets for other tools: dotenv, JSON, a shell, Kubernetes.

    It chooses secrets and names variables as run does.
    """
    if kind is None and not invocation.json:
        formats = ", ".join([*FORMATS, "k8s"])
        raise click.UsageError(f"give --format, one of {formats}", click.get_current_context())
    if name is not None and kind != "k8s":
        raise click.UsageError("--name needs --format k8s", click.get_current_context())
    secrets = read_variables(invocation, selection)
    if kind == "k8s":
        text = k8s(secrets, name or _default_name(invocation, selection))
    else:
        text = FORMATS[kind or "json"](secrets)
    put_out(invocation, Secret(text), output)


def _default_name(invocation: Invocation, selection: Selection) -> str:
    """Return the name of the first vault on the command line, else the name of the app."""
    for vault in (*selection.vaults, *(place.vault for place in mapped(selection.maps).values())):
        return vault
    return invocation.config().owner.name
