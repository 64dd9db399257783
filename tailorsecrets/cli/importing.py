"""``import``: the variables of a file, as the secrets of a vault."""

import click

from tailorsecrets.cli import plans
from tailorsecrets.cli.commands import command
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.managed import releasing
from tailorsecrets.cli.names import vault_option, yes_option
from tailorsecrets.cli.output import content
from tailorsecrets.cli.prompts import confirm
from tailorsecrets.cli.writing import carry_out
from tailorsecrets.deploy.plan import Plan
from tailorsecrets.store.names import check_name
from tailorsecrets.variables.importing import FileFormat, import_plan, parsed


@command(
    "import",
    "tailorsecrets import .env --vault-name api-keys --dry-run",
    "tailorsecrets import secrets.json -V api-keys --yes",
    "heroku config --json | tailorsecrets import - -V api-keys --format json",
)
@click.argument("file", metavar="FILE")
@vault_option
@click.option("--format", "kind", type=click.Choice(["dotenv", "json"]), help="Default: by the name of the file.")
@click.option("--dry-run", "-d", is_flag=True, help="Print the plan. Ask and write nothing.")
@yes_option
def import_(
    invocation: Invocation, file: str, vault_name: str, kind: FileFormat | None, *, dry_run: bool, yes: bool
) -> None:
    """Write the variables of a file to a vault, as secrets.

    STRIPE_SECRET_KEY becomes the secret stripe-secret-key. Prints the plan first, then asks before it overwrites.
    Creates the vault if it does not exist, and deletes nothing. FILE is a file, or - for stdin.
    """
    check_name("vault", vault_name)
    invocation.announce(f"import {file} to {vault_name}", writes=not dry_run)
    incoming = parsed(content(invocation, file), kind or _format_of(file))
    for note in incoming.notes:
        invocation.io.say(f"note: {note}")
    with invocation.open() as store:
        plan = import_plan(incoming.values, vault_name, store)
        _show(plan, invocation, dry_run=dry_run)
        if dry_run:
            return
        record = plan.records[vault_name]
        owner = record.owner if record and plan.steps else None
        with releasing(store, vault_name, owner, invocation):
            asked = _confirm(plan, vault_name, invocation, managed=owner is not None, yes=yes)
            carry_out(plan, store, invocation, status="imported", prompted=asked)


def _format_of(file: str) -> FileFormat:
    return "json" if file.endswith(".json") else "dotenv"


def _show(plan: Plan, invocation: Invocation, *, dry_run: bool) -> None:
    if not plan.steps:
        invocation.io.say("nothing to do: the vault has all of these values")
    if not invocation.json:
        invocation.io.show_coloured(plans.text(plan))
        invocation.io.flush()  # before the questions about it
    elif dry_run:
        invocation.io.show_json(plans.document(plan))


def _confirm(plan: Plan, vault: str, invocation: Invocation, *, managed: bool, yes: bool) -> bool:
    """Ask for each consent that is needed; return whether there was any."""
    updates = plan.count("update")
    questions = [f"Change the vault {vault} by hand?"] if managed else []
    questions += [f"Overwrite {updates} secret{'s' if updates > 1 else ''} of the vault {vault}?"] if updates else []
    for question in questions:
        confirm(question, invocation, code="IMPORT_CANCELLED", yes=yes)
    return bool(questions) and not yes
