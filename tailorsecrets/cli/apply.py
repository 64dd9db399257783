"""``plan``, ``apply`` and ``remove``."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

import click

from tailorsecrets.cli import exits
from tailorsecrets.cli.commands import command
from tailorsecrets.cli.generate import is_stale
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.names import vaults_option, yes_option
from tailorsecrets.cli.planning import (
    Options,
    check_all_planned,
    check_complete,
    confirm_all,
    may_delete_moved,
    planned,
    show,
)
from tailorsecrets.cli.reporting import Wanted, report_option
from tailorsecrets.cli.saved import load_plan, save_plan
from tailorsecrets.cli.targets import Targets, declared_routes, open_targets
from tailorsecrets.cli.writing import carry_out, check_planned
from tailorsecrets.config.config import Config
from tailorsecrets.config.typegen import MODULE
from tailorsecrets.deploy.consent import Consent
from tailorsecrets.deploy.layout import shared
from tailorsecrets.deploy.observe import nothing_desired, read_desired
from tailorsecrets.deploy.planfile import PlanOptions
from tailorsecrets.errors import Refused
from tailorsecrets.store.names import check_names
from tailorsecrets.targets.routes import profile_routes

_SEEN: Final = "secrets that the config declares are deleted; other secrets in its vaults are not found"
_VAULTS: Final = "Only this vault."
_MATCHES: Final = "nothing to do: the store matches the config"

F = TypeVar("F", bound=Callable[..., object])


class _Shape(NamedTuple):
    """How to show a plan, and where to save it."""

    out: str | None = None
    as_markdown: bool = False


def _plan_options(function: F) -> F:
    """Add the options of plan and apply."""
    for option in (
        click.option("--keep-going", is_flag=True, help="Plan and apply the other targets if one cannot be planned."),
        click.option("--delete-moved", is_flag=True, help="Delete old copies of vaults that are complete elsewhere."),
        click.option(
            "--trust-stamps",
            is_flag=True,
            help="Trust a stamp in a list that matches; read no metadata.",
        ),
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
    "--allow-deletes", type=click.IntRange(min=0), metavar="N", help="Let --yes delete up to N secrets at each target."
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
    --allow-deletes covers more. If one target cannot be planned, nothing is written, unless you pass --keep-going.

    PLAN is a file that plan --out wrote. If a new plan would be the same, it is carried out without questions, except
    about a deletion over the limit.
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
        joint = planned(desired, targets, invocation, options)
        show(joint, invocation, idle=_MATCHES)
        check_all_planned(joint, keep_going=keep_going)
        if may_delete_moved(joint, invocation, consent):
            joint = planned(desired, targets, invocation, replace(options, delete_moved=True))
            show(joint, invocation, idle=_MATCHES)
        asked = confirm_all(joint, consent, invocation)
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
    options = Options(vaults=_chosen(vault_names), unlisted=_SEEN)
    routes = declared_routes(invocation, config)
    for choice, profile in shared(routes, profile_routes(invocation.folder)):
        raise Refused(
            f"profile {profile!r} reads {choice} too; nothing was changed",
            hint=f"name that profile too: --profile {profile}",
            code="TARGET_SHARED",
        )
    with open_targets(invocation, routes, (), f"remove {config.owner.name}", writes=not dry_run) as targets:
        joint = planned(nothing_desired(config), targets, invocation, options)
        show(joint, invocation, idle=idle, document=dry_run)
        check_all_planned(joint, keep_going=False)
        if not dry_run:
            asked = confirm_all(joint, Consent(yes=yes, can_ask=invocation.can_ask), invocation, guard=False)
            carry_out(
                joint, targets.stores, invocation, status="removed", prompted=asked, report=Wanted("remove", report)
            )


def _options(vaults: Sequence[str], *, no_prune: bool, trust_stamps: bool, delete_moved: bool) -> Options:
    if trust_stamps and no_prune:
        raise click.UsageError(
            "--trust-stamps cannot be combined with --no-prune, which makes no list", click.get_current_context()
        )
    if delete_moved and no_prune:
        raise click.UsageError("--delete-moved deletes, and --no-prune does not", click.get_current_context())
    return Options(vaults=_chosen(vaults), prune=not no_prune, trust=trust_stamps, delete_moved=delete_moved)


def _chosen(vaults: Sequence[str]) -> frozenset[str] | None:
    check_names([("vault", vault) for vault in vaults])
    return frozenset(vaults) or None


def _dry_run(
    invocation: Invocation, options: Options, shape: _Shape, *, detailed_exitcode: bool, keep_going: bool
) -> int:
    config = invocation.config()
    with _opened(invocation, config, writes=False) as targets:
        desired = read_desired(config, invocation.environ, Path(invocation.folder))
        joint = planned(desired, targets, invocation, options)
        show(joint, invocation, idle=_MATCHES, document=True, as_markdown=shape.as_markdown)
        check_all_planned(joint, keep_going=keep_going)
    if shape.out:
        save_plan(joint, config.owner, _to_save(invocation, options), invocation, shape.out)
    _note_stale_types(config, invocation)
    check_complete(joint)
    has_changes = any(plan.steps for plan in joint.plans.values())
    return exits.CHANGES if detailed_exitcode and has_changes else exits.DONE


def _apply_saved(invocation: Invocation, file: str, consent: Consent, report: Wanted) -> int:
    """Carry out the saved plan *file*, if a new plan would be the same."""
    saved = load_plan(invocation, file)
    config = invocation.config()
    saved.check(config.owner)
    common, made_with = invocation.common, saved.options
    common.profiles, common.store, common.workspace_id = made_with.profiles, made_with.store, made_with.workspace
    options = Options(
        vaults=frozenset(made_with.vaults) or None,
        prune=made_with.prune,
        trust=made_with.trust,
        delete_moved=made_with.delete_moved,
    )
    with _opened(invocation, config, writes=True) as targets:
        desired = read_desired(config, invocation.environ, Path(invocation.folder))
        joint = planned(desired, targets, invocation, options)
        show(joint, invocation, idle=_MATCHES)
        check_planned(joint, "nothing was changed", "run it again when they answer")
        saved.check_same(joint)
        asked = confirm_all(joint, consent, invocation)
        carry_out(joint, targets.stores, invocation, status="applied", prompted=asked, report=report)
    _note_stale_types(config, invocation)
    return exits.DONE


def _check_alone(invocation: Invocation, options: Options, *, dry_run: bool, keep_going: bool) -> None:
    """Raise UsageError for options that the saved plan already has."""
    common = invocation.common
    named = common.profiles or common.profile or common.store or common.workspace_id
    if named or options != Options() or keep_going:
        raise click.UsageError(
            "a saved plan has its own options and targets; leave these options out", click.get_current_context()
        )
    if dry_run:
        raise click.UsageError("to print a saved plan, run: tailorsecrets show PLAN", click.get_current_context())


def _to_save(invocation: Invocation, options: Options) -> PlanOptions:
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


def _note_stale_types(config: Config, invocation: Invocation) -> None:
    if is_stale(Path(invocation.folder) / MODULE, config.declarations.names()):
        invocation.io.say(f"note: {MODULE} is stale; run: tailorsecrets generate{invocation.common.flags()}")
