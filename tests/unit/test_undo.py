"""Reports and their undoing: every kind of step, what cannot be undone, crashes, and what a report holds."""

import json
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from tailorsecrets.declared.sources import Generate
from tailorsecrets.deploy.apply import apply_joint
from tailorsecrets.deploy.joint import JointPlan
from tailorsecrets.deploy.reports import Done, Reporter, load_report
from tailorsecrets.driver import Caps
from tailorsecrets.errors import ConfigError, Denied, Refused, SecretsError, Unavailable, Unsupported
from tailorsecrets.secret import Secret
from tailorsecrets.store.names import Place
from tailorsecrets.store.record import Owner
from tailorsecrets.store.store import Store, workspace_of
from tailorsecrets.testing.faults import Crash
from tailorsecrets.testing.memory import FULL, WITH_CONTAINERS
from tests.support.targets import APP, PLAIN, Targets, Vaults, routes

BOTH = routes([0, 1])
KINDS = {
    "plain": PLAIN,
    "one write": replace(FULL, batch=1),
    "check, then write": replace(PLAIN, cas="none"),
    "no stamps": replace(PLAIN, stamps=False),
    "stamps not in lists": replace(PLAIN, list_stamps=False),
}
FIRST: Vaults = {
    "sessions": {"signing-key": Generate(), "pin": Secret("1234"), "old": Secret("x")},
    "gone": {"one": Secret("1"), "two": Secret("2")},
}
SECOND: Vaults = {"sessions": {"signing-key": Generate(), "pin": Secret("5678"), "new": Secret("y")}, "made": {}}


@pytest.fixture(params=[("plain", "plain"), *((kind, "plain") for kind in sorted(KINDS)), ("plain", "one write")])
def pair(request: pytest.FixtureRequest) -> Targets:
    """Return two targets, of every kind."""
    return Targets([KINDS[kind] for kind in request.param])


def everything(targets: Targets) -> list[tuple[Mapping[str, str | None], Mapping[str, Owner | None]]]:
    """Return the values and the owners of all vaults at every target."""
    return [(targets.values(number), owners(Store(memory))) for number, memory in enumerate(targets.memories)]


def owners(store: Store) -> dict[str, Owner | None]:
    """Return the owner of each vault."""
    return {vault.name: workspace_of(store).record(vault.name).owner for vault in store.list_vaults()}


def short(joint: JointPlan) -> list[str]:
    """Return the steps of a plan in short."""
    return sorted(
        f"{number} {step.action} {'/'.join(filter(None, step.place))}"
        for number, plan in joint.plans.items()
        for step in plan.steps
    )


def reported(targets: Targets, declared: Vaults, file: Path, owner: Owner = APP) -> None:
    """Deploy *declared* with a report."""
    reports = targets.apply(targets.plan(declared, BOTH, owner), file)
    assert all(report.complete for report in reports.values()), reports


def undone(targets: Targets, file: Path) -> None:
    """Undo the report."""
    reports = targets.apply(targets.undo(file))
    assert all(report.complete for report in reports.values()), reports


def test_creates_updates_and_deletes_are_reversed(pair: Targets, tmp_path: Path) -> None:
    """Everything is as before on every target, with the same generated value and the same keys; the next undo is empty.

    A second apply of the first declaration then finds nothing to do.
    """
    pair.deploy(FIRST, BOTH)
    before = everything(pair)
    keys = [workspace_of(Store(memory)).record("gone").key for memory in pair.memories]
    reported(pair, SECOND, tmp_path / "report")
    assert everything(pair) != before
    undone(pair, tmp_path / "report")
    assert everything(pair) == before
    assert [workspace_of(Store(memory)).record("gone").key for memory in pair.memories] == keys
    assert short(pair.undo(tmp_path / "report")) == []
    assert short(pair.plan(FIRST, BOTH)) == []


def test_an_undo_can_be_undone(tmp_path: Path) -> None:
    """The report of an undo restores what the undo removed."""
    targets = Targets()
    targets.deploy(FIRST, BOTH)
    reported(targets, SECOND, tmp_path / "report")
    after = everything(targets)
    targets.apply(targets.undo(tmp_path / "report"), tmp_path / "undone")
    assert everything(targets) != after
    undone(targets, tmp_path / "undone")
    assert everything(targets) == after


