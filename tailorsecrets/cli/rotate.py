"""``rotate``: new values for generated secrets."""

from datetime import UTC, datetime

import click

from tailorsecrets.cli.commands import command
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.names import vaults_option, yes_option
from tailorsecrets.cli.prompts import confirm
from tailorsecrets.cli.reporting import Wanted, report_option
from tailorsecrets.cli.saved import show_plan
from tailorsecrets.cli.targets import declared_routes, open_targets
from tailorsecrets.cli.writing import carry_out, check_planned
from tailorsecrets.declared.periods import seconds_in
from tailorsecrets.deploy.rotate import due_by_command, plan_rotation, to_rotate
from tailorsecrets.store.names import Place, check_names


@command(
    "rotate",
    "tailorsecrets rotate sessions/signing-key",
    "tailorsecrets rotate -V sessions --dry-run",
    "tailorsecrets rotate --older-than 90d --yes --report rotated.jsonl",
)
@click.argument("names", nargs=-1, metavar="[VAULT/NAME]...")
@vaults_option("Rotate the generated secrets of this vault.")
@click.option("--older-than", metavar="PERIOD", help="Only secrets whose value is older than PERIOD: 12h, 90d, 4w.")
@click.option("--dry-run", "-d", is_flag=True, help="Print the plan. Ask and write nothing.")
@yes_option
@report_option
def rotate(
    invocation: Invocation,
    names: tuple[str, ...],
    *,
    vault_names: tuple[str, ...],
    older_than: str | None,
    dry_run: bool,
    yes: bool,
    report: str | None,
) -> None:
    """Give generated secrets new values, on all their targets.

    Only secrets whose source is generate() are rotated. The previous value stays readable, for secrets.recent.
    """
    if not (names or vault_names or older_than):
        raise click.UsageError("name secrets or vaults, or an age with --older-than", click.get_current_context())
    places = [_place(name) for name in names]
    check_names([("vault", vault) for vault in vault_names])
    age = seconds_in(older_than) if older_than else None
    config = invocation.config()
    desired = to_rotate(config.declarations, config.owner, places, vault_names)
    routes = declared_routes(invocation, config)
    with open_targets(invocation, routes, desired.vaults, f"rotate {config.owner.name}", writes=not dry_run) as targets:
        if targets.wanted is not None:
            raise click.UsageError(
                "a rotation changes all targets of a secret; leave out the store", click.get_current_context()
            )
        due = due_by_command(datetime.now(UTC), age)
        named = () if older_than else places
        joint = plan_rotation(desired, targets.layout, targets.stores, due, named=named)
        has_steps = any(plan.steps for plan in joint.plans.values())
        if not has_steps and not joint.failures:
            invocation.io.say("nothing to rotate")
        show_plan(joint, invocation, document=dry_run)
        check_planned(joint, "nothing was changed", "run it again when they answer")
        if dry_run:
            return
        if has_steps:
            confirm("Make new values for all of these?", invocation, code="ROTATION_CANCELLED", yes=yes)
        wanted = Wanted("rotate", report)
        prompted = has_steps and not yes
        carry_out(joint, targets.stores, invocation, status="rotated", prompted=prompted, report=wanted)


def _place(name: str) -> Place:
    vault, slash, secret = name.partition("/")
    if not slash:
        raise click.UsageError(f"{name!r}: expected VAULT/NAME", click.get_current_context())
    check_names([("vault", vault), ("secret", secret)])
    return Place(vault, secret)
