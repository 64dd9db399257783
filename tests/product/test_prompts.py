"""What apply asks on a terminal, and that nothing is written before all is answered, on every store."""

import io

from tailorsecrets.cli.process import run
from tailorsecrets.cli.streams import Io
from tailorsecrets.secret import Secret
from tailorsecrets.store.record import Owner
from tests.support.product.backend import Backend, writes
from tests.support.product.deploying import deploy
from tests.support.shell import Done, Shell

OTHER = Owner("other-app", "0192f0c1-2345-7abc-8def-000000000002")
QUESTIONS = ["Take these vaults over from their owners?", "Take these vaults over?", "Delete all of these?"]


class Keyboard(io.BytesIO):
    """Somebody who types."""

    def isatty(self) -> bool:
        """Be a terminal."""
        return True


class Screen(io.StringIO):
    """What somebody sees."""

    def isatty(self) -> bool:
        """Be a terminal."""
        return True


def typing(shell: Shell, answers: list[str]) -> Done:
    """Apply, and answer the questions."""
    keys = Keyboard("".join(f"{answer}\n" for answer in answers).encode())
    out, err = Screen(), Screen()
    code = run(("apply",), Io(keys, out, err, {**shell.environ, "TERM": "dumb"}, shell.folder))
    return Done(code, out.getvalue(), err.getvalue())


def asked(done: Done) -> list[str]:
    """Return the questions that were asked, in their order."""
    return [line.partition(" [y/N]")[0] for line in done.err.splitlines() if " [y/N]: " in line]


def test_three_questions(backend: Backend, shell: Shell) -> None:
    """Conflicts, unmanaged vaults and deletions are asked for in this order; one no, and nothing was written."""
    with backend.store() as store:
        assert deploy(store, {"own-vault": {"old-key": Secret("x")}}).complete
        assert deploy(store, {"their-vault": {}}, OTHER).complete
        store.create_vault("free-vault")
    backend.backdoor.settle()
    shell.declare('{"own-vault": {}, "their-vault": {}, "free-vault": {}}')

    for answers in (["n"], ["y", "n"], ["y", "y", ""]):
        before = len(backend.arrived())
        done = typing(shell, answers)
        assert (done.code, asked(done)) == (1, QUESTIONS[: len(answers)])
        assert "error[APPLY_CANCELLED]: nothing was changed" in done.err
        assert writes(backend.since(before)) == []

    done = typing(shell, ["y", "y", "y"])
    assert (done.code, asked(done)) == (0, QUESTIONS)
    backend.backdoor.settle()
    assert shell("apply", "--dry-run", "--detailed-exitcode").code == 0