def test_a_claim_goes_back(pair: Targets, tmp_path: Path) -> None:
    """A vault goes back to the owner that it had, or to nobody; its secrets are as before."""
    theirs = Owner("other-app")
    pair.apply(pair.plan({"sessions": {"pin": Secret("theirs")}}, BOTH, theirs))
    for memory in pair.memories:
        Store(memory).create_vault("free")
    before = everything(pair)
    reported(pair, {"sessions": {"pin": Secret("ours")}, "free": {"new": Secret("z")}}, tmp_path / "report")
    assert owners(Store(pair.memories[1])) == {"sessions": APP, "free": APP}
    undone(pair, tmp_path / "report")
    assert everything(pair) == before
    assert short(pair.undo(tmp_path / "report")) == []


def test_a_stamp_key_that_was_replaced_stays_replaced(tmp_path: Path) -> None:
    """What is rolled back gets a stamp of the key that is there now: only values that differ are in the next plan."""
    targets = Targets()
    made: Vaults = {"sessions": {"signing-key": Generate(), "pin": Secret("1234")}}
    for only in ([0], [1]):
        targets.deploy(made, routes(only))
    before = everything(targets)
    reported(targets, made, tmp_path / "report")
    undone(targets, tmp_path / "report")
    assert everything(targets) == before
    assert short(targets.plan(made, BOTH)) == ["1 update sessions/signing-key"]
    assert short(targets.undo(tmp_path / "report")) == []
    targets.deploy(made, BOTH)
    assert targets.values(0) == targets.values(1) == before[0][0]
    assert short(targets.plan(made, BOTH)) == []


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_crash_between_any_two_calls_converges(kind: str, tmp_path: Path) -> None:
    """Whichever call of an undo dies, another undo ends where the first would have, and leaves nothing to do."""
    after = -1
    for after in count():
        targets = Targets((PLAIN, KINDS[kind]))
        targets.deploy(FIRST, BOTH)
        before = everything(targets)
        report = tmp_path / f"report-{after}"
        reported(targets, SECOND, report)
        targets.fuse.left = after
        try:
            targets.apply(targets.undo(report))
        except Crash:
            targets.fuse.left = None
            undone(targets, report)
            assert everything(targets) == before
            assert short(targets.undo(report)) == []
        else:
            break
    assert after > 20


def test_the_report_of_a_crashed_apply_is_good_for_what_it_holds(tmp_path: Path) -> None:
    """Whichever call of the apply dies, its report can be undone; only steps that were running are not in it."""
    after = -1
    for after in count():
        targets = Targets()
        targets.deploy(FIRST, BOTH)
        before = everything(targets)
        report = tmp_path / f"report-{after}"
        joint = targets.plan(SECOND, BOTH)
        targets.fuse.left = after
        try:
            targets.apply(joint, report)
        except Crash:
            targets.fuse.left = None
            undone(targets, report)
            assert short(targets.undo(report)) == []
            for (values, _), (first, _) in zip(everything(targets), before, strict=True):
                assert values == first
        else:
            break
    assert after > 10


CHANGES: dict[str, Callable[[Store], object]] = {
    "a later write": lambda store: store.update_secret("sessions", "pin", "later"),
    "a later deletion": lambda store: store.delete_secret("sessions", "pin"),
    "what was made, changed": lambda store: store.update_secret("sessions", "new", "later"),
    "what was deleted, made again": lambda store: store.create_secret("sessions", "old", "later"),
    "what was deleted, purged": lambda store: store.purge_secret("sessions", "old"),
    "a vault that was made, filled": lambda store: store.create_secret("made", "later", "z"),
    "a vault that was made, released": lambda store: workspace_of(store).release("made"),
    "a vault that was dropped, made again": lambda store: store.create_vault("gone"),
}


@pytest.mark.parametrize("change", sorted(CHANGES))
def test_what_changed_since_is_never_lost(change: str, tmp_path: Path) -> None:
    """If one secret or vault at one target is not as the report says, nothing is undone."""
    targets = Targets()
    targets.deploy(FIRST, BOTH)
    reported(targets, SECOND, tmp_path / "report")
    CHANGES[change](Store(targets.memories[1]))
    before = everything(targets)
    with pytest.raises(Refused, match="target-1") as caught:
        targets.undo(tmp_path / "report")
    assert caught.value.code == "UNDO_REFUSED"
    assert "target-0" not in str(caught.value)
    assert everything(targets) == before


