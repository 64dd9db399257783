"""The arguments A and B of commands that take two sides: a store URL or a profile each."""

from typing import Final

import click

from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.targets.opening import target_of
from tailorsecrets.targets.routes import Routes
from tailorsecrets.targets.sides import side

REFUSED: Final = ("--profile", "--store")  # common options, in place of which these commands have arguments


def two_sides(invocation: Invocation, a: str, b: str, command: str) -> tuple[Routes, Routes]:
    """Return the targets of *a* and *b*, the arguments of *command*.

    Raise UsageError where an option also names a target, and ConfigError for a URL that is wrong; it is not shown.
    """
    common = invocation.common
    if common.profile or common.store:
        raise click.UsageError(
            f"{command} takes the profiles and store URLs as A and B, not as options", click.get_current_context()
        )
    return _side(a, "A", invocation), _side(b, "B", invocation)


def _side(word: str, name: str, invocation: Invocation) -> Routes:
    workspace = invocation.common.workspace_id or invocation.environ.get("TAILORSECRETS_WORKSPACE", "")
    routes = side(word, invocation.folder, workspace=workspace, cwd=invocation.io.cwd, source=name)
    for choice in routes.targets:
        target_of(choice, invocation.environ)  # a wrong URL, such as one with a credential, is not shown
    return routes
