"""The options that choose secrets and name their variables."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import click

from tailorsecrets.cli.names import complete_vault
from tailorsecrets.cli.selection import Selection

T = TypeVar("T")


def selection_options(function: Callable[..., T]) -> Callable[..., T]:
    """Add the options; *function* gets them as ``selection``."""

    @wraps(function)
    def gathered(
        *args: Any, vaults: tuple[str, ...], maps: tuple[str, ...], prefix: str, allow_missing: bool, **others: Any
    ) -> T:
        if maps and prefix:
            raise click.UsageError("--map gives whole names, so --prefix has no effect", click.get_current_context())
        return function(*args, selection=Selection(vaults, maps, prefix, allow_missing), **others)

    for option in (
        click.option("--allow-missing", is_flag=True, help="Leave out secrets that do not exist."),
        click.option("--prefix", default="", metavar="P", help="Put P before the name of each variable, unchanged."),
        click.option(
            "--map",
            "maps",
            multiple=True,
            metavar="VAR=VAULT/NAME",
            help="Put this secret into VAR, and read no others than those of --map. May be repeated.",
        ),
        click.option(
            "-V",
            "--vault-name",
            "vaults",
            multiple=True,
            metavar="VAULT",
            shell_complete=complete_vault,
            help="All secrets of a vault of the store; no config is needed. May be repeated.",
        ),
    ):
        gathered = option(gathered)
    return gathered
