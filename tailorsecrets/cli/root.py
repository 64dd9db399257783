"""The command ``tailorsecrets``."""

from typing import Any

import click

from tailorsecrets import __version__
from tailorsecrets.cli.commands import Group
from tailorsecrets.cli.options import invocation_of
from tailorsecrets.cli.program import PROGRAM

_COMMANDS = {
    "init": ("init:init", "Write a starter config and make the store."),
    "plan": ("apply:plan", "Print what apply would do."),
    "apply": ("apply:apply", "Make the stores equal to the config."),
    "show": ("saved:show", "Print a saved plan."),
    "undo": ("undo:undo", "Reverse what a report records."),
    "rotate": ("rotate:rotate", "Give generated secrets new values, on all their targets."),
    "copy": ("copy:copy", "Copy the secrets of one store to another."),
    "status": ("status:status", "Show the state of every secret at every target."),
    "diff": ("diff:diff", "Compare the secrets of two targets."),
    "remove": ("apply:remove", "Delete every vault that the config owns, with its secrets."),
    "generate": ("generate:generate", "Write the types module, for type-checked reads."),
    "secret": ("secret:group", "Manage vaults and secrets by hand."),
    "file": ("file:group", "Manage an encrypted store file."),
    "check": ("check:check", "Read every secret of the config, also external ones, at every target."),
    "policy": ("policy:policy", "Print the least-privilege policy of the store, one for each target of the profile."),
    "run": ("run:run", "Run a command with secrets as environment variables."),
    "export": ("export:export", "Print secrets for other tools: dotenv, JSON, a shell, Kubernetes."),
    "import": ("importing:import_", "Write the variables of a file to a vault, as secrets."),
    "inject": ("inject:inject", "Fill the secrets into a template."),
    "where": ("where:where", "Print where other tools find a secret, without its value."),
    "doctor": ("doctor:doctor", "Find out why a store cannot be used."),
    "app": ("app:group", "Run the executors, resolvers and workflows of an app, once."),
    "plugin": ("plugin:group", "List, check and create store plugins."),
    "completion": ("completion:completion", "Print the completion script of a shell."),
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
    """Deploy the secrets of a config to a store, and manage other secrets by hand."""
