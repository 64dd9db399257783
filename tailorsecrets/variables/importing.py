"""Bringing the variables of a file into a vault: what is in the file, and the plan that writes it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, Literal, NamedTuple, cast

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

_NOBODY: Final = Owner("")  # what is written by hand has no owner


class Incoming(NamedTuple):
    """The content of a file: values by variable, and notes on what it does not give."""

    values: Mapping[str, Secret]
    notes: tuple[str, ...] = ()


def parsed(text: Secret, kind: FileFormat) -> Incoming:
    """Return the variables in *text*, a file of the format *kind*. Nothing is expanded; ConfigError for others."""
    whole = Secret(text.reveal().removeprefix("\ufeff"))
    return _json(whole) if kind == "json" else _dotenv(whole)


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
    pairs = [(name, Secret(value)) for name, value in read if value is not None]
    bare = [f"{name} has no value and is left out" for name, value in read if value is None]
    times = Counter(name for name, _ in pairs)
    twice = [f"{name} stands {count} times; its last value counts" for name, count in times.items() if count > 1]
    return Incoming(dict(pairs), (*bare, *twice))


def _json(text: Secret) -> Incoming:
    import json

    document: object = None
    try:
        document = json.loads(text.reveal())
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise ConfigError("not a JSON object", hint='write {"NAME": "value"}')
    entries = cast("dict[str, object]", document)
    bad = [f"{name} ({type(value).__name__})" for name, value in entries.items() if not isinstance(value, str)]
    if bad:
        raise ConfigError(f"expected text, got another type: {', '.join(bad)}")
    return Incoming({name: Secret(value) for name, value in entries.items() if isinstance(value, str)})
