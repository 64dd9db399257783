"""One plan over several targets: one value everywhere, one stamp key, moves, failures and crashes."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tailorsecrets.declared.sources import Generate
from tailorsecrets.deploy.apply import apply_joint
from tailorsecrets.deploy.plan import DesiredValue
from tailorsecrets.driver import Caps
from tailorsecrets.errors import ConfigError, Conflict, Denied, Unavailable
from tailorsecrets.secret import Secret
from tailorsecrets.store.names import Place
from tailorsecrets.store.record import Owner
from tailorsecrets.store.store import Store, workspace_of
from tailorsecrets.targets.routes import Routes
from tailorsecrets.testing.faults import Crash
from tailorsecrets.testing.memory import FULL, WITH_CONTAINERS, Memory
from tests.support.targets import PLAIN, Targets, Vaults, routes

BOTH = routes([0, 1])
KEY = Place("sessions", "signing-key")
MADE: Vaults = {"sessions": {"signing-key": Generate(), "pin": Secret("1234")}}
KINDS = {
    "plain": PLAIN,
    "one write": replace(FULL, batch=1),
    "containers": replace(WITH_CONTAINERS, transactions=False, batch=1),
    "no stamps": replace(PLAIN, stamps=False),
    "no undelete": replace(PLAIN, undelete=False),
}


def steps(targets: Targets, wanted: Vaults, found: Routes | Sequence[Routes], **options: Any) -> list[str]:
    """Return the steps of a plan in short, each with its target."""
    joint = targets.plan(wanted, found, **options)
    return sorted(
        f"{number} {step.action} {'/'.join(filter(None, step.place))}"
        for number, plan in joint.plans.items()
        for step in plan.steps
    )


@pytest.fixture(params=[f"{first}, {second}" for first in sorted(KINDS) for second in sorted(KINDS)])
def pair(request: pytest.FixtureRequest) -> Targets:
    """Return two targets of every pair of kinds."""
    return Targets([KINDS[kind] for kind in request.param.split(", ")])


def test_every_target_gets_the_same_values_and_nothing_is_left(pair: Targets) -> None:
    """A generated value is made once; a second plan has no steps, and reads no value where stamps decide."""
    pair.deploy(MADE, BOTH)
    assert pair.values(0) == pair.values(1)
    assert len(pair.values(0)["sessions/signing-key"] or "") == 32
    pair.forget_calls()
    pair.deploy(MADE, BOTH)
    assert steps(pair, MADE, BOTH) == []
    reads, writes = pair.costs
    assert writes == 0
    assert reads == 0 or not all(caps.stamps for caps in pair.caps)


def test_a_value_that_another_tool_changed_at_the_replica_is_repaired(pair: Targets) -> None:
    """The replica gets the primary's value back, declared or generated."""
    pair.deploy(MADE, BOTH)
    before = pair.values(0)
    for name in ("signing-key", "pin"):
        by_another_tool(pair.memories[1], name)
    pair.deploy(MADE, BOTH)
    assert pair.values(0) == pair.values(1) == before


def by_another_tool(memory: Memory, secret: str, value: str = "changed") -> None:
    """Change *secret* as another tool does, without a stamp."""
    store = Store(memory)
    memory.backdoor.write(workspace_of(store).operations._naming.native(Place("sessions", secret)), value)


def test_a_replica_that_lacks_a_value_gets_the_primarys() -> None:
    """Only that one value is read, at the primary, and the replica then has its stamp."""
    targets = Targets()
    targets.deploy(MADE, BOTH)
    Store(targets.memories[1]).purge_secret("sessions", "signing-key")
    targets.forget_calls()
    targets.deploy(MADE, BOTH)
    assert targets.costs == (1, 1)
    assert targets.values(0) == targets.values(1)
    targets.forget_calls()
    assert steps(targets, MADE, BOTH) == []
    assert targets.costs == (0, 0)


