"""``inject``: a template with its secrets."""

from pathlib import Path

import click

from tailorsecrets.cli.commands import command
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.nearest import nearest_places
from tailorsecrets.cli.output import content, output_option, put_out
from tailorsecrets.cli.selection import read_secrets
from tailorsecrets.variables.templates import Template


@command(
    "inject",
    "tailorsecrets inject nginx.conf.tmpl --output nginx.conf",
    "tailorsecrets inject values.yaml --profile prod",
    "tailorsecrets inject - < config.tmpl",
)
@click.argument("template", metavar="TEMPLATE")
@output_option
def inject(invocation: Invocation, template: str, output: str | None) -> None:
    """Fill the secrets into a template.

    {{ ts://api-keys/stripe-secret-key }} becomes the exact value of that secret; everything else is left unchanged. If
    a secret is missing, nothing is written. TEMPLATE is a file, or - for stdin.
    """
    if output and template != "-" and _are_one(Path(invocation.io.cwd), output, template):
        raise click.UsageError("--output is the template itself", click.get_current_context())
    parsed = Template(content(invocation, template))
    places = parsed.places()
    values = read_secrets(invocation, places)[1] if places else {}
    near = nearest_places([place for place in places if place not in values], invocation)
    put_out(invocation, parsed.filled(values, near), output)


def _are_one(folder: Path, first: str, second: str) -> bool:
    return (folder / first).resolve() == (folder / second).resolve()