def test_where_the_primary_refuses_the_replica_keeps_its_value_too(tmp_path: Path) -> None:
    """A secret is undone on all its targets or on none; a rerun does the rest."""
    targets = Targets()
    reported(targets, FIRST, tmp_path / "first")
    reported(targets, {**FIRST, "sessions": {**FIRST["sessions"], "pin": Secret("5678")}}, tmp_path / "second")
    before = everything(targets)
    targets.faults[0].fail("put", Denied, name="default/sessions/pin")
    reports = targets.apply(targets.undo(tmp_path / "second"))
    assert [len(report.failed) for report in reports.values()] == [1, 0]
    assert [len(report.left) for report in reports.values()] == [0, 1]
    assert everything(targets) == before
    targets.faults[0].heal()
    undone(targets, tmp_path / "second")
    assert targets.values(0)["sessions/pin"] == targets.values(1)["sessions/pin"] == "1234"


def test_every_obstacle_is_listed(tmp_path: Path) -> None:
    """One error names all steps that cannot be undone."""
    targets = Targets()
    targets.deploy(FIRST, BOTH)
    reported(targets, SECOND, tmp_path / "report")
    for change in ("a later write", "what was deleted, purged", "a vault that was made, filled"):
        CHANGES[change](Store(targets.memories[0]))
    with pytest.raises(Refused) as caught:
        targets.undo(tmp_path / "report")
    assert all(part in str(caught.value) for part in ("sessions/pin", "sessions/old", "made", "later"))


@pytest.mark.parametrize(
    ("caps", "declared", "problem"),
    [
        (replace(WITH_CONTAINERS, transactions=False, batch=1), {"sessions": FIRST["sessions"]}, "for good"),
        (replace(PLAIN, undelete=False), {**FIRST, "gone": {"one": Secret("1")}}, "for good"),
        (replace(PLAIN, versions=False), {**FIRST, "gone": {"one": Secret("other"), "two": Secret("2")}}, "versions"),
    ],
)
def test_a_store_that_cannot_bring_it_back_refuses_the_whole_report(
    caps: Caps, declared: Vaults, problem: str, tmp_path: Path
) -> None:
    """A vault in a store with containers, a store without undelete, and one without versions."""
    targets = Targets((PLAIN, caps))
    targets.deploy(FIRST, BOTH)
    reported(targets, declared, tmp_path / "report")
    before = everything(targets)
    with pytest.raises(Refused, match=problem):
        targets.undo(tmp_path / "report")
    assert everything(targets) == before


def test_containers_take_back_what_they_made(tmp_path: Path) -> None:
    """A vault that the run made is deleted with its container; other vaults are restored, also after a crash."""
    caps = replace(WITH_CONTAINERS, transactions=False, batch=1)
    second: Vaults = {**SECOND, "gone": FIRST["gone"], "made": {"key": Secret("k")}}
    after = -1
    for after in count():
        targets = Targets((caps, PLAIN))
        targets.deploy(FIRST, BOTH)
        before = everything(targets)
        report = tmp_path / f"report-{after}"
        reported(targets, second, report)
        targets.fuse.left = after
        try:
            targets.apply(targets.undo(report))
        except Crash:
            targets.fuse.left = None
            undone(targets, report)
            assert everything(targets) == before
        else:
            break
    assert after > 20


def test_a_value_that_may_not_be_read_stops_before_the_first_write(tmp_path: Path) -> None:
    """Rolling back needs read on the old value; Denied says so, and nothing is written."""
    targets = Targets()
    targets.deploy(FIRST, BOTH)
    reported(targets, SECOND, tmp_path / "report")
    targets.faults[1].fail("get", Denied, name="default/sessions/pin")
    before = everything(targets)
    with pytest.raises(Denied):
        targets.undo(tmp_path / "report")
    assert everything(targets) == before


def test_a_target_that_does_not_answer_stops_before_the_first_write(tmp_path: Path) -> None:
    """A secret is undone on all its targets or on none."""
    targets = Targets()
    targets.deploy(FIRST, BOTH)
    reported(targets, SECOND, tmp_path / "report")
    targets.faults[1].fail("", Unavailable)
    before = targets.values(0)
    with pytest.raises(Unavailable):
        targets.undo(tmp_path / "report")
    assert targets.values(0) == before


