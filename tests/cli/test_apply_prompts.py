"""The questions of ``apply`` and ``remove`` on a real terminal."""

import json
import signal
import subprocess
import time
from pathlib import Path

import pexpect
import pytest

from tailorsecrets.errors import Denied
from tests.support.configs import many
from tests.support.memory_plugin import DRIVERS
from tests.support.shell import PROGRAM, Shell, ended

CONFLICTS, UNMANAGED, DELETIONS = (
    "Take these vaults over from their owners? [y/N]: ",
    "Take these vaults over? [y/N]: ",
    "Delete all of these? [y/N]: ",
)


def answer(child: "pexpect.spawn[str]", *answers: tuple[str, str]) -> tuple[int | None, str]:
    """Answer the prompts and wait for the end."""
    for prompt, word in answers:
        child.expect_exact(prompt)
        child.sendline(word)
    return ended(child)


def test_three_questions(mixed: Shell) -> None:
    """Conflicts, unmanaged vaults and deletions are asked for in this order, and three times yes applies."""
    code, text = answer(mixed.terminal("apply"), (CONFLICTS, "y"), (UNMANAGED, "y"), (DELETIONS, "y"))
    assert code == 0
    assert "applied: 2 created, 3 updated, 5 deleted" in text


@pytest.mark.parametrize("declined", [0, 1, 2])
@pytest.mark.parametrize("word", ["", "n"])
def test_declining_one(mixed: Shell, declined: int, word: str) -> None:
    """Declining any of them changes nothing, and says so."""
    prompts = (CONFLICTS, UNMANAGED, DELETIONS)[: declined + 1]
    words = [*["y"] * declined, word]
    code, text = answer(mixed.terminal("apply"), *zip(prompts, words, strict=True))
    assert code == 1
    assert "error[APPLY_CANCELLED]: nothing was changed" in text
    assert mixed("apply", "-d", "-j").data["summary"] == {"create": 2, "update": 3, "delete": 5}


def test_a_mass_deletion_is_asked_for(shell: Shell) -> None:
    """On a terminal --yes does not cover a mass deletion, and the question does."""
    shell.declare(many(30))
    shell("apply")
    shell.declare(many(1))
    assert answer(shell.terminal("apply", "--yes"), (DELETIONS, "y"))[0] == 0


def test_remove_asks_once(managed: Shell) -> None:
    """Remove asks one question."""
    code, text = answer(managed.terminal("remove"), (DELETIONS, "n"))
    assert code == 1
    assert "error[APPLY_CANCELLED]" in text
    assert answer(managed.terminal("remove"), (DELETIONS, "y"))[0] == 0


def test_ctrl_c_at_a_question(mixed: Shell) -> None:
    """Ctrl-C at a question ends with 130, and nothing was changed."""
    child = mixed.terminal("apply")
    child.expect_exact(CONFLICTS)
    child.sendintr()
    code, text = ended(child)
    assert (code, text.strip().splitlines()[-1]) == (130, "error[INTERRUPTED]: interrupted")
    assert mixed("apply", "-d", "-j").data["summary"] == {"create": 2, "update": 3, "delete": 5}


def test_json_never_asks(mixed: Shell) -> None:
    """With --json a needed question is an error, also on a terminal."""
    code, text = ended(mixed.terminal("apply", "--json"))
    assert code == 1
    assert '"CONFIRMATION_REQUIRED"' in text


def test_a_bar_on_a_terminal(shell: Shell) -> None:
    """A long apply shows its progress on a terminal."""
    shell.declare(many(40))
    code, text = ended(shell.terminal("apply"))
    assert code == 0
    assert "applying" in text
    assert "100%" in text


def slow_apply(memory: Shell, options: str) -> "pexpect.spawn[str]":
    """Start an apply of 60 secrets on a slow store, and return when it has begun to write."""
    memory.declare(many(60))
    path = f"{memory.folder}/site:{Path(__file__).parent.parent.parent}"
    child = memory.terminal("apply", TAILORSECRETS_STORE=f"memory://slow?{options}", PYTHONPATH=path)
    child.expect_exact("applying")
    return child


