"""Copies: what is written, what stays, what is asked about, and crashes."""

from dataclasses import replace
from itertools import count

import pytest

from tailorsecrets.declared.sources import Generate
from tailorsecrets.deploy.joint import JointPlan
from tailorsecrets.errors import ConfigError, Corrupt, Denied, Disabled, TooLarge, Unavailable, VaultNotFound
from tailorsecrets.secret import Secret
from tailorsecrets.store.names import Place
from tailorsecrets.store.record import Owner
from tailorsecrets.store.store import Store, workspace_of
from tailorsecrets.testing.faults import Crash
from tailorsecrets.testing.memory import FULL, WITH_CONTAINERS, Memory
from tests.support.targets import APP, PLAIN, Targets, Vaults, routes

KINDS = {
    "plain": PLAIN,
    "one write": replace(FULL, batch=1),
    "containers": replace(WITH_CONTAINERS, transactions=False, batch=1),
    "no stamps": replace(PLAIN, stamps=False),
    "in batches": replace(PLAIN, batch=20),
}
MADE: Vaults = {
    "sessions": {"signing-key": Generate(), "pin": Secret("1234"), "empty": Secret("")},
    "api-keys": {"stripe": Secret("line\nline\n")},
    "hollow": {},
}
A, B = routes([0]), routes([1])


def steps(joint: JointPlan) -> list[str]:
    """Return the steps of a plan in short."""
    return sorted(
        f"{number} {step.action} {'/'.join(filter(None, step.place))}{f' {step.note}' if step.note else ''}"
        for number, plan in joint.plans.items()
        for step in plan.steps
    )


def copied(targets: Targets, *sides: object) -> None:
    """Copy, and see every step done."""
    source, other = sides or (A, B)
    reports = targets.apply(targets.copy(source, other))  # type: ignore[arg-type]
    assert all(report.complete for report in reports.values()), reports


@pytest.fixture(params=[f"{first}, {second}" for first in sorted(KINDS) for second in sorted(KINDS)])
def pair(request: pytest.FixtureRequest) -> Targets:
    """Return two targets of every pair of kinds, the first of which holds secrets."""
    targets = Targets([KINDS[kind] for kind in request.param.split(", ")])
    targets.deploy(MADE, A)
    return targets


def test_the_other_side_then_holds_the_same(pair: Targets) -> None:
    """Values, owners and stamp keys are equal, ids are not, and the source is as before; a second copy writes nothing.

    The same config goes on managing the copy: its plan there has no step.
    """
    before = pair.values(0)
    copied(pair)
    assert pair.values(0) == pair.values(1) == before
    for vault in MADE:
        first, second = (workspace_of(Store(memory)).record(vault) for memory in pair.memories)
        assert (first.labels, first.key) == (second.labels, second.key)
        assert first.id != second.id
    pair.forget_calls()
    assert steps(pair.copy(A, B)) == []
    copied(pair)
    assert pair.costs[1] == 0
    assert steps(pair.plan(MADE, B)) == []


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_crash_between_any_two_calls_converges(kind: str) -> None:
    """Whichever call dies, another copy ends equal, with the same owners, and a third writes nothing."""
    after = -1
    for after in count():
        targets = Targets((PLAIN, KINDS[kind], PLAIN))
        targets.deploy(MADE, A)
        targets.fuse.left = after
        try:
            targets.apply(targets.copy(A, routes([1, 2])))
        except Crash:
            targets.fuse.left = None
            copied(targets, A, routes([1, 2]))
            assert targets.values(0) == targets.values(1) == targets.values(2)
            records = [workspace_of(Store(memory)).record("sessions") for memory in targets.memories]
            assert len({(record.owner, record.key.reveal()) for record in records}) == 1
            targets.forget_calls()
            copied(targets, A, routes([1, 2]))
            assert targets.costs[1] == 0
        else:
            break
    assert after > 10