def test_a_primary_that_never_had_the_value_gets_the_replicas() -> None:
    """A new primary in front of an old target takes the value that is in use."""
    targets = Targets()
    targets.deploy(MADE, routes([1]))
    before = targets.values(1)
    targets.deploy(MADE, BOTH)
    assert targets.values(0) == targets.values(1) == before
    assert steps(targets, MADE, BOTH) == []


def test_a_deleted_value_does_not_come_back() -> None:
    """If a generated value was deleted at the primary, a new one is made, and replaces the replica's."""
    targets = Targets()
    targets.deploy(MADE, BOTH)
    before = targets.values(1)["sessions/signing-key"]
    Store(targets.memories[0]).delete_secret("sessions", "signing-key")
    targets.deploy(MADE, BOTH)
    assert targets.values(0) == targets.values(1)
    assert targets.values(0)["sessions/signing-key"] not in {before, None}


def test_a_generated_value_that_another_tool_changed_at_the_primary_wins() -> None:
    """The replica follows the primary, which gets a stamp for its value; then nothing is left to do."""
    targets = Targets()
    targets.deploy(MADE, BOTH)
    by_another_tool(targets.memories[0], "signing-key", "rotated by hand")
    targets.deploy(MADE, BOTH)
    assert targets.values(1)["sessions/signing-key"] == "rotated by hand"
    targets.forget_calls()
    assert steps(targets, MADE, BOTH) == []
    assert targets.costs == (0, 0)


def test_skipped_values_are_carried_too() -> None:
    """A secret that has no value here gets the primary's value on a new replica."""
    targets = Targets()
    targets.deploy({"api-keys": {"stripe": Secret("one")}}, routes([0]))
    targets.deploy({"api-keys": {"stripe": None}}, BOTH)
    assert targets.values(1) == {"api-keys/stripe": "one"}
    assert targets.plan({"api-keys": {"stripe": None}}, BOTH).plans[0].skipped == (Place("api-keys", "stripe"),)


def test_a_made_record_takes_the_key_of_another_target() -> None:
    """A plan sees without reading a value that targets differ, because their stamp keys are equal."""
    targets = Targets((PLAIN, PLAIN, PLAIN))
    targets.deploy(MADE, routes([1, 2]))
    targets.deploy(MADE, routes([0, 1, 2]))
    records = [workspace_of(Store(memory)).record("sessions") for memory in targets.memories]
    assert len({record.key.reveal() for record in records}) == 1
    assert len({record.id for record in records}) == 3


def test_a_replica_with_another_key_takes_the_primarys_once() -> None:
    """If the vaults were created separately, the replica's record and secrets are written again, once."""
    targets = Targets()
    for only in ([0], [1]):
        targets.deploy(MADE, routes(only))
    assert steps(targets, MADE, BOTH) == [
        "1 update sessions",
        "1 update sessions/pin",
        "1 update sessions/signing-key",
    ]
    targets.deploy(MADE, BOTH)
    assert targets.values(0) == targets.values(1)
    assert steps(targets, MADE, BOTH) == []


def test_two_urls_of_one_store_delete_nothing() -> None:
    """Two targets that show the same record are an error that names both, before the first write."""
    targets = Targets()
    targets.memories[1].server = targets.memories[0].server
    targets.deploy(MADE, routes([0]))
    before = targets.values(0)
    for found in (BOTH, routes([0], sessions=[1])):
        with pytest.raises(ConfigError, match=r"target-0.*target-1.* are one store") as caught:
            targets.plan(MADE, found, delete_moved=True)
        assert caught.value.code == "SAME_STORE"
    assert targets.values(0) == before


def test_two_urls_of_one_new_store_stop_at_the_first_record() -> None:
    """Where no record exists yet, the first run fails at one of the targets and deletes nothing."""
    targets = Targets()
    targets.memories[1].server = targets.memories[0].server
    reports = targets.apply(targets.plan(MADE, BOTH))
    assert not all(report.complete for report in reports.values())
    with pytest.raises(ConfigError):
        targets.plan(MADE, BOTH)


