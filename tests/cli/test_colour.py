"""Colour: on a terminal, plain in a pipe, and the variables that decide otherwise."""

import io

import pytest

from tailorsecrets.cli.colour import coloured, has_colour
from tests.support.shell import Shell, ended

GREEN, YELLOW, RED, BOLD, RESET = "\x1b[32m", "\x1b[33m", "\x1b[31m", "\x1b[1m", "\x1b[0m"
DECLARED = '{"api-keys": {"new-key": "x", "old-key": "y", "no-key": env("NO_KEY")}}'
SKIP = ", ignore_nullish_values=True"


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        """Return True."""
        return True


@pytest.mark.parametrize(
    ("variables", "terminal", "expected"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": ""}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"TERM": "dumb"}, True, False),
        ({"TERM": "xterm"}, False, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, True, False),
    ],
)
def test_the_variables(variables: dict[str, str], terminal: bool, expected: bool) -> None:
    """A terminal has colour, FORCE_COLOR gives it to a pipe, NO_COLOR and TERM=dumb win."""
    assert has_colour(Terminal() if terminal else io.StringIO(), variables) is expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("  + api-keys", f"{GREEN}  + api-keys{RESET}"),
        ("  ~ api-keys (claim)", f"{YELLOW}  ~ api-keys (claim){RESET}"),
        ("  - api-keys", f"{RED}  - api-keys{RESET}"),
        ("  ○ api-keys/key", f"{YELLOW}  ○ api-keys/key{RESET}"),
        ("  ! api-keys (owner: other)", f"{RED}  ! api-keys (owner: other){RESET}"),
        ("warning: look", f"{YELLOW}{BOLD}warning:{RESET} look"),
        ("error[NOT_FOUND]: no", f"{RED}{BOLD}error[NOT_FOUND]:{RESET} no"),
        ("hint: yes", f"{BOLD}hint:{RESET} yes"),
        ("Vaults:", f"{BOLD}Vaults:{RESET}"),
        ("Plan: 1 to create", f"{BOLD}Plan: 1 to create{RESET}"),
        ("ok       api-keys/key", f"{GREEN}ok{RESET}       api-keys/key"),
        ("okay", "okay"),
        ("applied: 1 created", "applied: 1 created"),
        ("", ""),
    ],
)
def test_lines(line: str, expected: str) -> None:
    """The beginning of a line decides its colour."""
    assert coloured(f"{line}\n{line}") == f"{expected}\n{expected}"


@pytest.fixture
def changed(shell: Shell) -> Shell:
    """Return a command line whose config creates, updates, deletes, skips, and takes a vault over."""
    shell.declare(DECLARED.replace("new-key", "gone-key"), SKIP)
    assert shell("apply", "--yes").code == 0
    shell.declare(DECLARED.replace('"y"', '"z"'), SKIP, name="other", identity="0192f0c1-2345-7abc-8def-000000000002")
    return shell


def test_a_plan_in_a_pipe(changed: Shell) -> None:
    """A plan in a pipe is plain; FORCE_COLOR colours it, and the text is the same."""
    plain, forced = changed("apply", "-d"), changed("apply", "-d", FORCE_COLOR="1")
    assert "\x1b" not in plain.out + plain.err
    for colour, line in (
        (GREEN, "  + api-keys/new-key"),
        (YELLOW, "  ~ api-keys/old-key"),
        (RED, "  - api-keys/gone-key"),
        (YELLOW, "  ○ api-keys/no-key"),
        (RED, "  ! api-keys (owner: my-app)"),
    ):
        assert f"{colour}{line}{RESET}\n" in forced.out
    bare = forced.out
    for code in (GREEN, YELLOW, RED, BOLD, RESET):
        bare = bare.replace(code, "")
    assert bare == plain.out


def test_json_has_no_colour(changed: Shell) -> None:
    """With --json, data, errors and notes are not in colour."""
    done = changed("apply", "-d", "--json", FORCE_COLOR="1")
    assert "\x1b" not in done.out + done.err
    done = changed("secret", "list", "-V", "nothing", "--json", FORCE_COLOR="1")
    assert done.error["code"] == "VAULT_NOT_FOUND"
    done = changed("secret", "list", "--bogus", "--json", FORCE_COLOR="1")
    assert "\x1b" not in done.err


def test_lists_errors_and_help(changed: Shell) -> None:
    """The head of a list, the code of an error and the words of a help stand out."""
    listed = changed("secret", "vault", "list", FORCE_COLOR="1").out.splitlines()
    assert listed[0].startswith(f"{BOLD}NAME")
    assert "\x1b" not in listed[1]
    failed = changed("secret", "list", "-V", "nothing", FORCE_COLOR="1")
    assert failed.err.startswith(f"{RED}{BOLD}error[VAULT_NOT_FOUND]:{RESET} ")
    helped = changed("apply", "--help", FORCE_COLOR="1").out
    assert helped.startswith(f"{BOLD}Usage:{RESET} tailorsecrets apply")
    assert f"  {GREEN}--no-prune{RESET}  " in helped
    assert "\x1b" not in changed("apply", "--help").out


def test_names_from_a_store_do_not_control_the_terminal(changed: Shell) -> None:
    """A control character in the name of an owner is escaped in a plan."""
    changed.declare(DECLARED, SKIP, name="evil\x1b[2J")
    assert changed("apply", "--yes").code == 0
    changed.declare(DECLARED, SKIP, name="other", identity="0192f0c1-2345-7abc-8def-000000000002")
    assert r"  ! api-keys (owner: evil\x1b[2J)" in changed("apply", "-d").out


@pytest.mark.parametrize(("variables", "expected"), [({"TERM": "xterm"}, True), ({"TERM": "dumb"}, False)])
def test_a_terminal(changed: Shell, variables: dict[str, str], expected: bool) -> None:
    """On a real terminal the plan is in colour, unless that is a dumb one."""
    _, text = ended(changed.terminal("apply", "--dry-run", **variables))
    assert (f"{GREEN}  + api-keys/new-key{RESET}" in text) is expected
    assert ("\x1b[" in text) is expected