def test_other_values_are_replaced_and_asked_about_and_others_stay() -> None:
    """What only the other side has is never deleted; what another tool wrote there and is equal is not written."""
    targets = Targets()
    targets.deploy(MADE, A)
    copied(targets)
    there = Store(targets.memories[1])
    there.update_secret("sessions", "pin", "other")
    there.create_secret("sessions", "more", "stays")
    targets.memories[1].backdoor.write("default/api-keys/stripe", "line\nline\n")
    joint = targets.copy(A, B)
    assert steps(joint) == ["0 update sessions/pin"]
    assert joint.plans[0].overwrites == (Place("sessions", "pin"),)
    assert (joint.plans[0].conflicts, joint.plans[0].unmanaged) == ((), ())
    targets.apply(joint)
    assert targets.values(1) == {**targets.values(0), "sessions/more": "stays"}


def test_a_vault_of_another_config_is_asked_about_and_released() -> None:
    """It keeps its own key and labels; after the write no config manages it."""
    targets = Targets()
    targets.deploy(MADE, A)
    theirs = Owner("other-app")
    targets.apply(targets.plan({"sessions": {"pin": Secret("theirs")}}, B, theirs))
    key = workspace_of(Store(targets.memories[1])).record("sessions").key
    joint = targets.copy(A, B, ["sessions"])
    assert joint.plans[0].conflicts == (("sessions", theirs),)
    assert steps(joint) == [
        *("0 create sessions/empty", "0 create sessions/signing-key"),
        *("0 update sessions release", "0 update sessions/pin"),
    ]
    assert joint.plans[0].steps[-1].place == Place("sessions")
    targets.apply(joint)
    record = workspace_of(Store(targets.memories[1])).record("sessions")
    assert (record.owner, record.key) == (None, key)
    assert steps(targets.copy(A, B, ["sessions"])) == []


def test_a_vault_of_nobody_is_asked_about() -> None:
    """A vault that was made by hand gets the secrets and keeps its record."""
    targets = Targets()
    targets.deploy(MADE, A)
    Store(targets.memories[1]).create_vault("sessions")
    joint = targets.copy(A, B, ["sessions"])
    assert joint.plans[0].unmanaged == ("sessions",)
    targets.apply(joint)
    assert steps(targets.copy(A, B, ["sessions"])) == []


def test_a_copy_that_was_released_is_a_vault_of_nobody() -> None:
    """It is asked about, also if it has the stamp key of the other side."""
    targets = Targets()
    targets.deploy(MADE, A)
    copied(targets)
    workspace_of(Store(targets.memories[1])).release("sessions")
    Store(targets.memories[0]).create_secret("sessions", "more", "new")
    assert targets.copy(A, B).plans[0].unmanaged == ("sessions",)


def test_secrets_without_a_record_are_copied_too() -> None:
    """The copy is a vault without an owner, with one new key at all targets."""
    targets = Targets((PLAIN, PLAIN, PLAIN))
    targets.memories[0].backdoor.write("default/api-keys/stripe", "foreign")
    copied(targets, A, routes([1, 2]))
    records = [workspace_of(Store(memory)).record("api-keys") for memory in targets.memories[1:]]
    assert len({record.key.reveal() for record in records}) == 1
    assert {record.owner for record in records} == {None}
    assert steps(targets.copy(A, routes([1, 2]))) == []


def test_a_profile_means_the_primaries_of_one_side_and_all_targets_of_the_other() -> None:
    """Each vault is read at its primary, and written to each of its targets but that one."""
    targets = Targets((PLAIN, PLAIN, PLAIN))
    prod = routes([0, 1], sessions=[1])
    targets.deploy(MADE, prod)
    Store(targets.memories[1]).update_secret("api-keys", "stripe", "only at the replica")
    assert steps(targets.copy(prod, B)) == ["0 update api-keys/stripe"]
    assert steps(targets.copy(A, prod, ["api-keys"])) == ["1 update api-keys/stripe"]
    copied(targets, prod, routes([2]))
    assert targets.values(2)["api-keys/stripe"] == "line\nline\n"
    assert targets.values(2)["sessions/pin"] == "1234"


