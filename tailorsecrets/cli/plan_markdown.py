"""A plan as a table in Markdown, for a pull request or a ticket. It shows no value."""

from collections.abc import Iterator

from tailorsecrets.cli import markdown, plans
from tailorsecrets.cli.managed import owner_name
from tailorsecrets.deploy.joint import JointPlan, TargetPlan


def table_of(joint: JointPlan) -> str:
    """Return *joint* as a table with a row for each step and each fact, and the summary after it."""
    several = plans.is_several(joint)
    rows: list[list[str]] = []
    for number, target in joint.shown:
        where = [markdown.code(str(target.target))] if several else []
        rows += [[*where, *row] for row in _rows(joint, number, target)]
    head = [*(["target"] if several else []), "change", "name", "note"]
    last = f"**{plans.last_line(joint)}**"
    return f"{markdown.table(head, rows)}\n\n{last}" if rows else last


def _rows(joint: JointPlan, number: int, target: TargetPlan) -> Iterator[list[str]]:
    plan = target.plan
    if plan is None:
        yield [markdown.text(target.status), "", markdown.text(str(target.error))]
        return
    for step in plans.ordered(plan):
        note = ", ".join(filter(None, ["for good" if step.for_good else "", plans.note(joint, step, plan)]))
        yield [step.action, markdown.code(plans.path(step.place)), markdown.text(note)]
    for vault in plan.unmanaged:
        yield ["unmanaged", markdown.code(vault), ""]
    for vault, owner in plan.conflicts:
        yield ["conflict", markdown.code(vault), f"owner: {markdown.code(owner_name(owner))}"]
    for place in plan.skipped:
        yield ["skipped", markdown.code(plans.path(place)), "without a value"]
    for vault in plan.moved:
        yield ["moved", markdown.code(vault), markdown.text(plans.moved_to(joint, number, vault).strip(" ()"))]
    for place in plan.held:
        yield [
            "not made",
            markdown.code(plans.path(place)),
            "a target that may hold it does not answer or has it disabled",
        ]
