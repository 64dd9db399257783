"""What the installed distributions offer: the store types behind each entry point, or why there are none.

A broken plugin hurts only its own users: whatever its module raises becomes a problem of its schemes.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast

from tailorsecrets.driver import API, StoreType

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from pluggy import PluginManager

GROUP: Final = "tailorsecrets"
HOOK: Final = "tailorsecrets_stores"
_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*", re.ASCII)
_EXPECTED: Final = "expected lower-case letters, digits, '+', '-' and '.', beginning with a letter"
_SAFE_TO_SHOW: Final = (ImportError, SyntaxError)  # their messages name modules and code, never values


@dataclass(frozen=True, slots=True)
class Plugin:
    """One module of a distribution that its entry points name.

    ``problems`` has for each scheme why it cannot be used; if the module does not load, the names of its entry points
    are used as schemes.
    """

    name: str  # of the distribution
    version: str
    location: str  # the module's file, or the folder of a distribution whose module does not load
    stores: tuple[StoreType, ...] = ()
    problems: Mapping[str, str] = field(default_factory=dict[str, str])

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


def installed(own: Mapping[str, str]) -> list[Plugin]:
    """Load the plugins of all distributions, by name, except *own*, our modules by scheme."""
    from importlib.metadata import entry_points

    modules: dict[tuple[str, str], list[EntryPoint]] = {}  # one module may have several entry points
    for point in entry_points(group=GROUP):
        if point.value not in own.values():
            modules.setdefault((_name(point), point.value), []).append(point)
    return [_loaded(modules[key], own) for key in sorted(modules)]


def _loaded(points: "Sequence[EntryPoint]", own: Mapping[str, str]) -> Plugin:
    point = points[0]
    problems = dict[str, str]()
    module: Any = None
    stores = list[StoreType]()
    try:
        module = point.load()
        stores = _good(_declared(module, point.value), own, problems)
    except _NoStores as exc:
        problems = dict.fromkeys((each.name for each in points), str(exc))
    except (Exception, SystemExit) as exc:  # noqa: BLE001  # a broken plugin hurts only its own users
        problems = dict.fromkeys((each.name for each in points), _reason(exc))
    location = getattr(module, "__file__", None) or (point.dist.locate_file("") if point.dist else "")
    version = point.dist.version if point.dist else ""
    return Plugin(_name(point), version, str(location), tuple(stores), problems)


class _NoStores(Exception):
    """The module does not do what a plugin must; the message is ours."""


def _declared(module: object, name: str) -> list[object]:
    """Return what the hook of *module* returns."""
    manager = _manager()
    if not callable(getattr(module, HOOK, lambda: None)):
        raise _NoStores(f"{HOOK} in {name} is not a function")
    manager.register(module, name)
    hooks = manager.hook.tailorsecrets_stores.get_hookimpls()
    if not hooks:
        raise _NoStores(f"{name} has no function {HOOK}()")
    found = [hook.function() for hook in hooks]
    if not all(isinstance(stores, Iterable) for stores in found):
        raise _NoStores(f"{HOOK}() in {name} must return a list of StoreType")
    return [store for stores in found for store in cast("list[Iterable[object]]", stores)]


def _good(declared: Iterable[object], own: Mapping[str, str], problems: dict[str, str]) -> list[StoreType]:
    """Return the store types that can be used, and add the problems of the others."""
    return [store for store in map(_checked, declared) if not _add_problem(store, own, problems)]


def _checked(store: object) -> StoreType:
    if not isinstance(store, StoreType):
        raise _NoStores(f"{HOOK}() must return StoreType, got {type(store).__name__}")
    return store


def _add_problem(store: StoreType, own: Mapping[str, str], problems: dict[str, str]) -> bool:
    problem = _problem(store, own)
    if problem:
        problems[str(store.scheme)] = problem
    return bool(problem)


def _problem(store: StoreType, own: Mapping[str, str]) -> str:
    scheme: object = store.scheme  # a plugin may be untyped
    if not isinstance(scheme, str) or not _SCHEME.fullmatch(scheme):
        return f"the scheme {scheme!r} is not valid: {_EXPECTED}"
    if scheme in own:
        return f"tailorsecrets itself opens {scheme}: URLs"
    return "it needs a newer tailorsecrets" if store.api > API else ""


def _name(point: "EntryPoint") -> str:
    return point.dist.name if point.dist else "an unnamed distribution"


def _reason(exc: BaseException) -> str:
    """Return the class of *exc*, with its message or else its place: another message may hold anything."""
    kind = type(exc).__name__
    if isinstance(exc, _SAFE_TO_SHOW):
        return f"{kind}: {' '.join(str(exc).split())}"
    places = list(_places(exc))
    return f"{kind} at {places[-1]}" if places else kind


def _places(exc: BaseException) -> Iterator[str]:
    from traceback import extract_tb

    for frame in extract_tb(exc.__traceback__):
        yield f"{frame.filename}:{frame.lineno}"


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
