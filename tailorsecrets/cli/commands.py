"""Commands and groups: the common options, examples in the help, and commands that load when they are called."""

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any

import click

from tailorsecrets.cli.colour import heading, term
from tailorsecrets.cli.nearest import did_you_mean
from tailorsecrets.cli.options import common_options, invocation_of

Function = Callable[..., int | None]


class _WithExamples(click.Command):
    """The base of commands and groups."""

    def __init__(
        self,
        *args: Any,
        examples: Sequence[str] = (),
        several_profiles: bool = False,
        hidden: Collection[str] = (),
        **settings: Any,
    ) -> None:
        super().__init__(*args, **settings)
        self.examples = examples
        self.own = list(self.params)
        self.common = common_options(several_profiles=several_profiles)
        for option in self.common:
            option.hidden = not set(option.opts).isdisjoint(hidden)
        self.params += self.common

    def get_help_option(self, ctx: click.Context) -> click.Option | None:  # noqa: ARG002
        """Leave --help to the common options."""
        return None

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuse a second value of an own option that takes one, where click would drop the first."""
        given = list(args)
        left = super().parse_args(ctx, args)
        if not ctx.resilient_parsing:
            _check_once(ctx, self.own, self.make_parser(ctx).parse_args(given)[2])
        return left

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the usage line."""
        prefix = _heading(ctx, "Usage:") + " "
        formatter.write_usage(ctx.command_path, " ".join(self.collect_usage_pieces(ctx)), prefix)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the command's own options, then the common ones."""
        own = [option for option in self.own if isinstance(option, click.Option)]  # arguments are in the usage line
        for title, options in (("Options", own), ("Common options", self.common)):
            _write_terms(ctx, formatter, title, filter(None, [option.get_help_record(ctx) for option in options]))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, each on a line that can be copied."""
        with formatter.section(_heading(ctx, "Examples")):
            formatter.write("".join(f"  {example}\n" for example in self.examples))


class Command(_WithExamples):
    """A command without subcommands."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuse extra words without repeating them: they may be the rest of a value with spaces."""
        ctx.allow_extra_args = True
        left = super().parse_args(ctx, args)
        if left and not ctx.resilient_parsing:
            ctx.fail("too many arguments; a value with spaces needs quotes")
        return left


class Group(_WithExamples, click.Group):
    """A group of commands. *lazy* has the place of each, as "module:attribute", and its line in the help.

    The help of a group loads none of them.
    """

    def __init__(self, *args: Any, lazy: Mapping[str, tuple[str, str]], **settings: Any) -> None:
        super().__init__(*args, no_args_is_help=False, **settings)
        self.lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names in the order of their declaration."""
        return list(self.lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Load the command *cmd_name*."""
        if cmd_name not in self.lazy:
            return None
        module, _, attribute = self.lazy[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(f"tailorsecrets.cli.{module}"), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Refuse an unknown command, naming the nearest."""
        if args[0] not in self.lazy and not args[0].startswith("-") and not ctx.resilient_parsing:
            question = did_you_mean(args[0], self.lazy)
            ctx.fail(f"no such command {args[0]!r}" + (f"; {question}" if question else ""))
        return super().resolve_command(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, then the options."""
        _write_terms(ctx, formatter, "Commands", ((name, line) for name, (_, line) in self.lazy.items()))
        super().format_options(ctx, formatter)


def _check_once(ctx: click.Context, own: Sequence[click.Parameter], given: Sequence[click.Parameter]) -> None:
    """Raise BadParameter for one of the *own* options that is *given* twice and may not be repeated."""
    for option in own:
        takes_one = isinstance(option, click.Option) and not (option.multiple or option.is_flag)
        if takes_one and given.count(option) > 1:
            raise click.BadParameter("it may be given once", ctx, option)


def _heading(ctx: click.Context, text: str) -> str:
    return heading(text) if invocation_of(ctx).io.coloured else text


def _write_terms(
    ctx: click.Context, formatter: click.HelpFormatter, title: str, terms: Iterable[tuple[str, str]]
) -> None:
    """Write *terms* with their explanations under *title*, if there are any."""
    coloured = invocation_of(ctx).io.coloured
    rows = [(term(word) if coloured else word, text) for word, text in terms]
    if rows:
        with formatter.section(_heading(ctx, title)):
            formatter.write_dl(rows)


def command(
    name: str, *examples: str, several_profiles: bool = False, hidden: Collection[str] = (), **context: Any
) -> Callable[[Function], Command]:
    """Make a command of a function that takes the Invocation and the options; its docstring is the help.

    *several_profiles*: ``--profile`` may be repeated, and ``Invocation.routes`` has an item for each. *hidden* are the
    common options that the command refuses. *context* are settings of its click.Context.
    """
    settings: dict[str, Any] = {
        "examples": examples,
        "several_profiles": several_profiles,
        "hidden": hidden,
        "context_settings": context,
    }

    def make(function: Function) -> Command:
        return click.command(name, cls=Command, help=inspect.getdoc(function), **settings)(click.pass_obj(function))

    return make
