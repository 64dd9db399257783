"""``undo``: reversing what a report records."""

from contextlib import ExitStack
from pathlib import Path
from typing import Final

import click

from tailorsecrets.cli.commands import command
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.names import yes_option
from tailorsecrets.cli.prompts import confirm
from tailorsecrets.cli.reporting import Wanted, report_option
from tailorsecrets.cli.saved import show_plan
from tailorsecrets.cli.writing import carry_out
from tailorsecrets.deploy.reports import load_report
from tailorsecrets.deploy.undo import plan_undo
from tailorsecrets.targets.choice import Choice, same_target
from tailorsecrets.targets.opening import open_choice, target_of

_CUT_OFF: Final = "the report is incomplete; steps that were running at its end are not in it, and are not undone"


@command(
    "undo",
    "tailorsecrets undo report.jsonl --dry-run",
    "tailorsecrets undo report.jsonl --yes --report undone.jsonl",
)
@click.argument("file", metavar="FILE")
@click.option("--dry-run", "-d", is_flag=True, help="Print the plan. Ask and write nothing.")
@yes_option
@report_option
def undo(invocation: Invocation, file: str, *, dry_run: bool, yes: bool, report: str | None) -> None:
    """Reverse what a report records.

    Created secrets are deleted, updated ones rolled back, deleted ones restored, and vaults get their previous owners.
    If one step cannot be undone, or something has changed since, nothing is written. No config is needed.
    """
    saved = load_report(Path(invocation.io.cwd, file))
    if not saved.complete:
        invocation.io.say(f"note: {_CUT_OFF}")
    invocation.routes[0].primary.check_writable()
    choices = [_known(choice, invocation) for choice in saved.targets]
    touched = {step.target for step in saved.steps}
    for number, choice in enumerate(choices):
        target_of(choice, invocation.environ)  # a URL that is wrong is refused before it is shown
        if number in touched:
            invocation.io.say(f"undo {saved.command} -> {choice}")
            choice.check_writable()
    with ExitStack() as stack:
        stores = [stack.enter_context(open_choice(choice, invocation.environ, create=False)) for choice in choices]
        invocation.wait_notice.start(", ".join(choice.url for choice in choices))
        joint = plan_undo(saved, stores)
        if not any(plan.steps for plan in joint.plans.values()):
            invocation.io.say("nothing is left to undo")
        show_plan(joint, invocation, document=dry_run)
        if dry_run:
            return
        asked = any(plan.steps for plan in joint.plans.values()) and not yes
        if asked:
            confirm("Undo all of this?", invocation, code="UNDO_CANCELLED", yes=False)
        wanted = Wanted("undo", report)
        carry_out(joint, stores, invocation, status="undone", prompted=asked, report=wanted)


def _known(choice: Choice, invocation: Invocation) -> Choice:
    """Return the target of the options or the profile that is *choice*, with its permission; else *choice*."""
    known = [target for routes in invocation.routes for target in routes.targets if same_target(target, choice)]
    return known[0] if known else choice
