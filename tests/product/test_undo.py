"""Saved plans, reports and their undoing on every store, through the command line."""

from pathlib import Path

from tailorsecrets.store.record import Owner
from tailorsecrets.store.store import workspace_of
from tests.support.product.backend import Backend, writes
from tests.support.shell import Shell

FIRST = '{"sessions": {"key": generate(), "pin": env("PIN"), "old": env("OLD")}, "theirs": {}}'
SECOND = (
    '{"sessions": {"key": generate(), "pin": env("NEW_PIN"), "new": env("OLD")}, '
    '"theirs": {"one": env("OLD")}, "made": {}}'
)
VALUES = {"PIN": "canary-1234", "NEW_PIN": "canary-5678", "OLD": "canary-old"}


def state(backend: Backend) -> dict[str, object]:
    """Return the values and the owners in the store."""
    with backend.store() as store:
        return {
            vault.name: (
                workspace_of(store).record(vault.name).owner,
                {entry.name: store.get(vault.name, entry.name) for entry in store.list_secrets(vault.name)},
            )
            for vault in store.list_vaults()
        }


def test_a_plan_is_applied_from_its_file_and_undone_by_its_report(backend: Backend, shell: Shell) -> None:
    """Creates, an update, a deletion, a claim and a new vault are planned, saved, applied, and reversed.

    The second undo writes nothing. Neither file holds a value.
    """
    shell.environ |= VALUES
    shell.declare(FIRST)
    assert shell("apply", "--yes").code == 0
    with backend.store() as store:
        workspace_of(store).claim("theirs", Owner("other-app"), workspace_of(store).record("theirs"))
    backend.backdoor.settle()
    before = state(backend)
    shell.declare(SECOND)
    assert shell("plan", "--out", "plan.json").code == 0
    done = shell("apply", "plan.json", "--report", "report.jsonl")
    assert done.code == 0, done.err
    backend.backdoor.settle()
    assert state(backend) != before
    texts = [Path(shell.folder, name).read_text() for name in ("plan.json", "report.jsonl")]
    assert not [value for value in VALUES.values() if value in "".join(texts)]
    undone = shell("undo", "report.jsonl", "--yes")
    assert undone.code == 0, undone.err
    backend.backdoor.settle()
    assert state(backend) == before
    count = len(backend.arrived())
    again = shell("undo", "report.jsonl", "--yes")
    assert (again.code, "nothing is left to undo" in again.err) == (0, True), again.err
    assert writes(backend.since(count)) == []


def test_a_dropped_vault_comes_back_or_the_report_is_refused(backend: Backend, shell: Shell) -> None:
    """With its record, its key and its secrets; in a store with containers, nothing is undone."""
    shell.environ |= VALUES
    shell.declare('{"gone": {"key": generate(), "pin": env("PIN")}, "stays": {"pin": env("PIN")}}')
    assert shell("apply", "--yes").code == 0
    backend.backdoor.settle()
    before = state(backend)
    shell.declare('{"stays": {"pin": env("NEW_PIN")}}')
    assert shell("apply", "--yes", "--report", "report.jsonl").code == 0
    backend.backdoor.settle()
    after = state(backend)
    undone = shell("undo", "report.jsonl", "--yes")
    backend.backdoor.settle()
    with backend.store() as store:
        containers = store.caps.containers
    if containers:
        assert "error[UNDO_REFUSED]" in undone.err
        assert "gone" in undone.err
        assert state(backend) == after
    else:
        assert undone.code == 0, undone.err
        assert state(backend) == before
        shell.declare('{"gone": {"key": generate(), "pin": env("PIN")}, "stays": {"pin": env("PIN")}}')
        assert shell("plan", "--detailed-exitcode").code == 0
