"""Rotation: new values for generated secrets, by name or by age."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from tailorsecrets.declared.declarations import Declarations
from tailorsecrets.declared.periods import JUST_NOW, age_in_words
from tailorsecrets.declared.sources import Generate
from tailorsecrets.deploy.joint import Due, JointPlan
from tailorsecrets.deploy.layout import Layout
from tailorsecrets.deploy.plan import Desired, Plan, Rotation
from tailorsecrets.deploy.planning import plan_targets
from tailorsecrets.driver import Entry
from tailorsecrets.errors import Conflict, SecretNotFound, UndeclaredSecret, Unsupported, VaultNotFound
from tailorsecrets.store.names import Place
from tailorsecrets.store.record import Owner
from tailorsecrets.store.store import Store

_APPLY: Final = "run: tailorsecrets apply"


def due_by_config(now: datetime) -> Due:
    """Return the function that decides at *now* whether a secret is older than its ``rotate_after``."""

    def due(_place: Place, kind: Generate, entry: Entry) -> str:
        age = _age(entry, now)
        return "" if age is None or kind.rotate_after is None or age <= kind.rotate_after else _note(age)

    return due


def due_by_command(now: datetime, older_than: int | None) -> Due:
    """Return the function that decides at *now* whether a secret is older than *older_than* seconds; None: always."""

    def due(_place: Place, _kind: Generate, entry: Entry) -> str:
        age = _age(entry, now)
        if older_than is not None and (age is None or age <= older_than):
            return ""
        return "rotate" if age is None else _note(age)

    return due


def to_rotate(declarations: Declarations, owner: Owner, places: Collection[Place], vaults: Collection[str]) -> Desired:
    """Return the generated secrets among *places*, in *vaults*, or of the whole config where both are empty.

    Raise UndeclaredSecret for what the config does not declare, and Unsupported that lists those of *places* whose
    value does not come from ``generate``.
    """
    for place in (*places, *map(Place, vaults)):
        _check_declared(declarations, place)
    others = [str(place) for place in places if not isinstance(_source(declarations, place), Generate)]
    if others:
        raise Unsupported(
            f"{', '.join(others)}: only values that generate() makes can be rotated",
            hint="change the value at its source, and run: tailorsecrets apply",
        )
    found: dict[str, dict[str, Generate]] = {}
    for vault, sources in declarations.vaults.items():
        for secret, source in sources.items():
            named = vault in vaults or Place(vault, secret) in places or not (places or vaults)
            if named and isinstance(source, Generate):
                found.setdefault(vault, {})[secret] = source
    return Desired(owner, found, declarations.external)


def plan_rotation(
    desired: Desired, layout: Layout, stores: Sequence[Store], due: Due, *, named: Collection[Place] = ()
) -> JointPlan:
    """Return the plan that gives those of *desired* that are *due* a new value on all their targets.

    Targets that cannot be read have their error in the plan. Raise VaultNotFound or SecretNotFound for what is not
    there yet, and Conflict for a vault of another owner and where one of *named* cannot be rotated.
    """
    joint = plan_targets(desired, layout, stores, prune=False, due=due)
    if joint.failures:
        return joint
    for plan in joint.plans.values():
        _check_ours(plan)
    _check_there(joint)
    rotated = {step.place for plan in joint.plans.values() for step in plan.steps if isinstance(step.value, Rotation)}
    _check_rotated(rotated, named)
    targets = [replace(target, plan=target.plan and _only(target.plan, rotated)) for target in joint.targets]
    return replace(joint, targets=tuple(targets))


def _only(plan: Plan, rotated: Collection[Place]) -> Plan:
    """Return *plan* with the steps of *rotated* secrets, and of the records of their vaults."""
    vaults = {place.vault for place in rotated}
    kept = {*rotated, *map(Place, vaults)}
    return replace(plan, steps=tuple(step for step in plan.steps if step.place in kept))


def _check_ours(plan: Plan) -> None:
    owners: Mapping[str, str] = {
        **dict.fromkeys(plan.unmanaged, "nobody manages it"),
        **{vault: f"{owner.name or owner.id} manages it" for vault, owner in plan.conflicts},
    }
    for vault, problem in sorted(owners.items()):
        hint = f"{_APPLY}, which asks and takes it over"
        raise Conflict(f"vault {vault}: {problem}, not {plan.owner.name}", hint=hint, vault=vault)


def _check_there(joint: JointPlan) -> None:
    """Raise for a vault or a secret that its primary does not have yet."""
    for number, plan in joint.plans.items():
        for step in plan.steps:
            vault, secret = step.place
            if step.action == "create" and number == joint.layout.group(number, vault).route[0]:
                kind = SecretNotFound if secret else VaultNotFound
                what = f"{step.place}" if secret else f"vault {vault}"
                raise kind(f"{what}: does not exist yet", hint=_APPLY, vault=vault, secret=secret)


def _check_rotated(rotated: Collection[Place], named: Collection[Place]) -> None:
    for place in named:
        if place not in rotated:
            raise Conflict(
                f"{place}: it cannot be rotated, since it is disabled at its primary",
                hint="enable it with the store's own tools",
                vault=place.vault,
                secret=place.secret,
            )


def _check_declared(declarations: Declarations, place: Place) -> None:
    from difflib import get_close_matches

    names = declarations.names()
    known = [f"{vault}/{name}" for vault in names for name in names[vault]] if place.secret else list(names)
    asked = f"{place.vault}/{place.secret}" if place.secret else place.vault
    if asked in known:
        return
    near = get_close_matches(asked, known, n=1)
    raise UndeclaredSecret(
        f"{asked}: the config does not declare it",
        hint=f"did you mean {near[0]}?" if near else "",
        vault=place.vault,
        secret=place.secret,
    )


def _source(declarations: Declarations, place: Place) -> object:
    return declarations.vaults.get(place.vault, {}).get(place.secret)


def _age(entry: Entry, now: datetime) -> float | None:
    """Return the seconds since the current version was written, None where the store does not report it."""
    written = entry.updated or entry.created
    return None if written is None else (now - written).total_seconds()


def _note(age: float) -> str:
    words = age_in_words(age)
    return f"rotate: written {words}" if words == JUST_NOW else f"rotate: {words} old"
