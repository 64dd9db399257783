"""``apply`` and ``remove``."""

from pathlib import Path
from typing import Final

import click

from tailorsecrets.cli import exits, plans
from tailorsecrets.cli.commands import command
from tailorsecrets.cli.generate import is_stale
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.names import yes_option
from tailorsecrets.cli.prompts import confirm
from tailorsecrets.cli.writing import carry_out
from tailorsecrets.config.config import Config
from tailorsecrets.config.typegen import MODULE
from tailorsecrets.deploy.consent import Consent, Topic, listed, to_ask, topics
from tailorsecrets.deploy.observe import escaped, make_plan, nothing_desired, read_desired
from tailorsecrets.deploy.plan import Desired, Plan
from tailorsecrets.store.store import Store

_TRUSTED: Final = (
    "secrets count as unchanged because of the list, which lacks writes of other tools and the newest ones"
)
_UNREAD: Final = "vaults whose owner is unknown, since their record cannot be read, are not changed"
_UNKNOWN: Final = "may differ and is not changed: it has no stamp, and this login may not read its value"
_COMPARED: Final = "the store keeps no stamps (fingerprints of values), so the plan read and compared values"
_READ: Final = "the store shows metadata only together with the value, so the plan read values"
_UNLISTED: Final = "the store cannot list its secrets"
_SEEN: Final = "what the config declares is deleted; anything else in its vaults is not seen"
_KEPT: Final = "nothing is deleted, also if the config no longer declares it"
_QUESTIONS: Final[dict[Topic, str]] = {
    "conflicts": "Take these vaults over from their owners?",
    "unmanaged": "Take these vaults over?",
    "deletions": "Delete all of these?",
}


@command(
    "apply",
    "tailorsecrets apply --dry-run",
    "tailorsecrets apply --workspace-id prod --env-file .env.prod",
    "tailorsecrets apply --yes --allow-deletes 40 --json",
)
@click.option("--dry-run", "-d", is_flag=True, help="Print the plan. Ask and write nothing.")
@click.option("--detailed-exitcode", is_flag=True, help="With --dry-run: exit 2 if the plan has changes.")
@yes_option
@click.option("--allow-deletes", type=click.IntRange(min=0), metavar="N", help="Let --yes delete up to N secrets.")
@click.option("--no-prune", is_flag=True, help="Do not delete. No right to list is needed.")
@click.option("--trust-stamps", is_flag=True, help="Read no metadata of a secret whose listed stamp matches.")
def apply(
    invocation: Invocation,
    *,
    dry_run: bool,
    detailed_exitcode: bool,
    yes: bool,
    allow_deletes: int | None,
    no_prune: bool,
    trust_stamps: bool,
) -> int:
    """Make the store equal to the config.

    Prints the plan first, then asks before it takes over vaults and before it deletes. Without a terminal, --yes
    confirms. --yes covers the deletion of 10 secrets or of a quarter of those that the app owns, whichever is more;
    --allow-deletes covers more.
    """
    if detailed_exitcode and not dry_run:
        raise click.UsageError("--detailed-exitcode needs --dry-run", click.get_current_context())
    if trust_stamps and no_prune:
        raise click.UsageError("--trust-stamps needs a list, and --no-prune makes none", click.get_current_context())
    config = invocation.config()
    invocation.announce(f"apply {config.owner.name}", writes=not dry_run)
    declared = read_desired(config, invocation.environ, Path(invocation.folder))
    with invocation.open() as store:
        plan = _planned(declared, store, invocation, unlisted=_KEPT, prune=not no_prune, trust=trust_stamps)
        _show(plan, invocation, dry_run=dry_run, idle="nothing to do: the store matches the config")
        if not dry_run:
            consent = Consent(yes=yes, allow_deletes=allow_deletes, can_ask=invocation.can_ask)
            _confirm(plan, asked := to_ask(plan, consent), invocation)
            carry_out(plan, store, invocation, status="applied", prompted=bool(asked))
    _note_stale_types(config, invocation)
    return exits.CHANGES if detailed_exitcode and plan.steps else exits.DONE


@command("remove", "tailorsecrets remove --dry-run", "tailorsecrets remove --workspace-id review-42 --yes")
@click.option("--dry-run", "-d", is_flag=True, help="Print the plan. Ask and write nothing.")
@yes_option
def remove(invocation: Invocation, dry_run: bool, yes: bool) -> None:
    """Delete every vault that the config owns, with its secrets."""
    config = invocation.config()
    invocation.announce(f"remove {config.owner.name}", writes=not dry_run)
    with invocation.open() as store:
        plan = _planned(nothing_desired(config), store, invocation, unlisted=_SEEN)
        _show(plan, invocation, dry_run=dry_run, idle=f"nothing to remove: {config.owner.name} owns no vault here")
        if not dry_run:
            asked = to_ask(plan, Consent(yes=yes, can_ask=invocation.can_ask), guard=False)
            _confirm(plan, asked, invocation)
            carry_out(plan, store, invocation, status="removed", prompted=bool(asked))


def _planned(
    declared: Desired, store: Store, invocation: Invocation, *, unlisted: str, prune: bool = True, trust: bool = False
) -> Plan:
    plan = make_plan(declared, store, prune=prune, trust=trust)
    if plan.compared_values:
        invocation.io.say(f"note: {_COMPARED}")
    if plan.read_values:
        invocation.io.say(f"note: {_READ}")
    if plan.unlisted:
        invocation.io.say(f"note: {_UNLISTED}: {unlisted}")
    if plan.trusted:
        invocation.io.say(f"note: {plan.trusted} {_TRUSTED}")
    if plan.unread:
        invocation.io.say(f"note: {_UNREAD}: {listed(plan.unread)}")
    for place in plan.unknown:
        invocation.io.say(f"note: {plans.path(place)} {_UNKNOWN}")
    for place in escaped(plan, store):
        invocation.io.say(f"note: other tools read tailorsecrets:= before the value of {plans.path(place)}")
    return plan


def _show(plan: Plan, invocation: Invocation, *, dry_run: bool, idle: str) -> None:
    if not plan.steps:
        invocation.io.say(idle)
    if not invocation.json:
        invocation.io.show_coloured(plans.text(plan))
        invocation.io.flush()  # before the questions about it
    elif dry_run:
        invocation.io.show_json(plans.document(plan))


def _confirm(plan: Plan, asked: list[Topic], invocation: Invocation) -> None:
    for topic in topics(plan):
        invocation.io.say(plans.listing(plan, topic))
        confirm(_QUESTIONS[topic], invocation, code="APPLY_CANCELLED", yes=topic not in asked)


def _note_stale_types(config: Config, invocation: Invocation) -> None:
    if is_stale(Path(invocation.folder) / MODULE, config.declarations.names()):
        invocation.io.say(f"note: {MODULE} is stale; run: tailorsecrets generate{invocation.common.flags()}")
