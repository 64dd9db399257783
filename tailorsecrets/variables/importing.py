"""Bringing the variables of a file into a vault: what is in the file, and the plan that writes it."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final, Literal, NamedTuple

from tailorsecrets.deploy.by_hand import OpenTarget, look
from tailorsecrets.deploy.joint import JointPlan, TargetPlan
from tailorsecrets.deploy.layout import Group, Layout
from tailorsecrets.deploy.observe import make_plan
from tailorsecrets.deploy.plan import Desired, Plan
from tailorsecrets.errors import ConfigError
from tailorsecrets.secret import Secret
from tailorsecrets.store.record import Owner
from tailorsecrets.store.store import Store, workspace_of
from tailorsecrets.targets.env_files import variables_in
from tailorsecrets.variables.names import secrets_of

FileFormat = Literal["dotenv", "json"]

_NAME: Final = re.compile(r"[\w.-]+")
_BARE: Final = re.compile(r"[A-Z_][A-Z0-9_]{0,39}")  # anything else without "=" may be a line of a value
_NOBODY: Final = Owner("")  # what is written by hand has no owner


class Incoming(NamedTuple):
    """The content of a file: values by variable, and notes on what it does not give."""

    values: Mapping[str, Secret]
    notes: tuple[str, ...] = ()


def parsed(text: Secret, kind: FileFormat, file: str = "") -> Incoming:
    """Return the variables in *text*, a file of the format *kind*. Nothing is expanded.

    Raise ConfigError, which names *file* and holds no value, where it has another format.
    """
    whole, problem = Secret(text.reveal().removeprefix("\ufeff")), None
    try:
        found = _json(whole) if kind == "json" else _dotenv(whole)
        return found if found.values else Incoming({}, (*found.notes, "the file has no variables"))
    except ConfigError as exc:
        problem = exc
    raise ConfigError(f"{file}: {problem}" if file else str(problem), hint=problem.hint)


def import_plan(values: Mapping[str, Secret], vault: str, targets: Sequence[OpenTarget]) -> JointPlan:
    """Return the plan that makes the secrets of *vault* hold *values*, given by variable, at all its *targets*.

    The vault is made where it is missing, its owner stays, and nothing is deleted. Raise NameInvalid, ValueInvalid or
    TooLarge that lists all that cannot be a secret.
    """
    secrets = {secret: values[name] for name, secret in secrets_of(values).items()}
    plans = look(targets, lambda store: _plan_of(secrets, vault, store))
    choices = tuple(each.target for each in targets)
    where = Layout(
        targets=choices,
        groups=(Group(vault, tuple(range(len(choices)))),),
        profiles=("",) * len(choices),
        kept=(frozenset[str](),) * len(choices),
    )
    return JointPlan(where, tuple(TargetPlan(choice, "", plan) for choice, plan in zip(choices, plans, strict=True)))


def _plan_of(secrets: Mapping[str, Secret], vault: str, store: Store) -> Plan:
    plan = make_plan(Desired(_NOBODY, {vault: secrets}), store, prune=False)
    kept = [step for step in plan.steps if step.place.secret or step.action == "create"]
    updated = [step.place for step in kept if step.action == "update"]
    there, _ = workspace_of(store).values(updated)  # what another tool wrote has no stamp, and may be the same
    steps = tuple(step for step in kept if step.place not in there or there[step.place] != step.value)
    return replace(plan, steps=steps, unmanaged=(), conflicts=())


def _dotenv(text: Secret) -> Incoming:
    read = variables_in(text.reveal())
    if isinstance(read, str):
        raise ConfigError(read)
    foreign = [str(line.number) for line in read if not (_BARE if line.value is None else _NAME).fullmatch(line.name)]
    if foreign:  # not shown: it may be a line of a value
        lines = f"line{'s' if len(foreign) > 1 else ''} {', '.join(foreign)}"
        raise ConfigError(f"{lines}: not NAME=VALUE", hint="put quotes around a value of several lines")
    pairs = [(name, Secret(value)) for name, value, _ in read if value is not None]
    bare = [f"line {line.number}: a name without a value is ignored" for line in read if line.value is None]
    return Incoming(dict(pairs), (*bare, *_twice(name for name, _ in pairs)))


def _json(text: Secret) -> Incoming:
    import json

    pairs, problem = _Pairs(), "not a JSON object"
    try:
        document = json.loads(text.reveal(), object_pairs_hook=_Pairs)
        if isinstance(document, _Pairs):
            pairs, problem = document, ""
    except json.JSONDecodeError as exc:
        problem += f": an error in line {exc.lineno}, column {exc.colno}"
    except (ValueError, RecursionError):
        pass
    if problem:
        raise ConfigError(problem, hint='write {"NAME": "value"}')
    bad = [f"{name} ({_type(value)})" for name, value in dict(pairs).items() if not isinstance(value, str)]
    if bad:
        raise ConfigError(f"expected text, got another type: {', '.join(bad)}", hint="write each value in quotes")
    values = {name: Secret(value) for name, value in pairs if isinstance(value, str)}
    return Incoming(values, tuple(_twice(name for name, _ in pairs)))


class _Pairs(list[tuple[str, object]]):
    """A JSON object with every name as often as it occurs."""


def _type(value: object) -> str:
    return "dict" if isinstance(value, _Pairs) else type(value).__name__


def _twice(names: Iterable[str]) -> list[str]:
    times = Counter(names)
    return [f"{name} occurs {count} times; its last value counts" for name, count in times.items() if count > 1]