def test_a_moved_vault_keeps_its_values_and_its_old_copy() -> None:
    """Generated values are copied; the old copy stays until its deletion is confirmed, and is listed as moved."""
    targets = Targets((PLAIN, PLAIN, PLAIN))
    targets.deploy(MADE, BOTH)
    before = targets.values(0)
    moved = routes([0, 1], sessions=[2])
    assert targets.plan(MADE, moved, delete_moved=True).plans[0].moved == ("sessions",)
    targets.deploy(MADE, moved)
    assert targets.values(0) == targets.values(1) == targets.values(2) == before
    joint = targets.plan(MADE, moved)
    assert {number: plan.moved for number, plan in joint.plans.items()} == {0: ("sessions",), 1: ("sessions",), 2: ()}
    assert steps(targets, MADE, moved) == []
    targets.deploy(MADE, moved, delete_moved=True)
    assert targets.values(0) == targets.values(1) == {}
    assert targets.values(2) == before
    assert steps(targets, MADE, moved, delete_moved=True) == []


def test_an_old_copy_stays_while_a_secret_is_missing_at_the_new_place() -> None:
    """The old copy is deleted only when every declared secret is at every new target."""
    targets = Targets((PLAIN, PLAIN))
    targets.deploy(MADE, routes([0]))
    moved = routes([0], sessions=[1])
    targets.deploy(MADE, moved)
    Store(targets.memories[1]).purge_secret("sessions", "pin")
    assert targets.plan(MADE, moved, delete_moved=True).plans[0].moved == ("sessions",)


def test_an_external_secret_at_the_old_place_is_no_old_copy() -> None:
    """What others manage stays at the old place, and the vault is not listed as moved for it."""
    targets = Targets((PLAIN, PLAIN))
    external = {"sessions": frozenset({"token"})}
    targets.deploy(MADE, routes([0]), external=external)
    Store(targets.memories[0]).create_secret("sessions", "token", "theirs")
    moved = routes([0], sessions=[1])
    targets.deploy(MADE, moved, external=external)
    assert targets.plan(MADE, moved, external=external).plans[0].moved == ("sessions",)
    targets.deploy(MADE, moved, external=external, delete_moved=True)
    assert targets.values(0) == {"sessions/token": "theirs"}
    for delete_moved in (False, True):
        assert targets.plan(MADE, moved, external=external, delete_moved=delete_moved).plans[0].moved == ()
        assert steps(targets, MADE, moved, external=external, delete_moved=delete_moved) == []


def test_a_deletion_at_the_new_primary_wins() -> None:
    """A generated value that was deleted at the new primary is not copied again from the old copy."""
    targets = Targets((PLAIN, PLAIN))
    targets.deploy(MADE, routes([0]))
    moved = routes([0], sessions=[1])
    targets.deploy(MADE, moved)
    Store(targets.memories[1]).delete_secret("sessions", "signing-key")
    targets.deploy(MADE, moved)
    assert targets.values(1)["sessions/signing-key"] != targets.values(0)["sessions/signing-key"]


def test_nothing_is_taken_from_a_vault_of_another_app() -> None:
    """A vault of the same name that another app owns elsewhere gives no value and no key, and stays."""
    targets = Targets((PLAIN, PLAIN))
    theirs = targets.plan(MADE, routes([1]), Owner("other-app"))
    assert all(report.complete for report in targets.apply(theirs).values())
    before = targets.values(1)
    targets.deploy(MADE, routes([0, 1], sessions=[0]), delete_moved=True)
    assert targets.values(1) == before
    assert targets.values(0)["sessions/signing-key"] != before["sessions/signing-key"]


