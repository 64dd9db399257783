"""A plan as text and as JSON. Neither shows a value or the length of one."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from tailorsecrets.cli.managed import other_owner, owner_name
from tailorsecrets.deploy.consent import Topic
from tailorsecrets.deploy.joint import JointPlan, TargetPlan
from tailorsecrets.deploy.plan import Carried, Plan, Rotation, Step
from tailorsecrets.store.names import Place

HELD: Final = "a target that may hold it does not answer or has it disabled"
_SIGNS: Final = {"create": "+", "update": "~", "delete": "-"}
_HEADS: Final[Mapping[Topic, str]] = {
    "conflicts": "These vaults belong to another owner and will be taken over:",
    "unmanaged": "These vaults have no owner and will be taken over:",
    "deletions": "These will be deleted:",
}


def text(joint: JointPlan) -> str:
    """Return *joint* as text, with the summary in the last line; a block for each target where there are several."""
    lines: list[str] = []
    for number, target in joint.shown:
        block = _block(joint, number, target)
        lines += [f"{target.target}:", *(f"  {line}" if line else "" for line in block)] if is_several(joint) else block
    return "\n".join([*lines, last_line(joint)])


def last_line(joint: JointPlan) -> str:
    """Return the summary of *joint* in one line."""
    counts = summary(joint)
    several = f"{len(joint.shown)} targets, " if is_several(joint) else ""
    return f"Plan: {several}{counts['create']} to create, {counts['update']} to update, {counts['delete']} to delete"


def document(joint: JointPlan) -> dict[str, object]:
    """Return *joint* as a JSON document; with several targets, each item names its target."""
    parts: dict[str, list[dict[str, object]]] = {"changes": [], "warnings": [], "conflicts": []}
    for _, target in joint.shown:
        if target.plan is not None:
            at = {"target": target.target.full_url} if is_several(joint) else {}
            for key, items in _items(target.plan).items():
                parts[key] += [{**item, **at} for item in items]
    more = {"targets": targets(joint)} if is_several(joint) else {}
    return {"summary": summary(joint), **parts, **more}


def targets(
    joint: JointPlan,
    outcome: Callable[[int], Mapping[str, object]] = lambda _number: {"done": [], "notDone": []},
) -> list[dict[str, object]]:
    """Return a JSON object for each target of *joint*; *outcome* has what was done there."""
    return [
        {
            "profile": target.profile or None,
            "store": target.target.url,
            "workspace": target.target.workspace,
            "summary": _counts([target.plan]) if target.plan else None,
            "status": target.status,
            "error": target.error and {"code": target.error.code, "message": str(target.error)},
            **outcome(number),
        }
        for number, target in joint.shown
    ]


def is_several(joint: JointPlan) -> bool:
    """Tell whether *joint* has several targets, so that each line must name its own."""
    return len(joint.shown) > 1


def summary(joint: JointPlan) -> dict[str, int]:
    """Return the number of creates, updates and deletes in *joint*."""
    return _counts(joint.plans.values())


def listing(joint: JointPlan, topic: Topic) -> str:
    """Return the list that the user confirms under *topic*."""
    items = [
        f"{item}{at(joint, number)}" for number, plan in joint.plans.items() for item in _confirmed(joint, plan, topic)
    ]
    return "\n".join([_HEADS[topic], *items])


def at(joint: JointPlan, number: int) -> str:
    """Return the words that name target *number*, "" where there is only one."""
    return f" at {joint.targets[number].target}" if is_several(joint) else ""


def described(step: Step) -> str:
    """Return *step* in words, for the report of an apply."""
    return f"{step.action} {path(step.place)}{_for_good(step)}"


def path(place: Place) -> str:
    """Return the name of a vault, or of a secret as vault/name."""
    return "/".join(filter(None, place))


def _counts(plans: Iterable[Plan]) -> dict[str, int]:
    counted = list(plans)
    return {action: sum(plan.count(action) for plan in counted) for action in ("create", "update", "delete")}


def _block(joint: JointPlan, number: int, target: TargetPlan) -> list[str]:
    plan = target.plan
    if plan is None:
        return [f"! {target.status}: {target.error}", ""]
    steps = ordered(plan)
    rotated = _rotated(joint)
    secrets = [step for step in steps if step.place.secret]
    blocks = [
        ("Vaults", [_line(joint, step, plan) for step in steps if not step.place.secret]),
        ("Secrets", [_line(joint, step, plan) for step in secrets if step.place not in rotated]),
        ("Rotations", [_line(joint, step, plan) for step in secrets if step.place in rotated]),
        ("Unmanaged vaults", [f"  {vault}" for vault in plan.unmanaged]),
        ("Skipped, without a value", [f"  ○ {path(place)}" for place in plan.skipped]),
        ("Conflicts", list(_conflicts(plan))),
        (
            "Moved to other targets, and still here",
            [f"  {vault}{moved_to(joint, number, vault)}" for vault in plan.moved],
        ),
        (f"Not made, since {HELD}", [f"  ! {path(place)}" for place in plan.held]),
    ]
    lines = [line for title, rows in blocks if rows for line in (f"{title}:", *rows, "")]
    return lines or (["no changes", ""] if is_several(joint) else [])


def _rotated(joint: JointPlan) -> set[Place]:
    """Return the secrets that get a new value, though they have one."""
    return {step.place for plan in joint.plans.values() for step in plan.steps if isinstance(step.value, Rotation)}


def moved_to(joint: JointPlan, number: int, vault: str) -> str:
    """Return where *vault*, which target *number* still holds, is now."""
    routes = [group.route for group in joint.layout.groups if group.vault == vault and number in group.elsewhere]
    new = ", ".join(str(joint.layout.targets[target]) for route in routes for target in route)
    return f" (now at {new})"


def _items(plan: Plan) -> dict[str, list[dict[str, object]]]:
    warned = {
        ("unmanaged", "vault"): plan.unmanaged,
        ("skippedSecret", "secret"): [path(place) for place in plan.skipped],
        ("moved", "vault"): plan.moved,
        ("notMade", "secret"): [path(place) for place in plan.held],
    }
    warnings: list[dict[str, object]] = [
        {"type": kind, "resourceType": resource, "name": name}
        for (kind, resource), names in warned.items()
        for name in names
    ]
    conflicts: list[dict[str, object]] = [
        {"resourceType": "vault", "name": vault, "currentOwner": owner_name(owner)} for vault, owner in plan.conflicts
    ]
    return {"changes": [_change(step) for step in ordered(plan)], "warnings": warnings, "conflicts": conflicts}


def ordered(plan: Plan) -> list[Step]:
    """Return the steps in the order of the plan: vaults before secrets, creates before updates before deletes."""
    return sorted(plan.steps, key=lambda step: (bool(step.place.secret), list(_SIGNS).index(step.action)))


def _confirmed(joint: JointPlan, plan: Plan, topic: Topic) -> Iterator[str]:
    if topic == "conflicts":
        yield from _conflicts(plan)
    elif topic == "unmanaged":
        yield from (f"  {vault}" for vault in plan.unmanaged)
    else:
        yield from (f"{_line(joint, step, plan)}{_origin(step, plan)}" for step in plan.deletions())


def _conflicts(plan: Plan) -> Iterator[str]:
    return (f"  ! {vault} (owner: {other_owner(owner, plan.owner)})" for vault, owner in plan.conflicts)


def _line(joint: JointPlan, step: Step, plan: Plan) -> str:
    line = f"  {_SIGNS[step.action]} {path(step.place)}{_for_good(step)}"
    words = note(joint, step, plan)
    return f"{line} ({words})" if words else line


def note(joint: JointPlan, step: Step, plan: Plan) -> str:
    """Return why *step* is done, or where its value comes from; "" if the action is enough."""
    if isinstance(step.value, Carried):
        source = joint.targets[step.value.target].target
        return f"value read from {source}" if step.value.version else f"same value as at {source}"
    if step.note or step.action != "update" or step.place.secret:
        return step.note
    return "claim" if step.place.vault in plan.claimed() else "owner"


def _for_good(step: Step) -> str:
    return " (for good)" if step.for_good else ""


def _origin(step: Step, plan: Plan) -> str:
    return " (in a vault that this apply takes over)" if step.place.vault in plan.claimed() else ""


def _change(step: Step) -> dict[str, object]:
    kind = "secret" if step.place.secret else "vault"
    return {"action": step.action, "name": path(step.place), "labels": [kind]}
