"""Commands and groups: the common options, examples in the help, and loading only what is called."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

import click

from tailorsecrets.cli.options import common_options

Function = Callable[..., int | None]


class _WithExamples(click.Command):
    """What commands and groups have in common."""

    def __init__(self, *args: Any, examples: Sequence[str] = (), **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.examples = examples
        self.own = list(self.params)
        self.common = common_options()
        self.params += self.common

    def get_help_option(self, ctx: click.Context) -> click.Option | None:  # noqa: ARG002
        """Leave --help to the common options."""
        return None

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the command's own options, then the common ones."""
        own = [option for option in self.own if isinstance(option, click.Option)]  # arguments are in the usage line
        for title, options in (("Options", own), ("Common options", self.common)):
            records = [record for option in options if (record := option.get_help_record(ctx)) is not None]
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the examples, each on a line that can be copied."""
        with formatter.section("Examples"):
            formatter.write("".join(f"  {example}\n" for example in self.examples))


class Command(_WithExamples):
    """A command that does something."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuse superfluous words without repeating them: they may be the rest of a value with spaces."""
        ctx.allow_extra_args = True
        left = super().parse_args(ctx, args)
        if left and not ctx.resilient_parsing:
            ctx.fail("there are more words than the command takes; a value with spaces needs quotes")
        return left


class Group(_WithExamples, click.Group):
    """A group of commands, *lazy* says where each is: its name to "module:attribute"."""

    def __init__(self, *args: Any, lazy: Mapping[str, str], **settings: Any) -> None:
        super().__init__(*args, no_args_is_help=False, **settings)
        self.lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names in the order of their declaration."""
        return list(self.lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Load the command *cmd_name*."""
        if cmd_name not in self.lazy:
            return None
        module, _, attribute = self.lazy[cmd_name].partition(":")
        command: click.Command = getattr(import_module(f"tailorsecrets.cli.{module}"), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Refuse an unknown command, naming the nearest."""
        if args[0] not in self.lazy and not args[0].startswith("-") and not ctx.resilient_parsing:
            ctx.fail(f"there is no command {args[0]!r}{_did_you_mean(args[0], list(self.lazy))}")
        return super().resolve_command(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, then the options."""
        self.format_commands(ctx, formatter)
        super().format_options(ctx, formatter)


def _did_you_mean(word: str, known: Sequence[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(word, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def command(name: str, *examples: str) -> Callable[[Function], Command]:
    """Make a command of a function that takes the Invocation and the options; its docstring is the help."""

    def make(function: Function) -> Command:
        return click.command(name, cls=Command, examples=examples, help=inspect.getdoc(function))(
            click.pass_obj(function)
        )

    return make
