"""Saved plans: what is in the file, what makes it stale, and what is refused."""

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tailorsecrets.declared.sources import Generate, generate
from tailorsecrets.deploy.joint import JointPlan
from tailorsecrets.deploy.planfile import PlanOptions, SavedPlan, parse_plan, plan_text
from tailorsecrets.deploy.rotate import due_by_config
from tailorsecrets.errors import ConfigError, Refused, SecretsError, Unsupported
from tailorsecrets.secret import Secret
from tailorsecrets.store.record import Owner
from tailorsecrets.store.store import Store, workspace_of
from tests.support.targets import APP, PLAIN, Targets, Vaults, routes

BOTH = routes([0, 1])
FIRST: Vaults = {
    "sessions": {"signing-key": Generate(), "pin": Secret("482915"), "old": Secret("x")},
    "gone": {"one": Secret("1")},
}
SECOND: Vaults = {
    "sessions": {"signing-key": Generate(), "pin": Secret("739104"), "salt": Generate()},
    "made": {"code": Secret("551234"), "token": Generate()},
}
OPTIONS = PlanOptions(profiles=("prod",), trust=True, vaults=("sessions", "made"))


def saved(joint: JointPlan, options: PlanOptions = OPTIONS) -> SavedPlan:
    """Save *joint*, and read it."""
    return parse_plan(plan_text(joint, APP, options), "plan")


@pytest.fixture
def targets() -> Targets:
    """Return two targets that hold the first declaration."""
    made = Targets()
    made.deploy(FIRST, BOTH)
    return made


def test_the_same_plan_passes(targets: Targets) -> None:
    """Planned again, it is the same; the options are those it was made with, and its steps can be shown."""
    plan = saved(targets.plan(SECOND, BOTH))
    now = targets.plan(SECOND, BOTH)
    plan.check(APP)
    plan.check_same(now)
    assert plan.options == OPTIONS
    for number, shown in plan.joint.plans.items():
        assert [(step.action, step.place) for step in shown.steps] == [
            (step.action, step.place) for step in now.plans[number].steps
        ]


CHANGES: dict[str, tuple[str, Callable[[Targets], None]]] = {
    "a secret of a step": (
        "sessions/pin: it changed in the store",
        lambda targets: written(targets, "sessions", "pin"),
    ),
    "a secret without a step": (
        "sessions/signing-key",
        lambda targets: written(targets, "sessions", "signing-key"),
    ),
    "a secret that is deleted by the plan": (
        "- gone/one: it changed in the store",
        lambda targets: written(targets, "gone", "one"),
    ),
    "a claimed vault": (
        "sessions",
        lambda targets: claimed(Store(targets.memories[1])),
    ),
    "a new secret": (
        "- sessions/later is not in the plan",
        lambda targets: created(targets, "sessions", "later"),
    ),
    "a secret that is gone": (
        "- sessions/old is not needed any more",
        lambda targets: Store(targets.memories[1]).delete_secret("sessions", "old"),
    ),
    "a vault that was made": (
        "made",
        lambda targets: Store(targets.memories[1]).create_vault("made"),
    ),
}


def written(targets: Targets, vault: str, secret: str) -> None:
    """Write another value at the second target."""
    Store(targets.memories[1]).update_secret(vault, secret, "later")


def created(targets: Targets, vault: str, secret: str) -> None:
    """Create a secret at the second target."""
    Store(targets.memories[1]).create_secret(vault, secret, "z")


def claimed(store: Store) -> None:
    """Let another app claim a vault."""
    workspace = workspace_of(store)
    workspace.claim("sessions", Owner("other-app"), workspace.record("sessions"))


@pytest.mark.parametrize("change", sorted(CHANGES))
def test_a_change_in_the_store_makes_it_stale(change: str, targets: Targets) -> None:
    """The error says what differs, and where."""
    plan = saved(targets.plan(SECOND, BOTH))
    words, act = CHANGES[change]
    act(targets)
    with pytest.raises(Refused) as caught:
        plan.check_same(targets.plan(SECOND, BOTH))
    assert caught.value.code == "PLAN_STALE"
    assert words in str(caught.value)
    assert "target-1" in str(caught.value)


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        (
            {**SECOND, "sessions": {**SECOND["sessions"], "pin": Secret("000000")}},
            "sessions/pin: its value differs now",
        ),
        ({**SECOND, "sessions": {**SECOND["sessions"], "salt": Secret("x")}}, "sessions/salt: its value differs now"),
        ({**SECOND, "more": {}}, "+ more is not in the plan"),
        ({"sessions": SECOND["sessions"]}, "+ made/code is not needed any more"),
    ],
)
def test_a_change_at_the_source_makes_it_stale(declared: Vaults, words: str, targets: Targets) -> None:
    """Another value, another source or another vault makes the plan stale."""
    plan = saved(targets.plan(SECOND, BOTH))
    with pytest.raises(Refused) as caught:
        plan.check_same(targets.plan(declared, BOTH))
    assert words in str(caught.value)


def test_other_targets_make_it_stale(targets: Targets) -> None:
    """One target more or less makes the plan stale."""
    plan = saved(targets.plan(SECOND, BOTH))
    with pytest.raises(Refused, match=r"target-1.*: not a target any more"):
        plan.check_same(targets.plan(SECOND, routes([0])))
    plan = saved(targets.plan(SECOND, routes([0])))
    with pytest.raises(Refused, match=r"target-1.*: a target that is not in the plan"):
        plan.check_same(targets.plan(SECOND, BOTH))


