"""Finding the StoreType of a URL scheme, among our plugins and those of other distributions.

A plugin is a module, named by an entry point in the group ``tailorsecrets``, with a function
``tailorsecrets_stores() -> Iterable[StoreType]``. Our own plugins work the same way; the table here only finds them
without reading the metadata of every installed distribution.
"""

from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Final, NamedTuple

from tailorsecrets import __version__
from tailorsecrets.driver import StoreType
from tailorsecrets.errors import ConfigError

if TYPE_CHECKING:
    from tailorsecrets.targets.installed import Plugin

DISTRIBUTION: Final = "tailorsecrets"
OWN: Final = {
    "aws": "tailorsecrets_aws",
    "azure": "tailorsecrets_azure",
    "file": "tailorsecrets_file",
    "gcp": "tailorsecrets_gcp",
    "vault": "tailorsecrets_vault",
    "vault+http": "tailorsecrets_vault",
}  # scheme -> module; a test holds it equal to our entry points
_ALL: Final = "tailorsecrets plugin list shows every plugin and its problems"


class Listed(NamedTuple):
    """One scheme in the list of plugins.

    *scheme* is the entry point's name where the module does not load. *problem* is why no URL of it can be opened, ""
    for nothing.
    """

    scheme: str
    distribution: str
    version: str
    location: str
    problem: str = ""


def store_type(scheme: str) -> StoreType:
    """Return the StoreType that opens URLs of *scheme*.

    Raise ConfigError that names the known schemes, or the distributions that prevent this.
    """
    if scheme in OWN:
        return _of_scheme(import_module(OWN[scheme]), scheme)
    plugins = _installed()
    offers = list(_offers(plugins, scheme))
    if len(offers) > 1:
        raise ConfigError(
            f"{len(offers)} plugins open {scheme}: URLs: {_joined(str(plugin) for plugin, _ in offers)}",
            hint="uninstall all but one of them",
        )
    if not offers:
        check_scheme(scheme, plugins)
        raise _unknown(scheme, plugins)
    return offers[0][1]


def check_scheme(scheme: str, plugins: "Sequence[Plugin] | None" = None) -> None:
    """Raise ConfigError if a plugin wants to open URLs of *scheme* and cannot be used."""
    for plugin in _installed() if plugins is None else plugins:
        for name, problem in plugin.problems.items():
            if name.lower() == scheme.lower():
                raise ConfigError(f"{scheme}: URLs: the plugin {plugin} cannot be used: {problem}", hint=_ALL)


def distribution_of(scheme: str) -> str:
    """Return the name of the distribution whose plugin opens *scheme*, "" for none."""
    if scheme in OWN:
        return DISTRIBUTION
    return next((plugin.name for plugin, _ in _offers(_installed(), scheme)), "")


def listed() -> list[Listed]:
    """Return every scheme of every installed plugin, with its problem, by scheme; loads all plugins but ours."""
    plugins = _installed()
    return sorted([*_own(), *(row for plugin in plugins for row in _rows(plugin, plugins))])


def listed_scheme(scheme: str) -> Listed:
    """Return the row of the plugin that opens *scheme*; ConfigError as ``store_type`` raises it."""
    store_type(scheme)
    return next(row for row in (_own() if scheme in OWN else listed()) if row.scheme == scheme)


def _own() -> Iterator[Listed]:
    from importlib.util import find_spec

    for scheme, module in OWN.items():
        spec = find_spec(module)
        yield Listed(scheme, DISTRIBUTION, __version__, (spec and spec.origin) or "")


def _rows(plugin: "Plugin", plugins: "Sequence[Plugin]") -> Iterator[Listed]:
    for store in plugin.stores:
        others = [str(other) for other, _ in _offers(plugins, store.scheme) if other is not plugin]
        problem = f"{_joined(others)} opens {store.scheme}: URLs too" if others else ""
        yield Listed(store.scheme, plugin.name, plugin.version, plugin.location, problem)
    for name, problem in plugin.problems.items():
        yield Listed(name, plugin.name, plugin.version, plugin.location, problem)


def _offers(plugins: "Sequence[Plugin]", scheme: str) -> "Iterator[tuple[Plugin, StoreType]]":
    return ((plugin, store) for plugin in plugins for store in plugin.stores if store.scheme == scheme)


def _unknown(scheme: str, plugins: "Sequence[Plugin]") -> ConfigError:
    known = {*OWN, *(store.scheme for plugin in plugins for store in plugin.stores)}
    broken = [f"{plugin.name} ({_first(plugin)})" for plugin in plugins if plugin.problems and not plugin.stores]
    unloaded = f"; these plugins cannot be used: {', '.join(broken)}" if broken else ""
    hint = f"known: {', '.join(f'{name}:' for name in sorted(known))}" + (f"; {_ALL}" if broken else "")
    return ConfigError(f"no store plugin opens {scheme}: URLs{unloaded}", hint=hint)


def _first(plugin: "Plugin") -> str:
    """Return the first problem of *plugin* in short."""
    return next(iter(plugin.problems.values())).partition(" at ")[0]


def version_of(distribution: str) -> str:
    """Return the version of an installed *distribution*, "" where it is not installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""


def _of_scheme(module: ModuleType, scheme: str) -> StoreType:
    stores: Iterable[StoreType] = module.tailorsecrets_stores()
    return next(store for store in stores if store.scheme == scheme)


def _installed() -> "list[Plugin]":
    from tailorsecrets.targets.installed import installed

    return installed(OWN)


def _joined(names: Iterable[str]) -> str:
    return " and ".join(names)
