"""``plan``, ``apply`` and ``remove``."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

import click

from tailorsecrets.cli import exits, plans
from tailorsecrets.cli.commands import command
from tailorsecrets.cli.generate import is_stale
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.names import vaults_option, yes_option
from tailorsecrets.cli.nearest import did_you_mean
from tailorsecrets.cli.prompts import agreed, confirm
from tailorsecrets.cli.reporting import Wanted, report_option
from tailorsecrets.cli.saved import load_plan, save_plan, show_plan
from tailorsecrets.cli.targets import Targets, declared_routes, open_targets
from tailorsecrets.cli.writing import carry_out, check_planned
from tailorsecrets.config.config import Config
from tailorsecrets.config.typegen import MODULE
from tailorsecrets.deploy.consent import Consent, Topic, all_topics, listed, to_ask
from tailorsecrets.deploy.joint import JointPlan
from tailorsecrets.deploy.layout import shared
from tailorsecrets.deploy.observe import escaped, nothing_desired, read_desired
from tailorsecrets.deploy.plan import Desired, Plan
from tailorsecrets.deploy.planfile import PlanOptions
from tailorsecrets.deploy.planning import plan_targets
from tailorsecrets.deploy.rotate import due_by_config
from tailorsecrets.errors import Refused, VaultNotFound
from tailorsecrets.store.names import check_names
from tailorsecrets.store.store import Store
from tailorsecrets.targets.routes import profile_routes

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
_VAULTS: Final = "Plan this vault alone."
_MATCHES: Final = "nothing to do: the store matches the config"
_INCOMPLETE: Final = "old copies stay until every secret is at the new targets; apply, then delete them"
_QUESTIONS: Final[dict[Topic, str]] = {
    "conflicts": "Take these vaults over from their owners?",
    "unmanaged": "Take these vaults over?",
    "deletions": "Delete all of these?",
}


F = TypeVar("F", bound=Callable[..., object])


@dataclass(frozen=True, kw_only=True)
class _Options:
    """How to plan."""

    vaults: frozenset[str] | None = None  # None: all
    prune: bool = True
    trust: bool = False
    delete_moved: bool = False
    unlisted: str = _KEPT  # what is not done in a store that cannot list


class _Shape(NamedTuple):
    """How to show a plan, and where to save it."""

    out: str | None = None
    as_markdown: bool = False


def _plan_options(function: F) -> F:
    """Add the options of plan and apply."""
    for option in (
        click.option("--keep-going", is_flag=True, help="Plan and apply the other targets if one cannot be planned."),
        click.option("--delete-moved", is_flag=True, help="Delete old copies of vaults that are complete elsewhere."),
        click.option("--trust-stamps", is_flag=True, help="Read no metadata of a secret whose listed stamp matches."),
        click.option("--no-prune", is_flag=True, help="Do not delete. No right to list is needed."),
    ):
        function = option(function)
    return vaults_option(_VAULTS)(function)


@command(
    "plan",
    "tailorsecrets plan",
    "tailorsecrets plan -p prod -p staging --json",
    "tailorsecrets plan -V api-keys --detailed-exitcode",
    "tailorsecrets plan -p prod --out plan.json --markdown",
    several_profiles=True,
)
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 if the plan has changes.")
@click.option("--out", metavar="FILE", help="Save the plan, for apply FILE.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print a table for a pull request or a ticket.")
@_plan_options
def plan(
    invocation: Invocation,
    *,
    detailed_exitcode: bool,
    out: str | None,
    as_markdown: bool,
    vault_names: tuple[str, ...],
    no_prune: bool,
    trust_stamps: bool,
    delete_moved: bool,
    keep_going: bool,
) -> int:
    """Print what apply would do. Ask nothing, and write to no store."""
    if out and keep_going:
        raise click.UsageError("a plan is saved only if every target is planned", click.get_current_context())
    options = _options(vault_names, no_prune=no_prune, trust_stamps=trust_stamps, delete_moved=delete_moved)
    shape = _Shape(out, as_markdown=as_markdown)
    return _dry_run(invocation, options, shape, detailed_exitcode=detailed_exitcode, keep_going=keep_going)


@command(
    "apply",
    "tailorsecrets apply --dry-run",
    "tailorsecrets apply --workspace-id prod --env-file .env.prod",
    "tailorsecrets apply --yes --allow-deletes 40 --json",
    "tailorsecrets apply plan.json --report report.jsonl",
    several_profiles=True,
)
@click.argument("file", metavar="[PLAN]", required=False)
@click.option("--dry-run", "-d", is_flag=True, help="Print the plan. Ask and write nothing.")
@click.option("--detailed-exitcode", is_flag=True, help="With --dry-run: exit 2 if the plan has changes.")
@yes_option
@click.option(
    "--allow-deletes", type=click.IntRange(min=0), metavar="N", help="Let --yes delete up to N secrets of each target."
)
@report_option
@_plan_options
def apply(
    invocation: Invocation,
    file: str | None,
    *,
    dry_run: bool,
    detailed_exitcode: bool,
    yes: bool,
    allow_deletes: int | None,
    report: str | None,
    vault_names: tuple[str, ...],
    no_prune: bool,
    trust_stamps: bool,
    delete_moved: bool,
    keep_going: bool,
) -> int:
    """Make the stores equal to the config.

    Prints the plan first, then asks before it takes over vaults and before it deletes. Without a terminal, --yes
    confirms. --yes covers the deletion of 10 secrets or of a quarter of those that the app owns, whichever is more;
    --allow-deletes covers more. If one target cannot be planned, nothing is written, unless --keep-going says so.

    PLAN is the file of plan --out. It is carried out without a question if it is still what would be done now.
    """
    if detailed_exitcode and not dry_run:
        raise click.UsageError("--detailed-exitcode needs --dry-run", click.get_current_context())
    options = _options(vault_names, no_prune=no_prune, trust_stamps=trust_stamps, delete_moved=delete_moved)
    if file is not None:
        _check_alone(invocation, options, dry_run=dry_run, keep_going=keep_going)
        return _apply_saved(
            invocation,
            file,
            Consent(yes=True, allow_deletes=allow_deletes, can_ask=invocation.can_ask),
            Wanted("apply", report),
        )
    if dry_run:
        return _dry_run(invocation, options, _Shape(), detailed_exitcode=detailed_exitcode, keep_going=keep_going)
    consent = Consent(yes=yes, allow_deletes=allow_deletes, can_ask=invocation.can_ask)
    config = invocation.config()
    with _opened(invocation, config, writes=True) as targets:
        desired = read_desired(config, invocation.environ, Path(invocation.folder))
        joint = _planned(desired, targets, invocation, options)
        _show(joint, invocation, idle=_MATCHES)
        _check_planned(joint, keep_going=keep_going)
        if _may_delete_moved(joint, invocation, consent):
            joint = _planned(desired, targets, invocation, replace(options, delete_moved=True))
            _show(joint, invocation, idle=_MATCHES)
        asked = _confirm(joint, consent, invocation)
        carry_out(joint, targets.stores, invocation, status="applied", prompted=asked, report=Wanted("apply", report))
    _note_stale_types(config, invocation)
    return exits.DONE


@command(
    "remove",
    "tailorsecrets remove --dry-run",
    "tailorsecrets remove --workspace-id review-42 --yes",
    several_profiles=True,
)
@click.option("--dry-run", "-d", is_flag=True, help="Print the plan. Ask and write nothing.")
@yes_option
@report_option
@vaults_option(_VAULTS)
def remove(
    invocation: Invocation, *, dry_run: bool, yes: bool, report: str | None, vault_names: tuple[str, ...]
) -> None:
    """Delete every vault that the config owns, with its secrets."""
    config = invocation.config()
    idle = f"nothing to remove: {config.owner.name} owns no vault here"
    options = _Options(vaults=_chosen(vault_names), unlisted=_SEEN)
    routes = declared_routes(invocation, config)
    for choice, profile in shared(routes, profile_routes(invocation.folder)):
        raise Refused(
            f"profile {profile!r} reads {choice} too; nothing was changed",
            hint=f"name it as well: --profile {profile}",
            code="TARGET_SHARED",
        )
    with open_targets(invocation, routes, (), f"remove {config.owner.name}", writes=not dry_run) as targets:
        joint = _planned(nothing_desired(config), targets, invocation, options)
        _show(joint, invocation, idle=idle, document=dry_run)
        _check_planned(joint, keep_going=False)
        if not dry_run:
            asked = _confirm(joint, Consent(yes=yes, can_ask=invocation.can_ask), invocation, guard=False)
            carry_out(
                joint, targets.stores, invocation, status="removed", prompted=asked, report=Wanted("remove", report)
            )


def _options(vaults: Sequence[str], *, no_prune: bool, trust_stamps: bool, delete_moved: bool) -> _Options:
    if trust_stamps and no_prune:
        raise click.UsageError("--trust-stamps needs a list, and --no-prune makes none", click.get_current_context())
    if delete_moved and no_prune:
        raise click.UsageError("--delete-moved deletes, and --no-prune does not", click.get_current_context())
    return _Options(vaults=_chosen(vaults), prune=not no_prune, trust=trust_stamps, delete_moved=delete_moved)


def _chosen(vaults: Sequence[str]) -> frozenset[str] | None:
    check_names([("vault", vault) for vault in vaults])
    return frozenset(vaults) or None


def _dry_run(
    invocation: Invocation, options: _Options, shape: _Shape, *, detailed_exitcode: bool, keep_going: bool
) -> int:
    config = invocation.config()
    with _opened(invocation, config, writes=False) as targets:
        desired = read_desired(config, invocation.environ, Path(invocation.folder))
        joint = _planned(desired, targets, invocation, options)
        _show(joint, invocation, idle=_MATCHES, document=True, as_markdown=shape.as_markdown)
        _check_planned(joint, keep_going=keep_going)
    if shape.out:
        save_plan(joint, config.owner, _to_save(invocation, options), invocation, shape.out)
    _note_stale_types(config, invocation)
    _check_complete(joint)
    has_changes = any(plan.steps for plan in joint.plans.values())
    return exits.CHANGES if detailed_exitcode and has_changes else exits.DONE


def _apply_saved(invocation: Invocation, file: str, consent: Consent, report: Wanted) -> int:
    """Carry out the saved plan *file*, if it is what would be done now."""
    saved = load_plan(invocation, file)
    config = invocation.config()
    saved.check(config.owner)
    common, made_with = invocation.common, saved.options
    common.profiles, common.store, common.workspace_id = made_with.profiles, made_with.store, made_with.workspace
    options = _Options(
        vaults=frozenset(made_with.vaults) or None,
        prune=made_with.prune,
        trust=made_with.trust,
        delete_moved=made_with.delete_moved,
    )
    with _opened(invocation, config, writes=True) as targets:
        desired = read_desired(config, invocation.environ, Path(invocation.folder))
        joint = _planned(desired, targets, invocation, options)
        _show(joint, invocation, idle=_MATCHES)
        check_planned(joint, "nothing was changed", "run it again when they answer")
        saved.check_same(joint)
        asked = _confirm(joint, consent, invocation)
        carry_out(joint, targets.stores, invocation, status="applied", prompted=asked, report=report)
    _note_stale_types(config, invocation)
    return exits.DONE


def _check_alone(invocation: Invocation, options: _Options, *, dry_run: bool, keep_going: bool) -> None:
    """Raise UsageError for options beside a saved plan that it was made with."""
    common = invocation.common
    named = common.profiles or common.profile or common.store or common.workspace_id
    if named or options != _Options() or keep_going:
        raise click.UsageError("the plan has its own options and targets; leave them out", click.get_current_context())
    if dry_run:
        raise click.UsageError("to print a saved plan, run: tailorsecrets show PLAN", click.get_current_context())


def _to_save(invocation: Invocation, options: _Options) -> PlanOptions:
    common = invocation.common
    profile = common.profile or invocation.environ.get("TAILORSECRETS_PROFILE", "")
    return PlanOptions(
        profiles=common.profiles or ((profile,) if profile else ()),
        store=common.store or "",
        workspace=common.workspace_id or "",
        prune=options.prune,
        trust=options.trust,
        delete_moved=options.delete_moved,
        vaults=tuple(sorted(options.vaults or ())),
    )


def _opened(invocation: Invocation, config: Config, *, writes: bool) -> AbstractContextManager[Targets]:
    routes = declared_routes(invocation, config)
    return open_targets(invocation, routes, config.declarations.vaults, f"apply {config.owner.name}", writes=writes)


def _planned(desired: Desired, targets: Targets, invocation: Invocation, options: _Options) -> JointPlan:
    joint = plan_targets(
        desired,
        targets.layout,
        targets.stores,
        prune=options.prune,
        trust=options.trust,
        delete_moved=options.delete_moved,
        vaults=options.vaults,
        wanted=targets.wanted,
        due=due_by_config(datetime.now(UTC)),
    )
    if len(joint.targets) == 1 and joint.targets[0].error is not None:
        raise joint.targets[0].error
    _check_vaults(desired, joint, options.vaults or frozenset())
    for number, target_plan in joint.plans.items():
        for note in _notes(target_plan, targets.stores[number], options):
            invocation.io.say(f"note: {note}{plans.at(joint, number)}")
    return joint


def _check_vaults(desired: Desired, joint: JointPlan, vaults: frozenset[str]) -> None:
    """Raise VaultNotFound for one of *vaults* that is not declared and that no plan deletes."""
    known = {*desired.vaults, *desired.known}
    planned = {step.place.vault for target_plan in joint.plans.values() for step in target_plan.steps}
    for vault in sorted(vaults - known - planned):
        if not joint.failures:
            problem = f"vault {vault}: the config does not declare it, and no target holds one of this app"
            raise VaultNotFound(problem, hint=did_you_mean(vault, known), vault=vault)


def _notes(target_plan: Plan, store: Store, options: _Options) -> Iterator[str]:
    if target_plan.compared_values:
        yield _COMPARED
    if target_plan.read_values:
        yield _READ
    if target_plan.unlisted:
        yield f"{_UNLISTED}: {options.unlisted}"
    if target_plan.trusted:
        yield f"{target_plan.trusted} {_TRUSTED}"
    if target_plan.unread:
        yield f"{_UNREAD}: {listed(target_plan.unread)}"
    for place in target_plan.unknown:
        yield f"{plans.path(place)} {_UNKNOWN}"
    for place in escaped(target_plan, store):
        yield f"other tools read tailorsecrets:= before the value of {plans.path(place)}"
    if options.delete_moved and target_plan.moved:
        yield f"{_INCOMPLETE}: {listed(target_plan.moved)}"


def _show(
    joint: JointPlan, invocation: Invocation, *, idle: str, document: bool = False, as_markdown: bool = False
) -> None:
    if not joint.failures and not any(target_plan.steps for target_plan in joint.plans.values()):
        invocation.io.say(idle)
    show_plan(joint, invocation, as_markdown=as_markdown, document=document)


def _check_planned(joint: JointPlan, *, keep_going: bool) -> None:
    """Raise the error of targets that cannot be planned, before anything is written."""
    if not keep_going:
        check_planned(joint, "nothing was changed", "run it again; or pass --keep-going for the other targets")


def _check_complete(joint: JointPlan) -> None:
    """Raise the error of targets that are left out, after everything else is done."""
    check_planned(joint, "the other targets are planned", "run it again when they answer")


def _may_delete_moved(joint: JointPlan, invocation: Invocation, consent: Consent) -> bool:
    """Ask whether to delete the old copies of moved vaults, where somebody can be asked; --yes does not cover it."""
    ready = [(number, vault) for number, target_plan in joint.plans.items() for vault in target_plan.ready]
    left = [vault for _, vault in ready if any(vault in target_plan.moved for target_plan in joint.plans.values())]
    if not left or consent.yes or not consent.can_ask:
        return False
    lines = [f"  - {vault}{plans.at(joint, number)}" for number, vault in ready]
    invocation.io.say(
        "\n".join(["These vaults are complete at other targets, and their old copies are still here:", *lines])
    )
    return agreed("Delete the old copies?", invocation)


def _confirm(joint: JointPlan, consent: Consent, invocation: Invocation, *, guard: bool = True) -> bool:
    """Ask what *consent* leaves open, and tell whether somebody was asked."""
    asked: set[Topic] = set()
    for number, target_plan in joint.plans.items():
        asked |= set(to_ask(target_plan, consent, guard=guard, where=plans.at(joint, number)))
    for topic in all_topics(joint.plans.values()):
        invocation.io.say(plans.listing(joint, topic))
        confirm(_QUESTIONS[topic], invocation, code="APPLY_CANCELLED", yes=topic not in asked)
    return bool(asked)


def _note_stale_types(config: Config, invocation: Invocation) -> None:
    if is_stale(Path(invocation.folder) / MODULE, config.declarations.names()):
        invocation.io.say(f"note: {MODULE} is stale; run: tailorsecrets generate{invocation.common.flags()}")
