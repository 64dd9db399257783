"""All commands there are, with their paths."""

from collections.abc import Iterator

import click

from tailorsecrets.cli.commands import Command, Group
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.root import root
from tailorsecrets.cli.streams import Io


def commands(group: Group = root, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Command | Group]]:
    """Yield *group* and all commands below it, each with the words that call it."""
    yield path, group
    for name in group.lazy:
        found = group.get_command(click.Context(group), name)
        if isinstance(found, Group):
            yield from commands(found, (*path, name))
        elif isinstance(found, Command):
            yield (*path, name), found


def leaves() -> list[tuple[str, ...]]:
    """Return the words of every command that does something."""
    return [path for path, command in commands() if isinstance(command, Command)]


def parse(words: list[str], io: Io) -> click.Context:
    """Parse *words* down to the last command, and run nothing."""
    context = root.make_context("tailorsecrets", words, obj=Invocation(io))
    while isinstance(group := context.command, Group):
        first = getattr(context, "_protected_args", None) or context.protected_args  # the latter before click 8.2
        name, command, rest = group.resolve_command(context, [*first, *context.args])
        assert command is not None
        context = command.make_context(name, rest, parent=context)
    return context