def test_a_target_that_does_not_answer_keeps_generated_values_from_being_made() -> None:
    """The others are planned; a value that only that target may hold is generated only after it answers."""
    targets = Targets()
    for down in (0, 1):
        targets.faults[down].fail("", Unavailable)
        joint = targets.plan(MADE, BOTH)
        assert [target.status for target in joint.targets].count("unreachable") == 1
        assert joint.targets[down].status == "unreachable"
        assert joint.plans[1 - down].held == (Place("sessions", "signing-key"),)
        targets.apply(joint)
        assert "sessions/signing-key" not in targets.values(1 - down)
        targets.faults[down].heal()
    targets.deploy(MADE, BOTH)
    assert targets.values(0) == targets.values(1)
    assert len(targets.values(0)) == 2


def test_a_failure_at_one_target_stops_no_other() -> None:
    """The replica's declared values are written though the primary refuses, its generated ones are not."""
    targets = Targets()
    targets.faults[0].fail("put", Denied)
    reports = targets.apply(targets.plan(MADE, BOTH))
    assert not reports[0].complete
    assert {step.place.secret for step in reports[1].left} == {"signing-key"}
    assert targets.values(1) == {"sessions/pin": "1234"}
    targets.faults[0].heal()
    targets.deploy(MADE, BOTH)
    assert targets.values(0) == targets.values(1)


def test_a_value_that_may_not_be_read_names_both_ways_out() -> None:
    """If a generated value must be copied and may not be read, the error names the missing right and the rotation."""
    targets = Targets()
    targets.deploy(MADE, routes([0]))
    targets.faults[0].fail("get", Denied, name="default/sessions/signing-key")
    reports = targets.apply(targets.plan(MADE, BOTH))
    ((step, error),) = reports[1].failed
    assert (step.place.secret, type(error)) == ("signing-key", Denied)
    assert "policy --for deploy" in error.hint
    assert "tailorsecrets rotate sessions/signing-key" in error.hint
    assert reports[0].complete


def test_only_the_wanted_target_is_changed() -> None:
    """Only one target may be applied; a value that only the primary may generate is then not made."""
    targets = Targets()
    joint = targets.plan(MADE, BOTH, wanted={1})
    assert list(joint.plans) == [1]
    assert joint.plans[1].held == (Place("sessions", "signing-key"),)
    targets.apply(joint)
    assert targets.values(0) == {}
    targets.deploy(MADE, BOTH, wanted={0})
    targets.deploy(MADE, BOTH, wanted={1})
    assert targets.values(0) == targets.values(1)


def test_only_the_named_vaults_are_planned() -> None:
    """Nothing outside of the named vaults is written or deleted."""
    targets = Targets()
    wanted: Vaults = {**MADE, "api-keys": {"one": Secret("1")}}
    targets.deploy(wanted, BOTH)
    changed: Vaults = {"sessions": {"pin": Secret("9")}, "api-keys": {"two": Secret("2")}}
    assert steps(targets, changed, BOTH, vaults={"api-keys"}) == [
        *("0 create api-keys/two", "0 delete api-keys/one"),
        *("1 create api-keys/two", "1 delete api-keys/one"),
    ]
    assert steps(targets, {}, BOTH, vaults={"sessions"})[:2] == ["0 delete sessions", "0 delete sessions/pin"]


def test_profiles_that_share_nothing_have_values_of_their_own() -> None:
    """Two profiles in one plan: each its own generated value; a target that both name is planned once."""
    targets = Targets((PLAIN, PLAIN, PLAIN))
    targets.deploy(MADE, [routes([0, 1]), routes([2])])
    assert targets.values(0) == targets.values(1)
    assert targets.values(2)["sessions/signing-key"] != targets.values(0)["sessions/signing-key"]
    assert len(targets.plan(MADE, [routes([0, 1]), routes([0, 1])]).targets) == 2


def test_a_vault_that_another_profile_keeps_is_not_taken_for_moved() -> None:
    """If a profile outside of the command keeps a vault, the vault is not moved and not deleted."""
    targets = Targets((PLAIN, PLAIN))
    mine, theirs = routes([0], sessions=[1]), routes([1], sessions=[0])
    wanted: Vaults = {**MADE, "api-keys": {"one": Secret("1")}}
    targets.deploy(wanted, theirs)
    before = targets.values(0)
    named = mine._replace(others=(theirs._replace(profile="other"),))
    targets.deploy(wanted, named, delete_moved=True)
    targets.deploy(wanted, named, delete_moved=True)
    assert {name: value for name, value in targets.values(0).items() if name in before} == before


