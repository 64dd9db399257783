"""One target: a store and a workspace in it."""

from collections.abc import Hashable
from os.path import join, normpath
from typing import TYPE_CHECKING, NamedTuple

from tailorsecrets.driver import Option
from tailorsecrets.errors import ConfigError
from tailorsecrets.store.operations import read_only_error
from tailorsecrets.targets.urls import parse_url

if TYPE_CHECKING:
    from tailorsecrets.targets.cache_settings import CacheSettings


class Choice(NamedTuple):
    """A target: the store and workspace that options, environment and profile choose."""

    url: str  # without ?workspace=
    workspace: str
    base: str  # where a relative path in the URL starts
    named: bool = True  # False: it is the default store
    read_only: str = ""  # the profile that may only read, "" for none
    cache: "CacheSettings | None" = None  # how long values are held at run time; None: the defaults
    source: str = ""  # where the URL comes from, for errors: an option, a variable or a profile

    def __str__(self) -> str:
        return f"{self.url}, workspace {self.workspace}"

    @property
    def full_url(self) -> str:
        """The URL with the workspace in it, for suggested commands."""
        return f"{self.url}{'&' if '?' in self.url else '?'}workspace={self.workspace}"

    def check_writable(self) -> None:
        """Raise Denied under a profile that may only read."""
        if self.read_only:
            raise read_only_error(self.read_only)


def identity(choice: Choice) -> Hashable:
    """Return what identifies the target of *choice*: its URL without the options that do not change the place.

    A URL that cannot be opened is identified by its text; opening it raises the error.
    """
    try:
        store_type, target = parse_url(choice.url, choice.base, {}, create=False)
    except ConfigError:
        return (choice.url, choice.workspace)
    placed = {
        name: value
        for name, value in target.options.items()
        if not isinstance(option := store_type.options[name], Option) or option.place
    }
    path = target.path if store_type.prefixed else normpath(join(choice.base, target.path))
    return (target.scheme, target.host, path, frozenset(placed.items()), choice.workspace)


def same_target(first: Choice, second: Choice) -> bool:
    """Tell whether both URLs name the same target."""
    return identity(first) == identity(second)