@pytest.mark.parametrize("transactions", [True, False])
@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopped_halfway(memory: Shell, transactions: bool, number: signal.Signals, exit_code: int) -> None:
    """Ctrl-C and SIGTERM during an apply give the same report of the steps, and exit with 130 and 143."""
    child = slow_apply(memory, "slow=0.1" + ("" if transactions else "&transactions=0"))
    child.expect_exact("5%")
    child.kill(number)
    code, text = ended(child)
    assert code == exit_code
    assert "Traceback" not in text
    assert "not done:\n" in text
    assert ("done:\n  nothing\n" in text) is transactions
    assert "error[INTERRUPTED]: " in text
    assert "steps were not done" in text.splitlines()[-2]
    assert text.splitlines()[-1] == "hint: run it again to do the other steps"


def test_a_second_ctrl_c(memory: Shell) -> None:
    """The first Ctrl-C waits for the writes under way; a second one ends the command without a report."""
    child = slow_apply(memory, "slow=3&transactions=0")
    child.expect_exact("1%")  # the vault is there
    time.sleep(0.5)
    child.sendintr()
    time.sleep(0.5)
    child.sendintr()
    code, text = ended(child)
    assert (code, text.splitlines()[-1]) == (130, "error[INTERRUPTED]: interrupted")
    assert "not done:" not in text


def test_sigterm_with_ctrl_c_ignored(memory: Shell) -> None:
    """A shell starts background jobs with Ctrl-C ignored; SIGTERM gives the report there too, and as JSON."""
    memory.declare(many(60))
    path = f"{memory.folder}/site:{Path(__file__).parent.parent.parent}"
    environ = {**memory.environ, "TAILORSECRETS_STORE": "memory://slow?slow=0.2&transactions=0", "PYTHONPATH": path}
    line = f"trap '' INT; exec {PROGRAM} apply --json"
    with subprocess.Popen(
        ["bash", "-c", line], cwd=memory.folder, env=environ, stderr=subprocess.PIPE, text=True
    ) as started:
        assert started.stderr is not None
        assert started.stderr.readline().startswith("apply my-app -> ")
        time.sleep(1.5)
        started.terminate()
        document = json.loads(started.stderr.read().splitlines()[-1])
    assert started.returncode == 143
    assert document["error"]["code"] == "INTERRUPTED"
    assert len(document["done"]) + len(document["notDone"]) == 61
    assert document["notDone"]


def test_deletions_for_good(memory: Shell) -> None:
    """Where a store cannot undo a deletion, the plan, the prompt and the report say so in each line."""
    memory.environ["TAILORSECRETS_STORE"] = "memory://here?undelete=0&transactions=0"
    memory.declare('{"aaa-keys": {"one-key": "x"}, "bbb-keys": {"two-key": "x"}}')
    assert memory("apply").code == 0
    memory.declare('{"aaa-keys": {}}')
    plan = memory("apply", "--dry-run").out
    assert "  - aaa-keys/one-key (for good)\n  - bbb-keys/two-key (for good)\n" in plan
    assert "  - bbb-keys (for good)\n" in plan
    DRIVERS["here"].fail("delete", Denied, name="default/bbb-keys/two-key")
    done = memory("apply", "--yes")
    assert "These will be deleted:\n  - aaa-keys/one-key (for good)\n  - bbb-keys/two-key (for good)\n" in done.err
    assert "done:\n  delete aaa-keys/one-key (for good)\n" in done.err
    assert "  delete bbb-keys/two-key (for good) (PERMISSION_DENIED)\n" in done.err


def test_deletions_that_can_be_undone(managed: Shell) -> None:
    """A deletion that restore can undo is not marked."""
    managed.declare("{}")
    assert "for good" not in managed("apply", "--dry-run").out