def test_a_value_that_is_disabled_at_the_primary_is_not_made_a_second_time() -> None:
    """A replica that lacks it gets no new value; the plan says that it is not made."""
    targets = Targets()
    targets.deploy(MADE, routes([0]))
    targets.memories[0].backdoor.disable("default/sessions/signing-key")
    joint = targets.plan(MADE, BOTH)
    targets.apply(joint)
    assert "sessions/signing-key" not in targets.values(1)
    assert joint.plans[1].held == (KEY,)


def test_a_value_that_another_profile_keeps_is_not_carried_to_this_one() -> None:
    """If two profiles share a target only for other vaults, each has its own generated value and stamp key."""
    targets = Targets()
    mine, theirs = routes([0], sessions=[1])._replace(profile="mine"), routes([0])
    wanted: Vaults = {**MADE, "api-keys": {"one": Secret("1")}}
    targets.deploy(wanted, theirs)
    targets.deploy(wanted, [mine, theirs])
    assert targets.values(1)["sessions/signing-key"] != targets.values(0)["sessions/signing-key"]
    records = [workspace_of(Store(memory)).record("sessions") for memory in targets.memories]
    assert records[0].key != records[1].key


def test_an_old_copy_stays_until_the_app_owns_the_vault_at_its_new_place() -> None:
    """A vault of another app at the new target has the names but not the values; it must be taken over first."""
    targets = Targets()
    targets.deploy(MADE, routes([0]))
    targets.deploy(MADE, routes([1]), owner=Owner("other-app"))
    moved = routes([0], sessions=[1])
    assert [step for step in steps(targets, MADE, moved, delete_moved=True) if "delete" in step] == []
    targets.deploy(MADE, moved)
    assert "0 delete sessions" in steps(targets, MADE, moved, delete_moved=True)


def test_values_that_cannot_get_a_stamp_are_compared_and_not_written_again() -> None:
    """Where the login may not keep stamps, equal values count as equal, and a value that may not be read is unknown."""
    targets = Targets([replace(PLAIN, stamps_apart=True)] * 2)
    targets.deploy(MADE, BOTH)
    for memory, faults in zip(targets.memories, targets.faults, strict=True):
        memory.backdoor.write("default/sessions/signing-key", "another value")
        faults.fail("check_stamp", Denied)
    assert steps(targets, MADE, BOTH) == []
    targets.memories[0].backdoor.write("default/sessions/signing-key", "the newest value")
    assert steps(targets, MADE, BOTH) == ["1 update sessions/signing-key"]
    targets.faults[1].fail("get", Denied, name="default/sessions/signing-key")
    assert steps(targets, MADE, BOTH) == []
    assert targets.plan(MADE, BOTH).plans[1].unknown == (KEY,)


def test_the_owner_of_each_vault_is_read_again_after_a_question() -> None:
    """This is also true of a vault that only gets values from its primary."""
    targets = Targets()
    wanted: Vaults = {"api-keys": {"one": Secret("1")}, "sessions": {"signing-key": Generate()}}
    targets.deploy(wanted, BOTH)
    targets.memories[1].backdoor.write("default/sessions/signing-key", "another value")
    joint = targets.plan({**wanted, "api-keys": {"one": Secret("2")}}, BOTH)
    workspace = workspace_of(Store(targets.memories[1]))
    workspace.claim("sessions", Owner("other-app"), workspace.record("sessions"))
    reports = apply_joint(joint, targets.stores(joint.layout.targets), prompted=True)
    assert [(str(step.place), type(error)) for step, error in reports[1].failed] == [
        ("secret sessions/signing-key", Conflict)
    ]
    assert targets.values(1)["sessions/signing-key"] == "another value"


