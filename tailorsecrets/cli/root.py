"""The command ``tailorsecrets``."""

from typing import Any

import click

from tailorsecrets import __version__
from tailorsecrets.cli.commands import Group
from tailorsecrets.cli.options import invocation_of
from tailorsecrets.cli.program import PROGRAM

_COMMANDS = {
    "init": "init:init",
    "apply": "apply:apply",
    "remove": "apply:remove",
    "generate": "generate:generate",
    "secret": "secret:group",
    "file": "file:group",
    "check": "check:check",
    "policy": "policy:policy",
    "app": "app:group",
    "completion": "completion:completion",
}


def _show_version(context: click.Context, _parameter: click.Parameter, value: Any) -> None:
    if value and not context.resilient_parsing:
        invocation_of(context).io.show(f"{PROGRAM} {__version__}")
        context.exit()


@click.group(
    PROGRAM,
    cls=Group,
    lazy=_COMMANDS,
    examples=("tailorsecrets init", "tailorsecrets apply --dry-run", "tailorsecrets secret list -V api-keys"),
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help="Show the version."
)
def root() -> None:
    """Bring the secrets that a config declares into a store, and manage others by hand."""