def test_ages_make_nothing_stale() -> None:
    """A rotation that is a day older is the same step."""
    targets = Targets()
    made: Vaults = {"sessions": {"signing-key": generate(rotate_after="1d")}}
    targets.deploy(made, BOTH)
    now = datetime.now(UTC)
    plan = saved(targets.plan(made, BOTH, due=due_by_config(now + timedelta(days=93))))
    assert plan.joint.plans[0].steps[0].note.startswith("rotate: 9")
    plan.check_same(targets.plan(made, BOTH, due=due_by_config(now + timedelta(days=95))))
    with pytest.raises(Refused, match="is not needed any more"):
        plan.check_same(targets.plan(made, BOTH, due=due_by_config(now)))


def test_a_plan_of_another_app_is_refused(targets: Targets) -> None:
    """The app is compared by name, and by id if the names are equal."""
    plan = saved(targets.plan(SECOND, BOTH))
    with pytest.raises(ConfigError, match="other-app") as caught:
        plan.check(Owner("other-app"))
    assert caught.value.code == "PLAN_INVALID"
    with pytest.raises(ConfigError, match="another id"):
        parse_plan(plan_text(targets.plan(SECOND, BOTH), Owner("my-app", "1"), OPTIONS), "x").check(
            Owner("my-app", "2")
        )


@pytest.mark.parametrize(
    ("damage", "kind"),
    [
        (lambda text: "", ConfigError),
        (lambda text: text[: len(text) // 2], ConfigError),
        (lambda text: text.replace('"update"', '"delete"', 1), ConfigError),
        (lambda text: text.replace('"owned": ', '"owned": 1', 1), ConfigError),
        (lambda text: text.replace('"version": 1', '"version": 2', 1), Unsupported),
        (lambda text: "[]", ConfigError),
        (lambda text: '{"format": "tailorsecrets-report"}', ConfigError),
    ],
)
def test_a_damaged_file_is_refused(damage: Callable[[str], str], kind: type[SecretsError], targets: Targets) -> None:
    """A file that is cut, edited, of a newer format, or not a plan is refused."""
    text = plan_text(targets.plan(SECOND, BOTH), APP, OPTIONS)
    with pytest.raises(kind) as caught:
        parse_plan(damage(text), "the-plan")
    assert "the-plan" in str(caught.value)


def test_a_file_with_a_right_digest_and_other_content_is_refused(targets: Targets) -> None:
    """A right digest does not make other content a plan."""
    document = json.loads(plan_text(targets.plan(SECOND, BOTH), APP, OPTIONS))
    for key in ("app", "options", "targets", "routes"):
        wrong = {**document, key: None}
        del wrong["digest"]
        wrong["digest"] = hashlib.sha256(json.dumps(wrong, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
        with pytest.raises(ConfigError) as caught:
            parse_plan(json.dumps(wrong), "the-plan")
        assert caught.value.code == "PLAN_INVALID"


def test_no_value_no_length_and_no_key_is_in_the_file(targets: Targets) -> None:
    """The file has no value that is there or that will be written, on any target."""
    text = plan_text(targets.plan(SECOND, BOTH), APP, OPTIONS)
    record = workspace_of(Store(targets.memories[0])).record("sessions")
    values = [value for number in (0, 1) for value in targets.values(number).values() if value and len(value) > 1]
    assert not [hidden for hidden in (record.key.reveal(), "739104", "551234", *values) if hidden in text]
    assert "length" not in text


def test_a_pin_cannot_be_guessed_from_the_plan_of_a_new_vault() -> None:
    """Nothing in the file depends on the value of a secret in a vault that does not exist yet, on any target."""
    texts = set()
    for pin in ("482915", "000000"):
        targets = Targets((PLAIN, PLAIN))
        texts.add(plan_text(targets.plan({"made": {"pin": Secret(pin)}}, BOTH), APP, OPTIONS))
    assert len(texts) == 1


def test_a_stamp_in_the_file_needs_the_key_of_the_store(targets: Targets) -> None:
    """It is the HMAC under the vault's key, and no text in the file is that key."""
    text = plan_text(targets.plan(SECOND, BOTH), APP, OPTIONS)
    document: dict[str, Any] = json.loads(text)
    steps = {f"{step['vault']}/{step['secret']}": step for step in document["targets"][0]["steps"]}
    key = workspace_of(Store(targets.memories[0])).record("sessions").key.reveal()
    digest = hmac.digest(key.encode(), b"pin\0" + b"739104", hashlib.sha256)
    assert steps["sessions/pin"]["value"] == {"stamp": urlsafe_b64encode(digest[:24]).decode()}
    assert steps["made/code"]["value"] == {}


def test_a_store_without_stamps_is_compared_too() -> None:
    """Values are compared in a store without stamps too: the vault's key is in its record, on every store."""
    targets = Targets((replace(PLAIN, stamps=False),))
    targets.deploy(FIRST, routes([0]))
    plan = saved(targets.plan(SECOND, routes([0])))
    plan.check_same(targets.plan(SECOND, routes([0])))
    other: Vaults = {**SECOND, "sessions": {**SECOND["sessions"], "pin": Secret("1")}}
    with pytest.raises(Refused, match="its value differs now"):
        plan.check_same(targets.plan(other, routes([0])))
