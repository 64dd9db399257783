"""The questions of ``rotate``, ``undo`` and ``copy`` on a real terminal."""

from typing import TYPE_CHECKING

from tests.support.shell import Shell, ended

if TYPE_CHECKING:
    import pexpect

ROTATE, UNDO = "Make new values for all of these? [y/N]: ", "Undo all of this? [y/N]: "
REPLACE = "Replace all of these? [y/N]: "


def answer(child: "pexpect.spawn[str]", question: str, word: str) -> tuple[int | None, str]:
    """Answer *question*, and return the exit code and all output."""
    child.expect_exact(question)
    before = child.before or ""
    child.sendline(word)
    code, text = ended(child)
    return code, before + text


def test_rotate_and_undo_ask(shell: Shell) -> None:
    """After No nothing is changed, and the output says so; after yes the plan is carried out."""
    shell.declare('{"sessions": {"signing-key": generate()}}')
    assert shell("init", "--store", "file:.tailorsecrets/secrets.jsonl").code in {0, 1}
    assert shell("apply", "--yes", "--store", "file:.tailorsecrets/secrets.jsonl").code == 0
    with shell.store() as store:
        first = store.get("sessions", "signing-key")
    rotate = ("rotate", "sessions/signing-key", "--report", "report.jsonl")
    code, text = answer(shell.terminal(*rotate), ROTATE, "n")
    assert (code, "ROTATION_CANCELLED" in text, (shell.folder / "report.jsonl").exists()) == (1, True, False)
    assert answer(shell.terminal(*rotate), ROTATE, "y")[0] == 0
    with shell.store() as store:
        second = store.get("sessions", "signing-key")
    assert first != second
    code, text = answer(shell.terminal("undo", "report.jsonl"), UNDO, "")
    assert (code, "UNDO_CANCELLED" in text) == (1, True)
    code, text = answer(shell.terminal("undo", "report.jsonl"), UNDO, "y")
    assert (code, "rolled back" in text) == (0, True)
    with shell.store() as store:
        assert store.get("sessions", "signing-key") == first


def test_copy_asks_before_it_replaces(shell: Shell) -> None:
    """The list names each secret with another value."""
    shell.declare('{"sessions": {"pin": "1234"}}')
    here, there = "file:.tailorsecrets/secrets.jsonl", "file:.tailorsecrets/secrets.jsonl?workspace=other"
    assert shell("apply", "--yes", "--store", here).code == 0
    assert shell("copy", here, there).code == 0
    with shell.store("other") as store:
        store.update_secret("sessions", "pin", "9999")
    code, text = answer(shell.terminal("copy", here, there), REPLACE, "n")
    assert (code, "~ sessions/pin" in text, "COPY_CANCELLED" in text) == (1, True, True)
    assert answer(shell.terminal("copy", here, there), REPLACE, "y")[0] == 0
    with shell.store("other") as store:
        assert store.get("sessions", "pin") == "1234"
