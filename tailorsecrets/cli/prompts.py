"""Prompts on the terminal. The default answer is No; an end of input is No too."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.streams import printable
from tailorsecrets.errors import Refused, ValueInvalid
from tailorsecrets.secret import Secret

_LINE: Final = 4095  # bytes of a line on a terminal, which silently cuts a longer one


def confirm(question: str, invocation: Invocation, *, code: str, yes: bool) -> None:
    """Return if *yes*, or if the answer to *question* is yes; raise Refused with *code* otherwise."""
    need_terminal(question.rstrip("?"), invocation, yes=yes)
    if not yes and not agreed(question, invocation):
        raise Refused("nothing was changed", code=code)


def agreed(question: str, invocation: Invocation) -> bool:
    """Tell whether the answer to *question* is yes."""
    return _answer(f"{question} [y/N]: ", invocation).lower() in {"y", "yes"}


def confirm_by_name(action: str, name: str, invocation: Invocation, *, code: str, yes: bool) -> None:
    """Return if *yes*, or if the user types *name* to confirm *action*; raise Refused with *code* otherwise."""
    need_terminal(action, invocation, yes=yes)
    if not yes and _answer(f"{action}? Type {name} to confirm: ", invocation) != name:
        raise Refused("nothing was changed", code=code)


def need_terminal(action: str, invocation: Invocation, *, yes: bool) -> None:
    """Raise Refused where *action* must be confirmed, there is no terminal, and --yes was not given."""
    if not yes and not invocation.can_ask:
        raise Refused(f"{action}: this must be confirmed, and there is no terminal to ask on", hint="pass --yes")


def hidden(label: str, invocation: Invocation) -> Secret | None:
    """Return the line that the user types unseen, None for the end of input."""
    from getpass import getpass

    try:
        with invocation.wait_notice.paused(), _line_ended(invocation):
            typed = Secret(getpass(f"{label}: ", invocation.io.stderr))
    except EOFError:
        invocation.io.say("")
        return None
    except UnicodeDecodeError:
        typed = None
    if typed is None:
        raise ValueInvalid("the value is not UTF-8 text")
    _check_whole(typed)
    return typed


def hidden_twice(label: str, invocation: Invocation) -> Secret:
    """Return the text that the user types unseen, twice."""
    first, second = hidden(label, invocation), hidden(f"{label} again", invocation)
    if first is None or first != second:
        raise Refused("the two entries differ; nothing was changed", code="PASSPHRASE_MISMATCH")
    return first


def _check_whole(typed: Secret) -> None:
    if len(typed.reveal().encode("utf-8", "surrogateescape")) >= _LINE:
        hint = "use --value-stdin with a pipe, or --value-file"
        raise ValueInvalid(
            "the line is too long for a terminal, which cuts it", code="SECRET_VALUE_TOO_LARGE", hint=hint
        )


def _answer(prompt: str, invocation: Invocation) -> str:
    invocation.io.stderr.write(printable(prompt))
    invocation.io.stderr.flush()
    with invocation.wait_notice.paused(), _line_ended(invocation):
        line = invocation.io.stdin.readline()
    if not line.endswith(b"\n"):  # the end of input
        invocation.io.say("")
    return line.decode("utf-8", "replace").strip()


@contextmanager
def _line_ended(invocation: Invocation) -> Generator[None]:
    """Begin a new line when Ctrl-C leaves the cursor after a prompt."""
    try:
        yield
    except KeyboardInterrupt:
        invocation.io.say("")
        raise
