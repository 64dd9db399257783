"""A plan as text and as JSON. Neither shows a value or the length of one."""

from collections.abc import Iterator, Mapping
from typing import Final

from tailorsecrets.cli.managed import other_owner, owner_name
from tailorsecrets.deploy.consent import Topic
from tailorsecrets.deploy.plan import Plan, Step
from tailorsecrets.store.names import Place

_SIGNS: Final = {"create": "+", "update": "~", "delete": "-"}
_HEADS: Final[Mapping[Topic, str]] = {
    "conflicts": "These vaults belong to another owner and will be taken over:",
    "unmanaged": "These vaults have no owner and will be taken over:",
    "deletions": "These will be deleted:",
}


def text(plan: Plan) -> str:
    """Return *plan* as text, with the summary in the last line."""
    blocks = [
        ("Vaults", [_line(step, plan) for step in _ordered(plan) if not step.place.secret]),
        ("Secrets", [_line(step, plan) for step in _ordered(plan) if step.place.secret]),
        ("Unmanaged vaults", [f"  {vault}" for vault in plan.unmanaged]),
        ("Skipped, without a value", [f"  ○ {path(place)}" for place in plan.skipped]),
        ("Conflicts", list(_conflicts(plan))),
    ]
    lines = [line for title, rows in blocks if rows for line in (f"{title}:", *rows, "")]
    counts = summary(plan)
    last = f"Plan: {counts['create']} to create, {counts['update']} to update, {counts['delete']} to delete"
    return "\n".join([*lines, last])


def document(plan: Plan) -> dict[str, object]:
    """Return *plan* as a JSON document."""
    unmanaged = [{"type": "unmanaged", "resourceType": "vault", "name": vault} for vault in plan.unmanaged]
    skipped = [{"type": "skippedSecret", "resourceType": "secret", "name": path(place)} for place in plan.skipped]
    return {
        "summary": summary(plan),
        "changes": [_change(step) for step in _ordered(plan)],
        "warnings": [*unmanaged, *skipped],
        "conflicts": [
            {"resourceType": "vault", "name": vault, "currentOwner": owner_name(owner)}
            for vault, owner in plan.conflicts
        ],
    }


def summary(plan: Plan) -> dict[str, int]:
    """Return the number of creates, updates and deletes in *plan*."""
    return {action: plan.count(action) for action in ("create", "update", "delete")}


def listing(plan: Plan, topic: Topic) -> str:
    """Return the list that the user confirms under *topic*."""
    return "\n".join([_HEADS[topic], *_items(plan, topic)])


def described(step: Step) -> str:
    """Return *step* in words, for the report of an apply."""
    return f"{step.action} {path(step.place)}{_for_good(step)}"


def path(place: Place) -> str:
    """Return the name of a vault, or of a secret as vault/name."""
    return "/".join(filter(None, place))


def _ordered(plan: Plan) -> list[Step]:
    """Return the steps in the order of the plan: vaults before secrets, creates before updates before deletes."""
    return sorted(plan.steps, key=lambda step: (bool(step.place.secret), list(_SIGNS).index(step.action)))


def _items(plan: Plan, topic: Topic) -> Iterator[str]:
    if topic == "conflicts":
        yield from _conflicts(plan)
    elif topic == "unmanaged":
        yield from (f"  {vault}" for vault in plan.unmanaged)
    else:
        yield from (f"{_line(step, plan)}{_origin(step, plan)}" for step in plan.deletions())


def _conflicts(plan: Plan) -> Iterator[str]:
    return (f"  ! {vault} (owner: {other_owner(owner, plan.owner)})" for vault, owner in plan.conflicts)


def _line(step: Step, plan: Plan) -> str:
    line = f"  {_SIGNS[step.action]} {path(step.place)}{_for_good(step)}"
    if step.action != "update" or step.place.secret:
        return line
    return f"{line} (claim)" if step.place.vault in plan.claimed() else f"{line} (owner)"


def _for_good(step: Step) -> str:
    return " (for good)" if step.for_good else ""


def _origin(step: Step, plan: Plan) -> str:
    return " (in a vault that this apply takes over)" if step.place.vault in plan.claimed() else ""


def _change(step: Step) -> dict[str, object]:
    kind = "secret" if step.place.secret else "vault"
    return {"action": step.action, "name": path(step.place), "labels": [kind]}
