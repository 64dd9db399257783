"""OpenBao with AWS: a copy, an undo and a rotation that die amid their calls; 1,000 secrets from store to store."""

import random
import subprocess
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from tailorsecrets.declared.declarations import Declarations
from tailorsecrets.declared.sources import Generate, source
from tailorsecrets.deploy.by_hand import OpenTarget, create_vault, everywhere, restoring
from tailorsecrets.deploy.joint import JointPlan
from tailorsecrets.deploy.layout import layout
from tailorsecrets.deploy.reports import load_report
from tailorsecrets.deploy.rotate import due_by_command, plan_rotation, to_rotate
from tailorsecrets.driver import ABSENT
from tailorsecrets.secret import Secret
from tailorsecrets.store.names import Place
from tailorsecrets.store.store import Store, workspace_of
from tailorsecrets.targets.choice import Choice
from tailorsecrets.testing.faults import Crash
from tests.support.product.backend import Backend, writes
from tests.support.product.backends import BACKENDS, Start
from tests.support.shell import PROGRAM, Shell
from tests.support.targets import APP, Fused, Targets, Vaults, routes, target

A, B, BOTH = routes([0]), routes([1]), routes([0, 1])
FIRST: Vaults = {"sessions": {"key": Generate(), "pin": Secret("1234"), "old": Secret("x")}}
SECOND: Vaults = {"sessions": {"key": Generate(), "pin": Secret("5678"), "new": Secret("y")}, "made": {}}
EVERY = 5  # of how many calls one is the last; on memory each of them is
MANY = 1000
KILLS = 2  # of each copy from a store to another


