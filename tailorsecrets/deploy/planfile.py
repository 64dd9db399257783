"""Saved plans: a plan as a file, and what differs between it and a new plan. Pure.

A file holds no value, no length and no stamp key. Of each value in a vault that exists it holds the stamp, which tells
nothing to those who do not have the vault's key. The key of a new vault is not made yet, so its values have no stamp
in the file: with a key beside it, a short value could be guessed.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any, Final, cast

from tailorsecrets.declared.sources import Generate
from tailorsecrets.deploy.joint import JointPlan, TargetPlan
from tailorsecrets.deploy.layout import Group, Layout
from tailorsecrets.deploy.plan import Carried, Plan, Rotation, Step, StepValue
from tailorsecrets.driver import Entry
from tailorsecrets.errors import ConfigError, Refused, Unsupported
from tailorsecrets.secret import Secret
from tailorsecrets.store.names import Place
from tailorsecrets.store.record import Owner, Record
from tailorsecrets.store.versions import is_version
from tailorsecrets.targets.choice import Choice

_FORMAT: Final = "tailorsecrets-plan"
_VERSION: Final = 1
_FACTS: Final = ("unmanaged", "unread", "moved")  # names of vaults
_PLACES: Final = ("skipped", "unknown", "held")  # names of secrets
_SIGNS: Final = {"create": "+", "update": "~", "delete": "-"}

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOptions:
    """The options that a plan was made with; ``apply`` of its file plans with the same ones."""

    profiles: tuple[str, ...] = ()
    store: str = ""
    workspace: str = ""
    prune: bool = True
    trust: bool = False
    delete_moved: bool = False
    vaults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """A plan as it was read from a file; ``joint`` has its steps without their values, to be shown."""

    owner: Owner
    options: PlanOptions
    joint: JointPlan
    document: Document

    def check(self, owner: Owner) -> None:
        """Raise ConfigError with PLAN_INVALID where the plan is of another app than *owner*."""
        if not owner.owns(self.owner):
            raise ConfigError(
                f"the plan is for {self.owner.name}, but the config is for {_named(owner, self.owner)}",
                code="PLAN_INVALID",
                hint="plan again with this config",
            )

    def check_same(self, joint: JointPlan) -> None:
        """Raise Refused with PLAN_STALE that lists what differs between this plan and *joint*, the new plan."""
        found = list(_differences(self.document, _targets(joint)))
        if not found and self.document["routes"] != _as_read(_routes(joint)):
            found.append("vaults have other targets")
        if found:
            raise Refused(
                f"a new plan would differ from the saved one; nothing was changed: {'; '.join(found)}",
                code="PLAN_STALE",
                hint="make, review and apply a new plan",
            )


def plan_text(joint: JointPlan, owner: Owner, options: PlanOptions) -> str:
    """Return the content of the file of a plan whose targets were all read."""
    document = {
        "format": _FORMAT,
        "version": _VERSION,
        "app": {"name": owner.name, "id": owner.id},
        "options": asdict(options),
        "targets": _targets(joint),
        "routes": _routes(joint),
    }
    return json.dumps({**document, "digest": _digest(document)}, indent=1, ensure_ascii=False) + "\n"


def parse_plan(text: str, path: str) -> SavedPlan:
    """Read what ``plan_text`` returned; *path* names the file in errors.

    Raise ConfigError with PLAN_INVALID for anything else, Unsupported for a plan of a newer format.
    """
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or cast("Document", found).get("format") != _FORMAT:
        raise ConfigError(f"{path}: not a saved plan, or a damaged one", code="PLAN_INVALID")
    document = cast("dict[str, Any]", found)
    if document.get("version") != _VERSION:
        raise Unsupported(f"{path}: a newer tailorsecrets wrote this plan", hint="upgrade tailorsecrets")
    digest = document.pop("digest", None)
    if digest != _digest(document):
        raise ConfigError(f"{path}: the plan is damaged, or was edited", code="PLAN_INVALID", hint="plan again")
    try:
        app = Owner(document["app"]["name"], document["app"]["id"])
        return SavedPlan(app, _options(document["options"]), _joint(document, app), document)
    except (AttributeError, KeyError, TypeError, ValueError):
        pass
    raise ConfigError(f"{path}: not a plan that tailorsecrets wrote", code="PLAN_INVALID", hint="plan again")


def _options(found: Document) -> PlanOptions:
    return PlanOptions(
        profiles=tuple(found["profiles"]),
        store=found["store"],
        workspace=found["workspace"],
        prune=found["prune"],
        trust=found["trust"],
        delete_moved=found["delete_moved"],
        vaults=tuple(found["vaults"]),
    )


def _digest(document: Document) -> str:
    return sha256(json.dumps(document, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _named(owner: Owner, other: Owner) -> str:
    return f"{owner.name}, another id" if owner.name == other.name else owner.name


def _targets(joint: JointPlan) -> list[dict[str, Any]]:
    return [
        {
            "store": target.target.url,
            "workspace": target.target.workspace,
            "profile": target.profile,
            **(_plan(target.plan) if target.plan and not target.aside else {}),
        }
        for target in joint.targets
    ]


def _routes(joint: JointPlan) -> list[dict[str, Any]]:
    return [asdict(group) for group in joint.layout.groups]


def _plan(plan: Plan) -> dict[str, Any]:
    return {
        "steps": [_step(step, plan.records.get(step.place.vault)) for step in plan.steps],
        "versions": {_path(place): version for place, version in sorted(plan.versions.items())},
        "records": {
            vault: {"version": record.version, "owner": record.owner}
            for vault, record in sorted(plan.records.items())
            if record is not None and record.version
        },
        "conflicts": [{"vault": vault, "owner": owner} for vault, owner in plan.conflicts],
        "owned": plan.owned,
        "comparedValues": plan.compared_values,
        "trusted": plan.trusted,
        **{name: list(getattr(plan, name)) for name in _FACTS},
        **{name: [_path(place) for place in getattr(plan, name)] for name in _PLACES},
    }


def _step(step: Step, record: Record | None) -> dict[str, Any]:
    return {
        "action": step.action,
        "vault": step.place.vault,
        "secret": step.place.secret,
        "version": step.expect,
        "forGood": step.for_good,
        "note": step.note,
        "value": _value(step, record),
    }


def _value(step: Step, record: Record | None) -> dict[str, Any]:
    """Return what the file says of the value of *step*: its stamp under the key of *record*, or where it comes from."""
    match step.value:
        case Secret() if record is not None and record.version and record.key.reveal():
            return {"stamp": record.stamp(step.place.secret, step.value)}
        case Generate():
            return {"from": "generate"}
        case Rotation():
            return {"from": "rotation"}
        case Carried():
            return {"from": "target", "target": step.value.target, "version": step.value.version}
        case _:
            return {}


def _differences(saved: Document, now: Sequence[Document]) -> Iterator[str]:
    before = {_target_name(target): target for target in saved["targets"]}
    after = {_target_name(target): target for target in now}
    yield from (f"{name}: a target that is not in the plan" for name in after.keys() - before.keys())
    yield from (f"{name}: not a target any more" for name in before.keys() - after.keys())
    for name, target in before.items():
        if name in after:
            yield from (f"{name}: {difference}" for difference in _changes(target, _as_read(after[name])))


def _changes(before: Document, after: Document) -> Iterator[str]:
    old, new = _steps_by_place(before), _steps_by_place(after)
    yield from (f"{_sign(old[place])} is not needed any more" for place in old if place not in new)
    yield from (f"{_sign(new[place])} is not in the plan" for place in new if place not in old)
    changed = {place: _change(old[place], new[place]) for place in old if place in new}
    yield from (f"{_sign(old[place])}: {change}" for place, change in changed.items() if change)
    versions = {**after.get("versions", {})}
    for place, version in before.get("versions", {}).items():
        if place in versions and place not in old and place not in new and not _same(version, versions[place]):
            yield f"{place} changed in the store"
    if before.get("records") != after.get("records"):
        yield from (
            f"vault {vault}: its record changed"
            for vault in sorted({**before.get("records", {}), **after.get("records", {})})
            if before.get("records", {}).get(vault) != after.get("records", {}).get(vault)
        )
    for fact in ("conflicts", *_FACTS, *_PLACES):
        if before.get(fact) != after.get(fact):
            yield f"other vaults or secrets are {fact}"


def _change(old: Document, new: Document) -> str:
    if old["action"] != new["action"]:
        return f"its action is now {new['action']}"
    if not _same(old["version"], new["version"]):
        return "it changed in the store"
    if old["value"] != new["value"]:
        return "its value differs now"
    return "" if old["forGood"] == new["forGood"] else "it cannot be undone now"


def _as_read(document: Any) -> Any:
    """Return *document* as it would be read from a file: tuples are lists there."""
    return json.loads(json.dumps(document))


def _path(place: Place) -> str:
    return "/".join(filter(None, place))


def _same(one: str, other: str) -> bool:
    return is_version(Entry(name="", version=one), other)


def _steps_by_place(target: Document) -> dict[str, Document]:
    return {_path(Place(step["vault"], step["secret"])): step for step in target.get("steps", ())}


def _sign(step: Document) -> str:
    return f"{_SIGNS[step['action']]} {_path(Place(step['vault'], step['secret']))}"


def _target_name(target: Document) -> str:
    return f"{target['store']}, workspace {target['workspace']}"


def _joint(document: Document, owner: Owner) -> JointPlan:
    targets = document["targets"]
    choices = tuple(Choice(target["store"], target["workspace"], "") for target in targets)
    profiles = tuple(str(target["profile"]) for target in targets)
    plans = [
        TargetPlan(
            choice, profile, _read_plan(target, owner) if "steps" in target else None, aside="steps" not in target
        )
        for choice, profile, target in zip(choices, profiles, targets, strict=True)
    ]
    none: frozenset[str] = frozenset()
    groups = tuple(
        Group(group["vault"], tuple(group["route"]), tuple(group["elsewhere"])) for group in document["routes"]
    )
    return JointPlan(Layout(choices, groups, profiles, (none,) * len(choices)), tuple(plans))


def _read_plan(target: Document, owner: Owner) -> Plan:
    return Plan(
        owner=owner,
        steps=tuple(_read_step(step) for step in target["steps"]),
        records={vault: Record(version=record["version"]) for vault, record in target["records"].items()},
        conflicts=tuple((conflict["vault"], Owner(*conflict["owner"])) for conflict in target["conflicts"]),
        owned=target["owned"],
        compared_values=target["comparedValues"],
        trusted=target["trusted"],
        unmanaged=tuple(target["unmanaged"]),
        unread=tuple(target["unread"]),
        moved=tuple(target["moved"]),
        skipped=_places(target["skipped"]),
        unknown=_places(target["unknown"]),
        held=_places(target["held"]),
    )


def _places(paths: Sequence[str]) -> tuple[Place, ...]:
    return tuple(Place(*path.partition("/")[::2]) for path in paths)


def _read_step(step: Document) -> Step:
    place = Place(step["vault"], step["secret"])
    value = _read_value(step["value"], step["note"])
    return Step(step["action"], place, value, step["version"], for_good=step["forGood"], note=step["note"])


def _read_value(value: Document, note: str) -> StepValue | None:
    match value:
        case {"from": "generate"}:
            return Generate()
        case {"from": "rotation"}:
            return Rotation(Generate(), note)
        case {"from": "target", "target": target, "version": version}:
            return Carried(target, version)
        case _:
            return None
