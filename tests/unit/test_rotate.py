"""Rotation: one new value on all targets, races, crashes, and rotation by age in a plan."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from tailorsecrets.declared.declarations import Declarations
from tailorsecrets.declared.periods import age_in_words, seconds_in
from tailorsecrets.declared.sources import Generate, Source, generate, source
from tailorsecrets.deploy.joint import Due, JointPlan
from tailorsecrets.deploy.layout import layout
from tailorsecrets.deploy.rotate import due_by_command, due_by_config, plan_rotation, to_rotate
from tailorsecrets.driver import Entry
from tailorsecrets.errors import (
    ConfigError,
    Conflict,
    SecretNotFound,
    SecretsError,
    UndeclaredSecret,
    Unsupported,
    VaultNotFound,
)
from tailorsecrets.secret import Secret
from tailorsecrets.store.names import Place
from tailorsecrets.store.record import Owner
from tailorsecrets.store.store import Store, workspace_of
from tailorsecrets.targets.routes import Routes
from tailorsecrets.testing.faults import Crash
from tests.support.targets import APP, PLAIN, Targets, Vaults, routes

BOTH = routes([0, 1])
NOW = datetime.now(UTC)
MADE: Vaults = {"sessions": {"signing-key": Generate(), "salt": Generate(8), "pin": Secret("1234")}}
SOURCES: Mapping[str, Mapping[str, Source]] = {
    "sessions": {"signing-key": Generate(), "salt": Generate(8), "pin": source("1234")},
    "api-keys": {"stripe": source("sk")},
}
KEY = Place("sessions", "signing-key")


def planned(
    targets: Targets, *places: Place, due: Due | None = None, found: Routes = BOTH, owner: Owner = APP
) -> JointPlan:
    """Return the plan that rotates *places*."""
    desired = to_rotate(Declarations(SOURCES), owner, places, [])
    where = layout([found], desired.vaults)
    stores = targets.stores(where.targets)
    return plan_rotation(desired, where, stores, due or due_by_command(NOW, None), named=() if due else places)


def steps(joint: JointPlan) -> list[str]:
    """Return the steps of a plan in short."""
    return sorted(
        f"{number} {step.action} {'/'.join(filter(None, step.place))}"
        for number, plan in joint.plans.items()
        for step in plan.steps
    )


@pytest.fixture
def targets() -> Targets:
    """Return two targets that hold the same."""
    made = Targets()
    made.deploy(MADE, BOTH)
    return made


def test_all_targets_get_one_new_value(targets: Targets) -> None:
    """Other secrets and the owners stay; the previous value is the second version; a plan then finds nothing to do."""
    before = targets.values(0)
    reports = targets.apply(planned(targets, KEY))
    assert all(report.complete for report in reports.values())
    after = targets.values(0)
    assert after == targets.values(1)
    assert {name for name in after if after[name] != before[name]} == {"sessions/signing-key"}
    for memory in targets.memories:
        store = Store(memory)
        versions = store.history(*KEY)
        assert store.read(*KEY, versions[1].version).value == Secret(before["sessions/signing-key"] or "")
        assert workspace_of(store).record("sessions").owner == APP
    assert steps(targets.plan(MADE, BOTH)) == []


def test_the_loser_of_a_race_writes_no_replica(targets: Targets) -> None:
    """Two rotations of one state: the second gets a conflict at the primary, and the replica has the first's value."""
    second = planned(targets, KEY)
    targets.apply(planned(targets, KEY))
    reports = targets.apply(second)
    ((step, error),) = reports[0].failed
    assert (step.place, type(error)) == (KEY, Conflict)
    assert [step.place for step in reports[1].left] == [KEY]
    assert targets.values(0) == targets.values(1)


def test_a_crash_between_any_two_calls_converges(tmp_path: Path) -> None:
    """Whichever call of a rotation dies, an apply makes the replica equal to the primary, with one value."""
    after = -1
    for after in count():
        targets = Targets((PLAIN, PLAIN))
        targets.deploy(MADE, BOTH)
        before = targets.values(0)
        targets.fuse.left = after
        try:
            targets.apply(planned(targets, KEY, Place("sessions", "salt")), tmp_path / f"report-{after}")
        except Crash:
            targets.fuse.left = None
            targets.deploy(MADE, BOTH)
            assert targets.values(0) == targets.values(1)
            assert targets.values(0)["sessions/pin"] == before["sessions/pin"]
            targets.forget_calls()
            assert steps(targets.plan(MADE, BOTH)) == []
            assert targets.costs == (0, 0)
        else:
            break
    assert after >= 10


def test_a_rotation_is_undone_by_its_report(targets: Targets, tmp_path: Path) -> None:
    """Both targets have the previous value again."""
    before = targets.values(0)
    targets.apply(planned(targets, KEY), tmp_path / "report")
    targets.apply(targets.undo(tmp_path / "report"))
    assert targets.values(0) == targets.values(1) == before
    assert steps(targets.plan(MADE, BOTH)) == []


@pytest.mark.parametrize(
    ("places", "vaults", "kind", "words"),
    [
        ([Place("sessions", "pin")], [], Unsupported, "sessions/pin"),
        ([Place("sessions", "signing-kye")], [], UndeclaredSecret, "sessions/signing-kye"),
        ([], ["sesions"], UndeclaredSecret, "sesions"),
    ],
)
def test_only_declared_generated_secrets_are_rotated(
    places: list[Place], vaults: list[str], kind: type[SecretsError], words: str
) -> None:
    """Another source is unsupported, a name that is not declared is named with the nearest one."""
    with pytest.raises(kind, match=words) as caught:
        to_rotate(Declarations(SOURCES), APP, places, vaults)
    assert caught.value.hint