def test_only_its_owner_can_read_a_report_and_no_value_is_in_it(tmp_path: Path) -> None:
    """The mode is 0600; names and versions are in it, no value and no key."""
    targets = Targets()
    canary = "canary-5f2c"
    targets.deploy({"sessions": {"pin": Secret(canary), "old": Secret(canary)}}, BOTH)
    file = tmp_path / "report"
    reported(targets, {"sessions": {"pin": Secret(canary * 2), "made": Generate()}}, file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    text = file.read_text()
    key = workspace_of(Store(targets.memories[0])).record("sessions").key.reveal()
    made = targets.values(0)["sessions/made"]
    assert made is not None
    assert not [hidden for hidden in (canary, key, made) if hidden in text]
    assert {json.loads(line).get("secret") for line in text.splitlines()} == {None, "pin", "old", "made"}


def test_a_report_is_never_overwritten(tmp_path: Path) -> None:
    """An existing file is not overwritten, since an undo may need it."""
    targets = Targets()
    reported(targets, FIRST, tmp_path / "report")
    with pytest.raises(SecretsError, match="exists already") as caught:
        Reporter(tmp_path / "report", "apply", targets.plan(SECOND, BOTH))
    assert caught.value.code == "OUTPUT_FAILED"


def test_a_line_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    """The lines before the incomplete line count."""
    targets = Targets()
    reported(targets, FIRST, tmp_path / "report")
    whole = load_report(tmp_path / "report").steps
    text = (tmp_path / "report").read_text()
    assert text.endswith('\n{"end": true}\n')
    (tmp_path / "cut").write_text(text.removesuffix('{"end": true}\n')[:-7])
    cut = load_report(tmp_path / "cut")
    assert (cut.steps, cut.complete) == (whole[:-1], False)


def test_a_report_that_was_cut_off_leaves_what_it_does_not_hold(tmp_path: Path) -> None:
    """A secret that was written during a kill has no line; it stays with its vault, and the rest is undone."""
    targets = Targets()
    reported(targets, {"made": {"one": Secret("1"), "two": Secret("2")}}, tmp_path / "report")
    lines = (tmp_path / "report").read_text().splitlines(keepends=True)
    killed = [line for line in lines if '"two"' not in line and "end" not in line]
    (tmp_path / "killed").write_text("".join(killed))
    undone(targets, tmp_path / "killed")
    assert targets.values(0) == targets.values(1) == {"made/two": "2"}
    assert short(targets.undo(tmp_path / "killed")) == []


def test_a_report_that_cannot_be_written_stops_the_run(tmp_path: Path) -> None:
    """No step is started whose line would be lost."""
    targets = Targets()
    joint = targets.plan(FIRST, BOTH)
    reporter = Reporter(tmp_path / "report", "apply", joint)
    os.close(reporter._file)
    reporter._file = os.open("/dev/full", os.O_WRONLY)
    reports = apply_joint(joint, targets.stores(joint.layout.targets), reporter)
    reporter.close()
    assert isinstance(reporter.problem, SecretsError)
    assert all(len(report.done) <= 2 and report.left for report in reports.values())  # both vaults were under way


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", ConfigError),
        ("x\n", ConfigError),
        ("[]\n", ConfigError),
        ('{"format": "tailorsecrets-plan"}\n', ConfigError),
        ('{"format": "tailorsecrets-report", "version": 2}\n', Unsupported),
        ('{"format": "tailorsecrets-report", "version": 1}\n', ConfigError),
        (
            (
                '{"format": "tailorsecrets-report", "version": 1, "command": "apply", "app": null, "targets": []}\n'
                '{"target": 0, "action": "create", "vault": "abc", "before": "", "after": ""}\n'
            ),
            ConfigError,
        ),
    ],
)
def test_anything_but_a_report_is_refused(text: str, kind: type[SecretsError], tmp_path: Path) -> None:
    """A damaged file, another file, and the report of a newer format."""
    (tmp_path / "report").write_text(text)
    with pytest.raises(kind):
        load_report(tmp_path / "report")


def test_a_report_holds_what_was_done() -> None:
    """An example of a line, with the versions before and after."""
    assert Done(0, "update", Place("abc", "key"), "v1", "v2").owners == (None, None)
