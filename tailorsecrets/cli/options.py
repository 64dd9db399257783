"""The common options, which every command and group takes."""

import os
from collections.abc import Mapping
from typing import Any, Final

import click

from tailorsecrets.cli.invocation import Invocation

_WIDEST: Final = 80  # columns of a help
_PROFILE: Final = ("--profile", "-p", "NAME", "A profile of tailorsecrets.toml. Default: TAILORSECRETS_PROFILE.")
_TEXTS: Final = (
    (
        "--workspace-id",
        "-w",
        "NAME",
        "The workspace. Default: TAILORSECRETS_WORKSPACE, the workspace of the profile, or default.",
    ),
    _PROFILE,
    (
        "--store",
        "",
        "URL",
        "The store. Default: TAILORSECRETS_STORE, the store of the profile, or a file beside the config.",
    ),
    ("--config", "-c", "PATH", "The config. Default: TAILORSECRETS_CONFIG, or the nearest tailor_config.py."),
    ("--env-file", "-e", "PATH", "Read environment variables from a file. May be repeated; the last file wins."),
    ("--env-file-if-exists", "", "PATH", "Like --env-file, for a file that may be missing."),
)
_FLAGS: Final = (
    ("--json", "-j", "Print data and errors as JSON."),
    ("--verbose", "", "Show where an error was raised, and the message of the service."),
)


def common_options(*, several_profiles: bool = False) -> list[click.Option]:
    """Return new options, for one command; *several_profiles*: it takes ``--profile`` more than once."""
    texts = [
        _several_profiles()
        if several_profiles and (long, short, metavar, text) == _PROFILE
        else _option(long, short, metavar=metavar, help=text, multiple=long.startswith("--env"))
        for long, short, metavar, text in _TEXTS
    ]
    flags = [_option(long, short, is_flag=True, help=text) for long, short, text in _FLAGS]
    return [*texts, *flags, _help_option()]


def _several_profiles() -> click.Option:
    """Return ``--profile`` for commands that work on several profiles; it replaces one before the command."""
    long, short, metavar, text = _PROFILE
    settings: dict[str, Any] = {"metavar": metavar, "help": f"{text} May be repeated.", "multiple": True}
    return click.Option([long, short, "profiles"], expose_value=False, callback=_take, **settings)


def _option(long: str, short: str, **settings: Any) -> click.Option:
    return click.Option([name for name in (long, short) if name], expose_value=False, callback=_take, **settings)


def _help_option() -> click.Option:
    return click.Option(
        ["--help"], is_flag=True, is_eager=True, expose_value=False, callback=_show_help, help="Show this help."
    )


def _take(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    """Take the option. A command comes after its groups, so its own option wins."""
    if "" in (value if isinstance(value, tuple) else (value,)):  # such as "$NAME" of an unset variable
        raise click.BadParameter("the value is empty", context, parameter)
    if value:
        invocation_of(context).take(str(parameter.name), value)


def _show_help(context: click.Context, _parameter: click.Parameter, value: Any) -> None:
    if value and not context.resilient_parsing:
        io = invocation_of(context).io
        context.terminal_width = _help_width(io.environ)
        io.show(context.get_help())
        context.exit()


def _help_width(environ: Mapping[str, str]) -> int:
    """Return the width of the help, as click does; click imports shutil for it, a tenth of the command's time."""
    columns = environ.get("COLUMNS", "")
    try:
        width = (columns.isdecimal() and int(columns)) or os.get_terminal_size().columns or _WIDEST
    except OSError:  # not a terminal
        width = _WIDEST
    return max(min(width, _WIDEST) - 2, 50)


def invocation_of(context: click.Context) -> Invocation:
    """Return the invocation that *context* belongs to."""
    found = context.find_object(Invocation)
    assert found is not None
    return found