def test_a_vault_or_the_whole_config_means_its_generated_secrets() -> None:
    """Other secrets are not rotated."""
    for vaults in (["sessions"], []):
        desired = to_rotate(Declarations(SOURCES), APP, [], vaults)
        assert {vault: sorted(names) for vault, names in desired.vaults.items()} == {
            "sessions": ["salt", "signing-key"]
        }


def test_what_is_not_there_yet_is_an_error() -> None:
    """A vault or a secret that apply has not created is an error."""
    targets = Targets()
    with pytest.raises(VaultNotFound, match="sessions"):
        planned(targets, KEY)
    targets.deploy({"sessions": {"pin": Secret("1234")}}, BOTH)
    with pytest.raises(SecretNotFound, match="sessions/signing-key") as caught:
        planned(targets, KEY)
    assert caught.value.hint == "run: tailorsecrets apply"


def test_a_vault_that_is_not_ours_is_an_error(targets: Targets) -> None:
    """A vault of another owner, or without an owner, is an error."""
    with pytest.raises(Conflict, match="my-app manages it"):
        planned(targets, KEY, owner=Owner("other-app"))
    workspace_of(Store(targets.memories[1])).release("sessions")
    with pytest.raises(Conflict, match="nobody manages it"):
        planned(targets, KEY)


def test_a_disabled_secret_is_not_rotated(targets: Targets) -> None:
    """A disabled secret is an error, since somebody disabled it on purpose."""
    targets.memories[0].backdoor.disable("default/sessions/signing-key")
    with pytest.raises(Conflict, match="disabled"):
        planned(targets, KEY)


def test_by_age_only_the_older_ones_are_rotated(targets: Targets) -> None:
    """The note says how old each is."""
    in_91_days = NOW + timedelta(days=91)
    joint = planned(targets, due=due_by_command(in_91_days, seconds_in("90d")))
    assert steps(joint) == [f"{n} update sessions/{name}" for n in (0, 1) for name in ("salt", "signing-key")]
    assert {step.note for step in joint.plans[0].steps} == {"rotate: 90 days old"}
    assert steps(planned(targets, due=due_by_command(in_91_days, seconds_in("14w")))) == []


def test_a_replica_that_lacks_the_secret_gets_it(targets: Targets) -> None:
    """It is created there with the primary's new value."""
    Store(targets.memories[1]).purge_secret(*KEY)
    targets.apply(planned(targets, KEY))
    assert targets.values(0) == targets.values(1)


@pytest.mark.parametrize("found", [BOTH, routes([0])])
def test_apply_rotates_what_is_older_than_its_source_says(found: Routes) -> None:
    """One new value on all targets, once, and none before the time."""
    targets = Targets()
    made: Vaults = {"sessions": {"signing-key": generate(48, rotate_after="90d"), "salt": generate(8)}}
    targets.deploy(made, found)
    before = targets.values(0)
    later = due_by_config(NOW + timedelta(days=93, hours=1))
    assert steps(targets.plan(made, found, due=due_by_config(NOW + timedelta(days=89)))) == []
    joint = targets.plan(made, found, due=later)
    assert {step.note for step in joint.plans[0].steps} == {"rotate: 93 days old"}
    targets.apply(joint)
    after = targets.values(0)
    assert after["sessions/salt"] == before["sessions/salt"]
    assert after["sessions/signing-key"] != before["sessions/signing-key"]
    assert len(after["sessions/signing-key"] or "") == 48
    for number in range(len(found.default)):
        assert targets.values(number) == after
    assert steps(targets.plan(made, found)) == []


def test_apply_does_not_rotate_while_a_target_is_away() -> None:
    """Nothing is rotated in a vault that must be taken over first, or if only one of the targets is to be changed."""
    targets = Targets()
    made: Vaults = {"sessions": {"signing-key": generate(rotate_after="1h")}}
    targets.deploy(made, BOTH)
    later = due_by_config(NOW + timedelta(days=1))
    assert steps(targets.plan(made, BOTH, due=later, wanted={1})) == []
    assert steps(targets.plan(made, BOTH, due=later, wanted={0})) == []
    assert steps(targets.plan(made, BOTH, Owner("other-app"), due=later)) == ["0 update sessions", "1 update sessions"]
    targets.faults[1].fail("", Conflict)
    assert steps(targets.plan(made, BOTH, due=later)) == []


def test_a_secret_of_unknown_age_is_never_due() -> None:
    """A store that reports no times has no old secrets."""
    assert due_by_config(NOW)(KEY, generate(rotate_after="1h"), Entry(name="x")) == ""
    assert due_by_command(NOW, 1)(KEY, Generate(), Entry(name="x")) == ""
    assert due_by_command(NOW, None)(KEY, Generate(), Entry(name="x")) == "rotate"


@pytest.mark.parametrize("period", ["", "90", "d", "0d", "-1d", "1.5h", "90 d", "90D", "1y", "٣d", "9999999d"])
def test_anything_but_a_period_is_refused(period: str) -> None:
    """The error names the three units."""
    with pytest.raises(ConfigError, match="12h, 90d or 4w"):
        generate(rotate_after=period)


def test_periods_and_ages() -> None:
    """Hours, days and weeks in seconds; ages in the largest unit, days and years from two on."""
    assert [seconds_in(period) for period in ("12h", "90d", "4w")] == [43_200, 7_776_000, 2_419_200]
    ages = [age_in_words(seconds) for seconds in (-5, 59, 60, 3600, 172_799, 172_800, 8_035_200, 63_072_000)]
    assert ages == ["just now", "just now", "1 minute", "1 hour", "47 hours", "2 days", "93 days", "2 years"]
