"""``copy``: copying the secrets of one side to the other."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Final

import click

from tailorsecrets.cli import plans
from tailorsecrets.cli.commands import command
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.managed import owner_name
from tailorsecrets.cli.names import vaults_option, yes_option
from tailorsecrets.cli.prompts import confirm
from tailorsecrets.cli.reporting import Wanted, report_option
from tailorsecrets.cli.saved import show_plan
from tailorsecrets.cli.sides import REFUSED, two_sides
from tailorsecrets.cli.writing import carry_out
from tailorsecrets.deploy.copy import copy_layout, plan_copy, read_contents
from tailorsecrets.deploy.joint import JointPlan
from tailorsecrets.deploy.observe import escaped
from tailorsecrets.deploy.plan import Plan
from tailorsecrets.store.names import check_names
from tailorsecrets.store.store import Store
from tailorsecrets.targets.choice import Choice
from tailorsecrets.targets.opening import open_choice
from tailorsecrets.targets.sides import primaries

_QUESTIONS: Final[Sequence[tuple[str, Callable[[Plan], list[str]], str]]] = (
    (
        "A config manages these vaults, and will not manage them after a change by hand:",
        lambda plan: [f"! {vault} (owner: {owner_name(owner)})" for vault, owner in plan.conflicts],
        "Change them by hand?",
    ),
    (
        "These vaults exist already, and no config manages them:",
        lambda plan: list(plan.unmanaged),
        "Write to them?",
    ),
    (
        "These secrets have other values, which will be replaced:",
        lambda plan: [f"~ {plans.path(place)}" for place in plan.overwrites],
        "Replace all of these?",
    ),
)


@command(
    "copy",
    "tailorsecrets copy staging prod --dry-run",
    "tailorsecrets copy 'vault://vault.example.com?workspace=prod' 'aws://eu-west-1?workspace=prod' -V api-keys",
    "tailorsecrets copy prod 'file:backup.jsonl?workspace=prod' --yes",
    hidden=REFUSED,
)
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@vaults_option("Copy this vault only.")
@click.option("--dry-run", "-d", is_flag=True, help="Print the plan. Ask and write nothing.")
@yes_option
@report_option
def copy(
    invocation: Invocation,
    a: str,
    b: str,
    *,
    vault_names: tuple[str, ...],
    dry_run: bool,
    yes: bool,
    report: str | None,
) -> None:
    """Copy the secrets of one store to another.

    A and B are store URLs or profiles. As A, a profile means the primary target of each vault; as B, all its targets.
    Nothing is deleted at B, and nothing is changed at A. A vault that is new at B gets the owner of A's vault, so that
    the same config manages it. --workspace-id applies if the profile and the URL name no workspace.
    """
    check_names([("vault", vault) for vault in vault_names])
    source, other = two_sides(invocation, a, b, "copy")
    for choice in primaries(source, vault_names):
        invocation.io.say(f"copy from {choice}")
    invocation.wait_notice.start(", ".join(choice.url for choice in (*source.targets, *other.targets)))
    contents = read_contents(source, lambda choice: _open(choice, invocation, create=False), vault_names)
    where = copy_layout(contents, other)
    for number, choice in enumerate(where.targets):
        if where.vaults(number):
            invocation.io.say(f"copy to {choice}")
        if not dry_run:
            choice.check_writable()
    with ExitStack() as stack:
        stores = [stack.enter_context(_open(choice, invocation)) for choice in where.targets]
        joint = plan_copy(contents, where, stores)
        if not any(plan.steps for plan in joint.plans.values()):
            invocation.io.say("nothing to copy: B has all secrets of A")
        for number, plan in joint.plans.items():
            for place in escaped(plan, stores[number]):
                where_read = f"{plans.path(place)}{plans.at(joint, number)}"
                invocation.io.say(f"note: other tools read tailorsecrets:= before the value of {where_read}")
        show_plan(joint, invocation, document=dry_run)
        if dry_run:
            return
        asked = _confirm(joint, invocation, yes=yes)
        carry_out(joint, stores, invocation, status="copied", prompted=asked, report=Wanted("copy", report))


def _open(choice: Choice, invocation: Invocation, *, create: bool | None = None) -> Store:
    return open_choice(choice, invocation.environ, create=create)


def _confirm(joint: JointPlan, invocation: Invocation, *, yes: bool) -> bool:
    """Ask for each consent that the plan needs, and tell whether somebody was asked."""
    asked = False
    for head, items, question in _QUESTIONS:
        listed = list(_listed(joint, items))
        if listed:
            invocation.io.say("\n".join([head, *listed]))
            confirm(question, invocation, code="COPY_CANCELLED", yes=yes)
            asked = not yes
    return asked


def _listed(joint: JointPlan, items: Callable[[Plan], list[str]]) -> Iterator[str]:
    for number, plan in joint.plans.items():
        yield from (f"  {item}{plans.at(joint, number)}" for item in items(plan))