@dataclass
class Pair(Targets):
    """The stores of two backends, in their own workspace, in place of those in memory."""

    backends: Sequence[Backend] = field(default=(), kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.workspace = f"w-{uuid.uuid4().hex[:8]}"

    def stores(self, targets: Iterable[Choice]) -> list[Store]:
        """Open the stores of *targets*, whose calls the fuse counts."""
        return [self._store(self.number(choice)) for choice in targets]

    def values(self, number: int) -> dict[str, str | None]:
        """Return all that a program can read at target *number*."""
        left, self.fuse.left = self.fuse.left, None
        with self._store(number) as store:
            found = {
                f"{vault.name}/{entry.name}": store.get(vault.name, entry.name)
                for vault in store.list_vaults()
                for entry in store.list_secrets(vault.name)
            }
        self.fuse.left = left
        return found

    def _store(self, number: int) -> Store:
        backend = self.backends[number]
        driver = Fused(backend.connect(), self.fuse)
        return Store(driver, self.workspace, url=backend.url, prefix=backend.prefix, may_create=True)


@pytest.fixture
def both(tmp_path: Path, servers: Start) -> Iterator[Sequence[Backend]]:
    """Return OpenBao, where vaults are folders, and AWS."""
    with ExitStack() as stack:
        opened = []
        for name in ("openbao-folders", "aws"):
            folder = tmp_path / name
            folder.mkdir()
            opened.append(stack.enter_context(BACKENDS[name](folder, servers)))
        yield opened


def planned(targets: Targets, now: datetime) -> JointPlan:
    """Return the plan of a rotation."""
    declarations = Declarations({"sessions": {"key": Generate(), "pin": source("1234")}})
    desired = to_rotate(declarations, APP, [Place("sessions", "key")], [])
    where = layout([BOTH], desired.vaults)
    return plan_rotation(desired, where, targets.stores(where.targets), due_by_command(now, None))


def has_steps(joint: JointPlan) -> bool:
    """Tell whether anything is left to do."""
    return any(plan.steps for plan in joint.plans.values())


def test_a_copy_that_dies_is_finished_by_the_next(both: Sequence[Backend]) -> None:
    """After each of a sample of its calls: both sides are equal, with one owner and one key, and nothing is left."""
    source_of = Pair(backends=both)
    source_of.deploy(FIRST, A)
    wanted = source_of.values(0)
    after = 0
    while True:
        targets = Pair(backends=both)
        targets.workspace = source_of.workspace
        targets.fuse.left = after
        try:
            targets.apply(targets.copy(A, B))
        except Crash:
            targets.fuse.left = None
            targets.apply(targets.copy(A, B))
            assert targets.values(1) == wanted
            records = [workspace_of(store).record("sessions") for store in map(targets._store, (0, 1))]
            assert len({(record.owner, record.key.reveal()) for record in records}) == 1
            assert not has_steps(targets.copy(A, B))
            _empty(targets, 1)
        else:
            break
        after += EVERY
    assert after > 2 * EVERY


def _empty(targets: Pair, number: int) -> None:
    """Purge all that target *number* holds."""
    with targets._store(number) as store:
        for entry in store.list_secrets("sessions"):
            store.purge_secret("sessions", entry.name)
        workspace_of(store).operations.delete(Place("sessions"), purge=True)


def test_an_undo_that_dies_is_finished_by_the_next(both: Sequence[Backend], tmp_path: Path) -> None:
    """After each of a sample of its calls: everything is as before, and nothing is left to undo."""
    after = 0
    while True:
        targets = Pair(backends=both)
        targets.deploy(FIRST, BOTH)
        before = targets.values(0), targets.values(1)
        report = tmp_path / f"report-{after}"
        targets.apply(targets.plan(SECOND, BOTH), report)
        targets.fuse.left = after
        try:
            targets.apply(targets.undo(report))
        except Crash:
            targets.fuse.left = None
            targets.apply(targets.undo(report))
            assert (targets.values(0), targets.values(1)) == before
            assert not has_steps(targets.undo(report))
            assert not has_steps(targets.plan(FIRST, BOTH))
        else:
            break
        after += EVERY
    assert after > 2 * EVERY


def test_a_rotation_that_dies_is_finished_by_apply(both: Sequence[Backend]) -> None:
    """After each of a sample of its calls: one value on both, and nothing is left to do."""
    targets = Pair(backends=both)
    targets.deploy(FIRST, BOTH)
    after = 0
    while True:
        targets.fuse.left = after
        try:
            targets.apply(planned(targets, datetime.now(UTC)))
        except Crash:
            targets.fuse.left = None
            targets.deploy(FIRST, BOTH)
            assert targets.values(0) == targets.values(1)
            assert not has_steps(targets.plan(FIRST, BOTH))
        else:
            break
        after += 1
    assert after > 2


@pytest.mark.parametrize(
    "names",
    [("openbao-folders", "aws"), ("aws", "openbao-folders"), ("gcp", "azure"), ("azure", "file"), ("file", "gcp")],
    ids="-".join,
)
def test_a_restore_by_hand_makes_both_equal(names: Sequence[str], tmp_path: Path, servers: Start) -> None:
    """The replica gets the primary's value, whether its own deleted version is the same, an older one, or not there."""
    with ExitStack() as stack:
        pair = Pair(backends=[stack.enter_context(BACKENDS[name](tmp_path, servers)) for name in names])
        primary, replica = targets = [OpenTarget(target(number), pair.stores([target(number)])[0]) for number in (0, 1)]
        create_vault(targets, "api-keys")
        for older in ("new", "old", None):
            secret = f"was-{older}".lower()
            primary.store.create_secret("api-keys", secret, "new")
            primary.store.delete_secret("api-keys", secret)
            if older:
                replica.store.create_secret("api-keys", secret, older)
                replica.store.delete_secret("api-keys", secret)
            assert all(outcome.done for outcome in everywhere(targets, restoring(targets, "api-keys", secret)))
            assert [each.store.get("api-keys", secret) for each in targets] == ["new", "new"]


@pytest.mark.long
@pytest.mark.timeout(240)
def test_a_thousand_secrets_go_from_store_to_store(both: Sequence[Backend], tmp_path: Path) -> None:
    """OpenBao to AWS to a file to OpenBao, with kills at random moments: equal at the end, and no write is left."""
    bao, aws = both
    shell = Shell(tmp_path).having({**bao.environ, **aws.environ})
    wanted = {f"many/key-{number}": f"value {number}\n" for number in range(MANY)}
    with bao.store("first") as store:
        store.create_vault("many")
        record = workspace_of(store).record("many")

        def write(number: int) -> None:
            workspace_of(store).put_secret(record, "many", f"key-{number}", Secret(f"value {number}\n"), expect=ABSENT)

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(write, range(MANY)))
    sides = [f"{bao.url}?workspace=first", f"{aws.url}&workspace=many", "file:many.jsonl", f"{bao.url}?workspace=last"]
    assert shell("init", "--store", sides[2]).code == 0
    rng = random.Random(7)
    for number, (one, other) in enumerate(pairwise(sides)):
        for kill in range(KILLS if other != sides[2] else 1):
            _killed(shell, one, other, tmp_path / f"report-{number}-{kill}", rng.randrange(MANY // (KILLS + 1)))
        done = shell("copy", one, other, "--yes")
        assert done.code == 0, done.err
    with bao.store("last") as store:
        names = [entry.name for entry in store.list_secrets("many")]
        got = dict(zip(names, store.get_all("many", names), strict=True))
    assert {f"many/{name}": value for name, value in got.items()} == wanted
    count = len(bao.arrived())
    assert shell("copy", sides[2], sides[3]).code == 0
    assert writes(bao.since(count)) == []


def test_the_report_of_a_killed_apply_is_good_for_what_it_holds(both: Sequence[Backend], tmp_path: Path) -> None:
    """Everything in it is undone, though SIGKILL ended the run, and a second undo finds nothing left."""
    bao, _ = both
    shell = Shell(tmp_path).having({**bao.variables, "TAILORSECRETS_WORKSPACE": "killed"})
    shell.declare('{"many": {f"key-{number}": "x" for number in range(300)}}')
    report = tmp_path / "report"
    _run_and_kill(shell, ["apply", "--report", str(report)], report, 40)
    held = {line.place.secret for line in load_report(report).steps if line.place.secret}
    done = shell("undo", str(report), "--yes")
    assert done.code == 0, done.err
    assert "note: the report is incomplete" in done.err
    with bao.store("killed") as store:
        left = {entry.name for vault in store.list_vaults() for entry in store.list_secrets(vault.name)}
    assert len(held) > 30
    assert not held & left
    assert "nothing is left to undo" in shell("undo", str(report), "--yes").err


def _killed(shell: Shell, one: str, other: str, report: Path, lines: int) -> None:
    """Start a copy, and kill it when its report has this many lines, or before it is read where it ends at once."""
    _run_and_kill(shell, ["copy", one, other, "--yes", "--report", str(report)], report, lines)


def _run_and_kill(shell: Shell, argv: Sequence[str], report: Path, lines: int) -> None:
    process = subprocess.Popen(
        [PROGRAM, *argv], cwd=shell.folder, env=shell.environ, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    while process.poll() is None and not (report.exists() and report.read_bytes().count(b"\n") > lines):
        time.sleep(0.05)
    process.kill()
    process.wait()