@pytest.mark.parametrize("kind", ["plain", "containers", "one write", "no stamps"])
def test_a_crash_between_any_two_calls_converges(kind: str) -> None:
    """Whichever call of a deploy, a change, a move or a deletion dies, a rerun ends with one value and no step left."""
    wanted: Vaults = {**MADE, "api-keys": {"stripe": Secret("one"), "made": Generate()}}
    changed: Vaults = {"sessions": {"signing-key": Generate(), "pin": Secret("5")}, "api-keys": {"made": Generate()}}
    stages: list[tuple[Vaults, Routes, dict[str, Any]]] = [
        (wanted, BOTH, {}),
        (changed, BOTH, {}),
        (changed, routes([0, 1], sessions=[2]), {}),
        (changed, routes([0, 1], sessions=[2]), {"delete_moved": True}),
        ({"sessions": changed["sessions"]}, routes([0, 1], sessions=[2]), {"delete_moved": True}),
    ]
    for number in range(len(stages)):
        after = 0
        while True:
            targets = Targets((PLAIN, KINDS[kind], PLAIN))
            for before in stages[:number]:
                targets.deploy(before[0], before[1], **before[2])
            made = {value for number in range(3) if (value := targets.values(number).get("sessions/signing-key"))}
            now, found, options = stages[number]
            targets.fuse.left = after
            try:
                targets.apply(targets.plan(now, found, **options))
            except Crash:
                pass
            else:
                break
            targets.fuse.left = None
            for _ in range(2):
                targets.deploy(now, found, **options)
            assert steps(targets, now, found, **options) == []
            one = {value for number in range(3) if (value := targets.values(number).get("sessions/signing-key"))}
            assert len(one) == 1
            assert not made or one == made
            after += 1
        assert after > 2


VALUES: list[DesiredValue] = [Secret("x"), Secret("y"), Generate()]
ROUTES = [[0], [1], [0, 1], [1, 0], [2, 0], [0, 1, 2]]


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_whatever_was_there_a_rerun_makes_all_targets_equal(data: st.DataObject) -> None:
    """After random routes, states, foreign writes and failures, every target equals the config; others' vaults stay."""
    caps: list[Caps] = [data.draw(st.sampled_from(list(KINDS.values()))) for _ in range(3)]
    targets = Targets(caps)
    other: Vaults = {"ccc": {"theirs": Secret("theirs")}}
    targets.apply(targets.plan(other, routes([2, 0]), Owner("other-app")))
    last: Vaults = {}
    found = routes([0])
    for _ in range(data.draw(st.integers(1, 4))):
        last = {
            vault: {secret: data.draw(st.sampled_from(VALUES)) for secret in ("one", "two") if data.draw(st.booleans())}
            for vault in ("aaa", "bbb")
            if data.draw(st.booleans())
        }
        found = routes(data.draw(st.sampled_from(ROUTES)), aaa=data.draw(st.sampled_from(ROUTES)))
        failing = data.draw(st.sampled_from([None, 0, 1, 2]))
        if failing is not None:
            op = data.draw(st.sampled_from(["put", "list", "delete", "get"]))
            targets.faults[failing].fail(op, Unavailable, times=data.draw(st.sampled_from([1, 3])))
        joint = targets.plan(last, found)
        if not joint.failures or data.draw(st.booleans()):
            targets.apply(joint)
        for faults in targets.faults:
            faults.heal()
    for _ in range(2):
        targets.deploy(last, found)
    joint = targets.plan(last, found)
    assert all(not plan.steps for plan in joint.plans.values())
    for group in joint.layout.groups:
        held = [
            {
                name: value
                for name, value in targets.values(targets.number(joint.layout.targets[number])).items()
                if name.startswith(group.vault)
            }
            for number in group.route
        ]
        assert all(each == held[0] for each in held)
        assert set(held[0]) == {f"{group.vault}/{secret}" for secret in last[group.vault]}
    for number in (0, 2):
        assert targets.values(number)["ccc/theirs"] == "theirs"