def test_only_the_named_vaults_are_copied() -> None:
    """A vault that does not exist is an error."""
    targets = Targets()
    targets.deploy(MADE, A)
    assert steps(targets.copy(A, B, ["api-keys"])) == ["0 create api-keys", "0 create api-keys/stripe"]
    with pytest.raises(VaultNotFound):
        targets.copy(A, B, ["api-kyes"])


def test_one_store_under_two_names_is_refused() -> None:
    """The same target twice, and two URLs with the same record, are errors."""
    targets = Targets()
    targets.deploy(MADE, A)
    with pytest.raises(ConfigError, match="both sides are file:target-0"):
        targets.copy(A, A)
    targets.memories[1].server = targets.memories[0].server
    with pytest.raises(ConfigError) as caught:
        targets.copy(A, B)
    assert caught.value.code == "SAME_STORE"


def test_all_that_the_other_side_cannot_hold_is_one_error() -> None:
    """Nothing is written; the error names each secret at each target, without its value or size."""
    targets = Targets((PLAIN, replace(PLAIN, max_bytes=3), replace(PLAIN, max_bytes=9)))
    targets.deploy({**MADE, "api-keys": {"stripe": Secret("0123456789")}}, A)
    with pytest.raises(TooLarge) as caught:
        targets.copy(A, routes([1, 2]))
    text = str(caught.value)
    assert all(part in text for part in ("sessions/pin", "sessions/signing-key", "api-keys/stripe", "target-2"))
    assert "0123456789" not in text
    assert targets.values(1) == targets.values(2) == {}


def test_all_that_cannot_be_read_is_one_error() -> None:
    """Nothing is copied while a secret of the source is denied, disabled or damaged."""
    targets = Targets()
    targets.deploy(MADE, A)
    targets.memories[0].backdoor.deny("default/sessions/pin")
    targets.memories[0].backdoor.disable("default/api-keys/stripe")
    with pytest.raises(Denied, match=r"api-keys/stripe \(DISABLED\), secret sessions/pin \(PERMISSION_DENIED\)"):
        targets.copy(A, B)
    assert Disabled.code == "DISABLED"


def test_a_side_that_does_not_answer_stops_the_copy() -> None:
    """Nothing is written, and the other side does not count as empty."""
    for down in (0, 1):
        targets = Targets()
        targets.deploy(MADE, A)
        targets.faults[down].fail("", Unavailable)
        with pytest.raises(Unavailable):
            targets.copy(A, B)


def test_each_value_is_read_back() -> None:
    """If a store keeps another value than the written one, the secret fails."""
    targets = Targets()
    targets.deploy(MADE, A)
    joint = targets.copy(A, B, ["api-keys"])
    keep = Memory.put

    class Damaging(Memory):
        def put(self, name: str, value: Secret, **options: object) -> object:  # type: ignore[override]
            return keep(self, name, Secret("damaged") if name.endswith("stripe") else value, **options)  # type: ignore[arg-type]

    targets.memories[1].__class__ = Damaging
    (report,) = targets.apply(joint).values()
    ((step, error),) = report.failed
    assert (step.place, type(error)) == (Place("api-keys", "stripe"), Corrupt)


def test_a_copy_that_a_config_made_apart_is_released() -> None:
    """Where the same app deployed both sides by itself, the keys differ: a copy by hand makes the vault unmanaged."""
    targets = Targets()
    targets.deploy(MADE, A)
    targets.deploy({**MADE, "sessions": {"pin": Secret("9")}}, B)
    joint = targets.copy(A, B, ["sessions"])
    assert joint.plans[0].conflicts == (("sessions", APP),)
    targets.apply(joint)
    assert workspace_of(Store(targets.memories[1])).record("sessions").owner is None
