"""``import``: the variables of a file, as the secrets of a vault."""

from collections.abc import Sequence
from pathlib import Path

import click

from tailorsecrets.cli import plans
from tailorsecrets.cli.commands import command
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.managed import release, warn_managed
from tailorsecrets.cli.names import vault_option, yes_option
from tailorsecrets.cli.output import content
from tailorsecrets.cli.prompts import confirm
from tailorsecrets.cli.reporting import Wanted, report_option
from tailorsecrets.cli.targets import open_route
from tailorsecrets.cli.writing import carry_out
from tailorsecrets.deploy.by_hand import OpenTarget
from tailorsecrets.deploy.joint import JointPlan
from tailorsecrets.deploy.plan import Plan
from tailorsecrets.deploy.reports import add_release
from tailorsecrets.store.names import check_name
from tailorsecrets.store.record import Owner
from tailorsecrets.store.store import workspace_of
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
@report_option
def import_(
    invocation: Invocation,
    file: str,
    vault_name: str,
    kind: FileFormat | None,
    *,
    dry_run: bool,
    yes: bool,
    report: str | None,
) -> None:
    """Write the variables of a file to a vault, as secrets.

    STRIPE_SECRET_KEY becomes the secret stripe-secret-key. Prints the plan first, then asks before it overwrites.
    Creates the vault if it does not exist, and deletes nothing. FILE is a file, or - for stdin.
    """
    check_name("vault", vault_name)
    action = f"import {file} to {vault_name}"
    with open_route(invocation, vault_name, action, writes=not dry_run) as targets:
        incoming = parsed(content(invocation, file), kind or _format_of(file), file)
        for note in incoming.notes:
            invocation.io.say(f"note: {note}")
        plan = import_plan(incoming.values, vault_name, targets)
        _show(plan, invocation, dry_run=dry_run)
        if not dry_run:
            _carry_out(plan, targets, vault_name, invocation, report, yes=yes)


def _carry_out(
    joint: JointPlan,
    targets: Sequence[OpenTarget],
    vault: str,
    invocation: Invocation,
    report: str | None,
    *,
    yes: bool,
) -> None:
    """Ask, do the plan, and release the vault where something was written to it."""
    owners = [_owner(plan, vault) for plan in joint.plans.values()]
    warn_managed(vault, owners, invocation)
    asked = _confirm(joint, vault, invocation, managed=any(owners), yes=yes)
    stores = [each.store for each in targets]
    carry_out(joint, stores, invocation, status="imported", prompted=asked, report=Wanted("import", report))
    for number, (store, owner) in enumerate(zip(stores, owners, strict=True)):
        if owner is not None:
            release(store, vault, owner, invocation)
            if report:
                before, after = joint.plans[number].records[vault], workspace_of(store).record(vault).version
                add_release(Path(invocation.io.cwd, report), number, vault, owner, record=before, version=after)


def _owner(plan: Plan, vault: str) -> Owner | None:
    """Return the owner of *vault*, None where there is none or nothing to write."""
    record = plan.records[vault]
    return record.owner if record and plan.steps else None


def _format_of(file: str) -> FileFormat:
    return "json" if file.endswith(".json") else "dotenv"


def _show(joint: JointPlan, invocation: Invocation, *, dry_run: bool) -> None:
    if not any(plan.steps for plan in joint.plans.values()):
        invocation.io.say("nothing to do: the vault has all of these values")
    if not invocation.json:
        invocation.io.show_coloured(plans.text(joint))
        invocation.io.flush()  # before the questions about it
    elif dry_run:
        invocation.io.show_json(plans.document(joint))


def _confirm(joint: JointPlan, vault: str, invocation: Invocation, *, managed: bool, yes: bool) -> bool:
    """Ask for each consent that is needed; return whether a person was asked."""
    updates = max(plan.count("update") for plan in joint.plans.values())
    questions = [f"Change the vault {vault} by hand?"] if managed else []
    questions += [f"Overwrite {updates} secret{'s' if updates > 1 else ''} of the vault {vault}?"] if updates else []
    for question in questions:
        confirm(question, invocation, code="IMPORT_CANCELLED", yes=yes)
    return bool(questions) and not yes
