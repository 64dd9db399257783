"""The questions of ``apply`` and ``remove`` on a real terminal."""

from pathlib import Path

import pexpect
import pytest

from tests.support.configs import many, mixed
from tests.support.shell import Shell, ended

__all__ = ["mixed"]
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


@pytest.mark.parametrize("transactions", [True, False])
def test_ctrl_c_halfway(memory: Shell, transactions: bool) -> None:
    """Ctrl-C while it writes says what was done and what was not, and ends with 130."""
    memory.declare(many(60))
    store = "memory://slow?slow=0.1" + ("" if transactions else "&transactions=0")
    path = f"{memory.folder}/site:{Path(__file__).parent.parent.parent}"
    child = memory.terminal("apply", TAILORSECRETS_STORE=store, PYTHONPATH=path)
    child.expect_exact("applying")
    child.expect_exact("5%")
    child.sendintr()
    code, text = ended(child)
    assert code == 130
    assert "Traceback" not in text
    assert "not done:\n" in text
    assert ("done:\n  nothing\n" in text) is transactions
    assert "steps were not done" in text.splitlines()[-2]
    assert text.splitlines()[-1] == "hint: run it again: it goes on where it stopped"
