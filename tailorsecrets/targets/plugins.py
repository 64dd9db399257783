"""Finding the StoreType of a URL scheme, among our plugins and those of other distributions.

A plugin is a module, named by an entry point in the group ``tailorsecrets``, with a function
``tailorsecrets_stores() -> Iterable[StoreType]``. Our own plugins work the same way; the table here only finds them
without reading the metadata of every installed distribution.
"""

from collections.abc import Iterable
from contextlib import suppress
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Final, cast

from tailorsecrets import __version__
from tailorsecrets.driver import API, StoreType
from tailorsecrets.errors import ConfigError

if TYPE_CHECKING:
    from pluggy import PluginManager

GROUP: Final = "tailorsecrets"
HOOK: Final = "tailorsecrets_stores"
OWN: Final = {
    "aws": "tailorsecrets_aws",
    "azure": "tailorsecrets_azure",
    "file": "tailorsecrets_file",
    "gcp": "tailorsecrets_gcp",
    "vault": "tailorsecrets_vault",
    "vault+http": "tailorsecrets_vault",
}  # scheme -> module; a test holds it equal to our entry points


def store_type(scheme: str) -> StoreType:
    """Return the StoreType that opens URLs of *scheme*; ConfigError that names the known schemes."""
    if scheme in OWN:
        return _of_scheme(import_module(OWN[scheme]), scheme)
    found, broken = _installed()
    if scheme in found:
        return _supported(found[scheme])
    known = ", ".join(f"{name}:" for name in sorted({*OWN, *found}))
    unloaded = f"; these plugins cannot be loaded: {', '.join(broken)}" if broken else ""
    raise ConfigError(f"no store plugin opens {scheme}: URLs{unloaded}", hint=f"known are {known}")


def distribution_of(scheme: str) -> str:
    """Return the distribution, with its version, of the plugin that opens *scheme*; "" where none is installed."""
    if scheme in OWN:
        return f"tailorsecrets {__version__}"
    from importlib.metadata import entry_points

    for point in entry_points(group=GROUP):
        with suppress(Exception):  # a broken plugin hurts only its own users
            module = point.load()
            if point.dist and any(store.scheme == scheme for store in module.tailorsecrets_stores()):
                return f"{point.dist.name} {point.dist.version}"
    return ""


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


def _supported(store: StoreType) -> StoreType:
    if store.api > API:
        raise ConfigError(
            f"the plugin for {store.scheme}: URLs needs a newer tailorsecrets", hint="upgrade tailorsecrets"
        )
    return store


def _installed() -> tuple[dict[str, StoreType], list[str]]:
    """Return the StoreTypes of all installed plugins by scheme, and the name and error of each broken plugin."""
    from importlib.metadata import entry_points

    manager = _manager()
    found, broken = dict[str, StoreType](), list[str]()
    for point in entry_points(group=GROUP):
        if point.value in OWN.values():
            continue  # found by the table; and one module may stand behind two schemes
        try:
            manager.register(point.load(), point.name)
        except Exception as exc:  # noqa: BLE001  # a broken plugin hurts only its own users
            broken.append(f"{point.name} ({type(exc).__name__})")
    for implementation in manager.hook.tailorsecrets_stores.get_hookimpls():
        try:
            stores = cast("Iterable[StoreType]", implementation.function())
            found |= {store.scheme: store for store in stores}
        except Exception as exc:  # noqa: BLE001
            broken.append(f"{implementation.plugin_name} ({type(exc).__name__})")
    return found, broken


def _manager() -> "PluginManager":
    from pluggy import HookimplMarker, HookimplOpts, HookspecMarker, PluginManager

    class ByName(PluginManager):
        """Accepts a function with the name of the hook, as pytest does, so plugins need no marker."""

        def parse_hookimpl_opts(self, plugin: object, name: str) -> HookimplOpts | None:
            if name == HOOK:
                HookimplMarker(GROUP)(getattr(plugin, name))
            return super().parse_hookimpl_opts(plugin, name)

    class Spec:
        """The whole hook surface."""

        @HookspecMarker(GROUP)
        def tailorsecrets_stores(self) -> Iterable[StoreType]:
            """Return the StoreTypes of this plugin."""
            return ()

    manager = ByName(GROUP)
    manager.add_hookspecs(Spec)
    return manager
