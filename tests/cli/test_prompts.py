"""Prompts on a real terminal: hidden values, yes or no, typing the name, and leaving."""

import pytest

from tests.support.shell import STORE, Shell, ended

KEY = ("-V", "api-keys", "-n", "new-key")
STRIPE = ("-V", "api-keys", "-n", "stripe-key")


def test_a_hidden_prompt(shell: Shell) -> None:
    """On a terminal the value is asked for and not shown, after the target was."""
    child = shell.terminal("secret", "create", *KEY)
    child.expect_exact(f"secret create api-keys/new-key -> {STORE}, workspace default")
    child.expect_exact("Value: ")
    child.sendline("s3cret-typed")
    code, text = ended(child)
    assert (code, shell.value("api-keys", "new-key")) == (0, "s3cret-typed")
    assert "s3cret-typed" not in text


def test_a_hidden_prompt_left_empty(shell: Shell) -> None:
    """An empty answer is refused, and the hint has the option for the empty text."""
    child = shell.terminal("secret", "create", *KEY)
    child.expect_exact("Value: ")
    child.sendline("")
    code, text = ended(child)
    assert code == 1
    assert "error[SECRET_VALUE_EMPTY]" in text
    assert '--value ""' in text


def test_the_end_of_input_cancels(shell: Shell) -> None:
    """Ctrl-D at the prompt for the value cancels."""
    child = shell.terminal("secret", "create", *KEY)
    child.expect_exact("Value: ")
    child.sendeof()
    code, text = ended(child)
    assert code == 1
    assert "error[SECRET_CREATION_CANCELLED]" in text


def test_ctrl_c_at_the_prompt(shell: Shell) -> None:
    """Ctrl-C ends with 130 and one line."""
    child = shell.terminal("secret", "create", *KEY)
    child.expect_exact("Value: ")
    child.sendintr()
    code, text = ended(child)
    assert (code, text.strip().splitlines()[-1]) == (130, "error[INTERRUPTED]: interrupted")
    assert "Traceback" not in text


@pytest.mark.parametrize("answer", ["y", "YES"])
def test_a_managed_vault_on_a_terminal(managed: Shell, answer: str) -> None:
    """On a terminal the user is asked, and a yes proceeds."""
    (managed.folder / "value").write_text("by hand")
    child = managed.terminal("secret", "update", *STRIPE, "--value-file", "value")
    child.expect_exact("Update api-keys/stripe-key by hand? [y/N]: ")
    child.sendline(answer)
    assert ended(child)[0] == 0
    assert managed.value("api-keys", "stripe-key") == "by hand"


@pytest.mark.parametrize("answer", ["", "n", "no", "yep"])
@pytest.mark.parametrize(("verb", "words"), [("create", KEY), ("update", STRIPE)])
def test_declining(managed: Shell, verb: str, words: tuple[str, ...], answer: str) -> None:
    """Anything but a yes cancels, and nothing was changed."""
    (managed.folder / "value").write_text("by hand")
    child = managed.terminal("secret", verb, *words, "--value-file", "value")
    child.expect_exact("[y/N]: ")
    child.sendline(answer)
    code, text = ended(child)
    assert code == 1
    assert f"error[SECRET_{'CREATION' if verb == 'create' else 'UPDATE'}_CANCELLED]: nothing was changed" in text
    assert managed.owner("api-keys") == "my-app"


@pytest.mark.parametrize("verb", ["delete", "purge"])
def test_typing_the_name(shell: Shell, verb: str) -> None:
    """On a terminal a delete wants the name typed."""
    child = shell.terminal("secret", verb, *STRIPE)
    child.expect_exact("Type stripe-key to confirm: ")
    child.sendline("stripe-key")
    assert ended(child)[0] == 0
    assert shell.value("api-keys", "stripe-key") is None


@pytest.mark.parametrize("answer", ["", "y", "stripe", "api-keys/stripe-key"])
def test_typing_another_name(shell: Shell, answer: str) -> None:
    """Anything but the name cancels."""
    child = shell.terminal("secret", "delete", *STRIPE)
    child.expect_exact("Type stripe-key to confirm: ")
    child.sendline(answer)
    code, text = ended(child)
    assert code == 1
    assert "error[SECRET_DELETION_CANCELLED]: nothing was changed" in text
    assert shell.value("api-keys", "stripe-key") == "sk_live"


def test_a_line_that_a_terminal_cuts(shell: Shell) -> None:
    """A line as long as a terminal can hand over is refused, for it may have been cut."""
    child = shell.terminal("secret", "create", *KEY)
    child.expect_exact("Value: ")
    for _ in range(5):
        child.send("x" * 1000)
    child.sendline("")
    code, text = ended(child)
    assert code == 1
    assert "error[SECRET_VALUE_TOO_LARGE]" in text
    assert "--value-stdin" in text


def test_a_value_from_stdin_on_a_terminal(shell: Shell) -> None:
    """--value-stdin on a terminal is refused before anything is typed, since the terminal would show it."""
    code, text = ended(shell.terminal("secret", "create", *KEY, "--value-stdin"))
    assert code == 1
    assert "error[SECRET_VALUE_STDIN_TTY]" in text
    assert "hint: " in text
    assert shell("secret", "get", *KEY, "--json").error["code"] == "SECRET_NOT_FOUND"


def test_adopting_from_the_same_name(managed: Shell) -> None:
    """The question about a vault of an owner with the same name and another id says so."""
    managed.declare('{"api-keys": {}}', identity="0192f0c1-2345-7abc-8def-000000000009")
    child = managed.terminal("secret", "vault", "adopt", "api-keys")
    child.expect_exact("my-app, another id manages vault api-keys. Take it over? [y/N]: ")
    child.sendline("n")
    assert ended(child)[0] == 1
