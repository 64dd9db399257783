"""A command that waits for the store says so, once."""

import time
from pathlib import Path

import pytest

from tailorsecrets.cli import waiting
from tailorsecrets.cli.waiting import WaitNotice
from tailorsecrets.errors import Unavailable
from tests.support.memory_plugin import DRIVERS
from tests.support.shell import Shell, ended

WAITING = "waiting for memory://here?timeout=0.3 ...\n"
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def hasty(memory: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Return a command line that waits for a tenth of a second before it says so."""
    memory.declare('{"api-keys": {"stripe-key": "x"}}')
    assert memory("apply", "--yes").code == 0
    monkeypatch.setattr(waiting, "NOTICE_AFTER", 0.1)
    return memory


@pytest.mark.parametrize(
    ("words", "op"),
    [
        (("apply", "--dry-run"), "list"),
        (("remove", "--dry-run"), "list"),
        (("check",), "get"),
        (("secret", "list", "-V", "api-keys"), "list"),
        (("secret", "get", "-V", "api-keys", "-n", "stripe-key"), "get"),
        (("secret", "history", "-V", "api-keys", "-n", "stripe-key"), "versions"),
        (("secret", "delete", "-V", "api-keys", "-n", "stripe-key", "--yes"), "delete"),
        (("secret", "vault", "create", "other-keys"), "put"),
    ],
)
def test_every_command(hasty: Shell, words: tuple[str, ...], op: str) -> None:
    """One line on stderr names the store that does not answer, in a pipe too; stdout has the data alone."""
    DRIVERS["here"].slow(op, 0.4)
    done = hasty(*words)
    assert done.code == 0
    assert done.err.count(WAITING) == 1
    assert "waiting" not in done.out


def test_a_fast_store(hasty: Shell) -> None:
    """A store that answers has no such line."""
    assert "waiting" not in hasty("secret", "list", "-V", "api-keys").err


def test_the_error_stays_the_last_line(hasty: Shell) -> None:
    """With --json the error is still the last line."""
    DRIVERS["here"].fail("", Unavailable)
    done = hasty("secret", "list", "-V", "api-keys", "--json")
    assert WAITING in done.err
    assert done.error["code"] == "UNAVAILABLE"


def test_steps_are_answers(hasty: Shell) -> None:
    """An apply whose steps are done one after the other does not wait, however long it takes."""
    hasty.environ["TAILORSECRETS_STORE"] += "&transactions=0"
    hasty.declare(str({"api-keys": {f"key-{number}": "y" for number in range(64)}}))
    DRIVERS["here"].slow("put", 0.05)
    started = time.monotonic()
    done = hasty("apply", "--yes")
    assert time.monotonic() - started > 0.3
    assert "waiting" not in done.err


def test_after_two_seconds() -> None:
    """The line comes after two seconds, and not before."""
    assert waiting.NOTICE_AFTER == 2.0


def test_a_prompt_is_no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time at a prompt does not count; the time after it does."""
    said: list[str] = []
    monkeypatch.setattr(waiting, "NOTICE_AFTER", 0.1)
    notice = WaitNotice(said.append)
    notice.start("memory://here")
    with notice.paused():
        time.sleep(0.4)
    assert said == []
    time.sleep(0.4)
    assert said == ["waiting for memory://here ..."]


def test_a_person_at_a_prompt(managed: Shell) -> None:
    """Somebody who thinks about a prompt for three seconds reads nothing about the store."""
    child = managed.terminal("remove")
    child.expect_exact("[y/N]: ")
    time.sleep(3)
    child.sendline("n")
    _, text = ended(child)
    assert "APPLY_CANCELLED" in text
    assert "waiting" not in text


def test_on_a_terminal(memory: Shell) -> None:
    """On a terminal a slow store is named after about two seconds."""
    memory.declare('{"api-keys": {"stripe-key": "x"}}')
    path = f"{memory.folder}/site:{ROOT}"
    child = memory.terminal("apply", TAILORSECRETS_STORE="memory://slow?slow=3", PYTHONPATH=path)
    _, text = ended(child)
    assert text.count("waiting for memory://slow?slow=3 ...") == 1
    assert "applied: 2 created" in text
