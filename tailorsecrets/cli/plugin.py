"""The group ``plugin``, for authors of store plugins and for users whose plugin is not found."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tailorsecrets.cli import exits
from tailorsecrets.cli.commands import Group, command
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.names import yes_option
from tailorsecrets.cli.printing import show_table
from tailorsecrets.cli.prompts import confirm

if TYPE_CHECKING:
    from tailorsecrets.targets.plugins import Listed
    from tailorsecrets.testing.measuring import Finding


@click.group(
    "plugin",
    cls=Group,
    lazy={
        "list": ("plugin:list_", "List the installed plugins, and show why one cannot be used."),
        "check": ("plugin:check", "Test what a store can do, and compare it with what its plugin declares."),
        "new": ("plugin:new", "Write the files of a new plugin package."),
    },
    examples=("tailorsecrets plugin list", "tailorsecrets plugin new demo"),
)
def group() -> None:
    """List, check and create store plugins."""


@command("list", "tailorsecrets plugin list", "tailorsecrets plugin list --json")
def list_(invocation: Invocation) -> None:
    """List the installed plugins, and show why one cannot be used.

    Loads every plugin. One line for each URL scheme: its distribution, and where that was found.
    """
    from tailorsecrets.targets.plugins import listed

    invocation.environ  # noqa: B018  # the env files come before the plugins, which may read them
    rows = listed()
    if invocation.json:
        invocation.io.show_json([_listed(row) for row in rows])
        return
    show_table(invocation, ("SCHEME", "DISTRIBUTION", "VERSION", "FOUND IN"), [row[:4] for row in rows])
    for row in rows:
        if row.problem:
            invocation.io.say(f"problem: {row.scheme}: {row.distribution} {row.version}: {row.problem}")


@command("check", "tailorsecrets plugin check demo:secrets.json", "tailorsecrets plugin check aws://eu-west-1 --yes")
@click.argument("url")
@yes_option
def check(invocation: Invocation, url: str, yes: bool) -> int:
    """Test what a store can do, and compare it with what its plugin declares.

    Opens URL as every command does, and asks before it writes. It writes, reads and deletes secrets in a temporary
    vault. Exits 1 if the plugin declares an ability that the store does not have.
    """
    from tailorsecrets.targets.opening import target_of
    from tailorsecrets.targets.plugins import listed_scheme
    from tailorsecrets.targets.urls import options_of
    from tailorsecrets.testing.measuring import measure, throwaway_vault

    invocation.take("store", url)
    row = listed_scheme(target_of(invocation.choice, invocation.environ).scheme)
    with invocation.open() as store:
        vault = throwaway_vault()
        if store.caps.writes:
            invocation.announce(f"plugin check: throw-away secrets in vault {vault}")
            question = "Write, read and delete them?"
            confirm(question, invocation, code="PLUGIN_CHECK_CANCELLED", yes=yes)
        findings = list(measure(store, vault))
    _show(invocation, row, options_of(row.scheme), findings)
    return exits.DONE if all(finding.good for finding in findings) else exits.ERROR


@command("new", "tailorsecrets plugin new demo")
@click.argument("name")
def new(invocation: Invocation, name: str) -> None:
    """Write the files of a new plugin package.

    The new folder NAME has a driver for a JSON file, whose URLs are NAME:PATH, tests, a CI file and a README. The tests
    pass; then replace the file by your store.
    """
    from tailorsecrets.testing.starting import new_plugin

    made = new_plugin(name, Path(invocation.io.cwd))
    if invocation.json:
        invocation.io.show_json([str(path) for path in made])
        return
    for path in made:
        invocation.io.show(str(path.relative_to(invocation.io.cwd)))
    invocation.io.say(f"next: pip install -e './{name}[test]' && pytest {name}")


def _show(invocation: Invocation, row: "Listed", options: Mapping[str, str], findings: "Sequence[Finding]") -> None:
    if invocation.json:
        found = [_found(finding) for finding in findings]
        invocation.io.show_json({**_listed(row), "options": options, "abilities": found})
        return
    invocation.io.say(f"{row.scheme}: is opened by {row.distribution} {row.version}, {row.location}")
    for name, text in options.items():
        invocation.io.say(f"option {name}: {text}")
    lines = [(finding.ability, _word(finding.declared), finding.measured, finding.note or None) for finding in findings]
    show_table(invocation, ("ABILITY", "DECLARED", "MEASURED", "NOTE"), lines)


def _listed(row: "Listed") -> dict[str, str | None]:
    return {**row._asdict(), "problem": row.problem or None}


def _found(finding: "Finding") -> dict[str, object]:
    return {**finding._asdict(), "note": finding.note or None}


def _word(yes: bool) -> str:  # a cell
    return "yes" if yes else "no"
