"""Running a command with secrets in its environment, and the command lines of ``run`` that need no click.

Click takes as long to load as Python itself, and ``run`` delays each start of another program. So plain command lines
of ``run`` are parsed here; all others, also wrong ones, are left to click.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from tailorsecrets.cli import exits
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.selection import Selection, read_variables
from tailorsecrets.secret import Secret
from tailorsecrets.targets.environment import Environment
from tailorsecrets.variables.environment import Precedence, environment

if TYPE_CHECKING:
    from tailorsecrets.cli.failures import Failed

_COMMON: Final[Mapping[str, str]] = {
    "--workspace-id": "workspace_id", "-w": "workspace_id", "--profile": "profile", "-p": "profile",
    "--store": "store", "--config": "config", "-c": "config",
}  # fmt: skip
_LISTS: Final[Mapping[str, str]] = {"--vault-name": "vaults", "-V": "vaults", "--map": "maps"}
_PRECEDENCES: Final[Mapping[str, Precedence]] = {"--preserve-env": "environment", "--override": "store"}


class Line(NamedTuple):
    """A command line of ``run``."""

    words: tuple[str, ...]  # the command
    selection: Selection = Selection()
    precedence: Precedence = "none"
    mask: bool = False
    common: Mapping[str, str] = {}


def plain_line(argv: Sequence[str]) -> Line | None:
    """Return what *argv*, the words after ``run``, means; None for a line that needs click."""
    common, lists, flags = dict[str, str](), dict[str, tuple[str, ...]](), set[str]()
    precedence: Precedence = "none"
    left = list(argv)
    while left and left[0].startswith("-") and (option := left.pop(0)) != "--":
        value = left.pop(0) if option in {*_COMMON, *_LISTS} and left else ""
        if option in _LISTS:
            lists[_LISTS[option]] = (*lists.get(_LISTS[option], ()), value)
        elif option in _COMMON and value:
            common[_COMMON[option]] = value
        elif option in _PRECEDENCES and precedence in {"none", _PRECEDENCES[option]}:
            precedence = _PRECEDENCES[option]
        elif option in {"--allow-missing", "--mask"}:
            flags.add(option)
        else:
            return None
    if not left:
        return None
    vaults, maps = lists.get("vaults", ()), lists.get("maps", ())
    selection = Selection(vaults, maps, allow_missing="--allow-missing" in flags)
    return Line(tuple(left), selection, precedence, "--mask" in flags, common)


def run_line(line: Line, invocation: Invocation) -> int:
    """Do what *line* says."""
    for name, value in line.common.items():
        invocation.take(name, value)
    return run_command(invocation, line.words, line.selection, line.precedence, mask=line.mask)


def run_command(
    invocation: Invocation, words: tuple[str, ...], selection: Selection, precedence: Precedence, *, mask: bool
) -> int:
    """Run *words* with the secrets of *selection*; return the exit code, if this process stays.

    Raise Failed with the code COMMAND_NOT_FOUND or COMMAND_NOT_RUNNABLE.
    """
    secrets = read_variables(invocation, selection)
    variables = environment(invocation.environ, secrets, precedence)
    invocation.wait_notice.stop()
    invocation.io.flush()
    try:
        return _masked(invocation, words, variables, secrets) if mask else invocation.io.execute(words, variables)
    except OSError as exc:
        number = exc.errno or 0
    raise _not_run(words[0], number, secrets)


def _masked(invocation: Invocation, words: tuple[str, ...], variables: Environment, secrets: dict[str, Secret]) -> int:
    from tailorsecrets.variables.forms import SHORTEST, forms
    from tailorsecrets.variables.masked import run_masked

    short = [name for name, value in secrets.items() if len(value.reveal()) < SHORTEST]
    if short:
        invocation.io.say(f"note: values of less than {SHORTEST} characters are not masked: {', '.join(short)}")
    return run_masked(words, variables, forms(secrets.values()))


def _not_run(name: str, number: int, secrets: Mapping[str, Secret]) -> "Failed":
    import errno
    import os

    from tailorsecrets.cli.failures import Failed

    if number in {errno.ENOENT, errno.ENOTDIR}:
        message, hint = f"{name}: the command is not found", "correct its name, or add its folder to PATH"
        return Failed(message, code="COMMAND_NOT_FOUND", hint=hint, exit_code=exits.NOT_FOUND)
    problem, hint = os.strerror(number), ""
    if number == errno.E2BIG:
        largest = max(secrets, key=lambda variable: len(secrets[variable].reveal()), default="")
        problem, hint = "the environment is too large", "choose variables with --map, and put large values into files"
        hint = f"{hint}; the largest value is that of {largest}" if largest else hint
    elif number == errno.EACCES:
        hint = f"it must be a file with the right to execute it, as after: chmod +x {name}"
    message = f"{name}: the command cannot be run: {problem}"
    return Failed(message, code="COMMAND_NOT_RUNNABLE", hint=hint, exit_code=exits.NOT_RUNNABLE)
