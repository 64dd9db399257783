"""What plan, apply and remove share: planning over all targets, its notes, the plan on stdout, and the questions."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from tailorsecrets.cli import plans
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.nearest import did_you_mean
from tailorsecrets.cli.prompts import agreed, confirm
from tailorsecrets.cli.saved import show_plan
from tailorsecrets.cli.targets import Targets
from tailorsecrets.cli.writing import check_planned
from tailorsecrets.deploy.consent import Consent, Topic, all_topics, listed, to_ask
from tailorsecrets.deploy.joint import JointPlan
from tailorsecrets.deploy.observe import escaped
from tailorsecrets.deploy.plan import Desired, Plan
from tailorsecrets.deploy.planning import plan_targets
from tailorsecrets.deploy.rotate import due_by_config
from tailorsecrets.errors import VaultNotFound
from tailorsecrets.store.store import Store

_TRUSTED: Final = (
    "secrets count as unchanged because of the list, which may lack writes of other tools and the newest writes"
)
_UNREAD: Final = "vaults whose owner is unknown, since their record cannot be read, are not changed"
_UNKNOWN: Final = "may differ and is not changed: it has no stamp, and this login may not read its value"
_COMPARED: Final = "the store keeps no stamps (fingerprints of values), so the plan read and compared values"
_READ: Final = "the store shows metadata only together with the value, so the plan read values"
_UNLISTED: Final = "the store cannot list its secrets"
KEPT: Final = "nothing is deleted, even if the config no longer declares it"
_INCOMPLETE: Final = "old copies stay until every secret is at the new targets; apply, then delete them"
_QUESTIONS: Final[dict[Topic, str]] = {
    "conflicts": "Take these vaults over from their owners?",
    "unmanaged": "Take these vaults over?",
    "deletions": "Delete all of these?",
}


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to plan."""

    vaults: frozenset[str] | None = None  # None: all
    prune: bool = True
    trust: bool = False
    delete_moved: bool = False
    unlisted: str = KEPT  # what is not done in a store that cannot list


def planned(desired: Desired, targets: Targets, invocation: Invocation, options: Options) -> JointPlan:
    """Return the plan for *targets*, after its notes are shown; if there is only one target, raise its error."""
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
            problem = f"vault {vault}: the config does not declare it, and no target has such a vault of this app"
            raise VaultNotFound(problem, hint=did_you_mean(vault, known), vault=vault)


def _notes(target_plan: Plan, store: Store, options: Options) -> Iterator[str]:
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


def show(
    joint: JointPlan, invocation: Invocation, *, idle: str, document: bool = False, as_markdown: bool = False
) -> None:
    """Print *joint*, or with --json its *document*; without a step, say *idle*."""
    if not joint.failures and not any(target_plan.steps for target_plan in joint.plans.values()):
        invocation.io.say(idle)
    show_plan(joint, invocation, as_markdown=as_markdown, document=document)


def check_all_planned(joint: JointPlan, *, keep_going: bool) -> None:
    """Raise the error of targets that cannot be planned, before anything is written."""
    if not keep_going:
        check_planned(joint, "nothing was changed", "run it again; or pass --keep-going to do the other targets")


def check_complete(joint: JointPlan) -> None:
    """Raise the error of targets that are left out, after everything else is done."""
    check_planned(joint, "the other targets are planned", "run it again when they answer")


def may_delete_moved(joint: JointPlan, invocation: Invocation, consent: Consent) -> bool:
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


def confirm_all(joint: JointPlan, consent: Consent, invocation: Invocation, *, guard: bool = True) -> bool:
    """Ask the questions that *consent* leaves open, and tell whether somebody was asked."""
    asked: set[Topic] = set()
    for number, target_plan in joint.plans.items():
        asked |= set(to_ask(target_plan, consent, guard=guard, where=plans.at(joint, number)))
    for topic in all_topics(joint.plans.values()):
        invocation.io.say(plans.listing(joint, topic))
        confirm(_QUESTIONS[topic], invocation, code="APPLY_CANCELLED", yes=topic not in asked)
    return bool(asked)
