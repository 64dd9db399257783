"""``--profile`` more than once, for commands that work on several profiles."""

import io
from pathlib import Path

import click
import pytest

from tailorsecrets.cli.commands import command
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.streams import Io

FILE = """
[profiles.one]
store = "file:one.jsonl"

[profiles.two]
store = "file:two.jsonl"
"""


@command("several", "tailorsecrets several", several_profiles=True)
def several(invocation: Invocation) -> None:
    """Show the targets."""
    for routes in invocation.routes:
        invocation.io.show(routes.primary.url)


@pytest.fixture
def invocation(tmp_path: Path) -> Invocation:
    """Return a command line with two profiles."""
    (tmp_path / "tailorsecrets.toml").write_text(FILE)
    return Invocation(Io(io.BytesIO(), io.StringIO(), io.StringIO(), {}, tmp_path))


def shown(invocation: Invocation, *words: str) -> list[str]:
    """Run the command with *words* and return its lines."""
    with several.make_context("several", list(words), obj=invocation) as context:
        several.invoke(context)
    stdout = invocation.io.stdout
    assert isinstance(stdout, io.StringIO)
    return stdout.getvalue().splitlines()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), ["file:.tailorsecrets/secrets.jsonl"]),
        (("-p", "two"), ["file:two.jsonl"]),
        (("-p", "one", "--profile", "two", "-p", "one"), ["file:one.jsonl", "file:two.jsonl"]),
    ],
)
def test_each_profile_counts_once(invocation: Invocation, words: tuple[str, ...], expected: list[str]) -> None:
    """Every named profile is taken, in the order of the line; without one the default is."""
    assert shown(invocation, *words) == expected


def test_profiles_after_the_command_replace_one_before_it(invocation: Invocation) -> None:
    """A group's own --profile counts only where the command names none."""
    invocation.take("profile", "one")
    assert shown(invocation, "-p", "two") == ["file:two.jsonl"]
    assert invocation.common.flags() == " --profile two"


def test_a_profile_before_the_command(invocation: Invocation) -> None:
    """A profile before the command is its only one."""
    invocation.take("profile", "two")
    assert shown(invocation) == ["file:two.jsonl"]


def test_an_empty_profile_is_an_error(invocation: Invocation) -> None:
    """An unset variable in the place of a profile is refused, and not taken for none."""
    with pytest.raises(click.BadParameter, match="the value is empty"):
        shown(invocation, "-p", "one", "-p", "")
