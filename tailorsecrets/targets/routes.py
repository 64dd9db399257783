"""Routes: for each vault, the targets that hold it. Options, environment, profile and default choose them."""

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from itertools import chain, combinations
from os import PathLike, fspath, getcwd
from os.path import join
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from tailorsecrets.errors import ConfigError, SecretsError
from tailorsecrets.store.names import ExternalName, Place, check_name
from tailorsecrets.targets.choice import Choice, identity, same_target
from tailorsecrets.targets.profiles import (
    FAILOVER_AFTER,
    PROFILES,
    Mistake,
    Profile,
    raise_mistakes,
    read_profiles,
)
from tailorsecrets.targets.urls import split_workspace

if TYPE_CHECKING:
    from tailorsecrets.targets.cache_settings import CacheSettings

_VARIABLE: Final = "TAILORSECRETS_STORE"
DEFAULT_STORE: Final = "file:.tailorsecrets/secrets.jsonl"
DEFAULT_WORKSPACE: Final = "default"
_OTHERS: Final = ""  # in place of a vault's name: every vault that a profile does not name

Route = tuple[Choice, ...]  # the primary first, then its replicas


class NativePlace(NamedTuple):
    """Where an external secret is, in a store's own terms."""

    target: Choice
    name: str
    field: str = ""  # "": the whole value


class Routes(NamedTuple):
    """The targets of every vault. ``vaults`` has the vaults that do not follow ``default``.

    ``only`` is the one target that an option or the environment names in addition to the profile: only this target is
    read, and commands change only this target.
    """

    default: Route
    vaults: Mapping[str, Route] = MappingProxyType({})
    external: Mapping[Place, NativePlace] = MappingProxyType({})
    only: Choice | None = None
    profile: str = ""
    read_first: Choice | None = None
    failover_after: float = FAILOVER_AFTER  # seconds
    others: "tuple[Routes, ...]" = ()  # those of the other profiles in the file

    @property
    def primary(self) -> Choice:
        """The target of commands that name no vault."""
        return self.only or self.default[0]

    @property
    def cache(self) -> "CacheSettings | None":
        """How long values are held at run time; None: the defaults."""
        return self.default[0].cache

    @property
    def targets(self) -> Route:
        """All targets of the profile, each once, those of ``default`` first."""
        found: dict[Hashable, Choice] = {}
        for choice in chain(self.default, *(self.vaults[vault] for vault in sorted(self.vaults))):
            found.setdefault(identity(choice), choice)
        return tuple(found.values())

    @property
    def has_several(self) -> bool:
        """Whether reads ask more than one target, all vaults together."""
        return self.only is None and bool(len(self.default) > 1 or self.vaults or self.external)

    def route(self, vault: str) -> Route:
        """Return the targets of *vault* in the order of writing, the primary first."""
        return self.vaults.get(vault, self.default)

    def reading(self, vault: str) -> Route:
        """Return the targets that reads of *vault* ask, in that order."""
        if self.only is not None:
            return (self.only,)
        route = self.route(vault)
        first = [choice for choice in route if self.read_first and same_target(choice, self.read_first)]
        return (*first, *(choice for choice in route if choice not in first))

    def read_by_hand(self, vault: str) -> Choice:
        """Return the target that commands read *vault* from: the one that an option names, else its primary."""
        return self.only or self.route(vault)[0]

    def native(self, place: Place) -> NativePlace | None:
        """Return where the external secret *place* is in a store's own terms, None where it has its usual name."""
        return self.external.get(place) if self.only is None else None

    def asked(self, place: Place) -> Route:
        """Return the targets that reads of the secret *place* ask, in that order."""
        native = self.native(place)
        return (native.target,) if native else self.reading(place.vault)

    def external_at(self, target: Choice) -> dict[Place, ExternalName]:
        """Return the external secrets with a native name, and those names; "" for one that *target* does not hold."""
        if self.only is not None:
            return {}
        return {
            place: ExternalName(native.name, native.field) if same_target(native.target, target) else ExternalName("")
            for place, native in self.external.items()
        }

    def vaults_at(self, target: Choice, vaults: Iterable[str]) -> list[str]:
        """Return those of *vaults* that *target* holds."""
        return [vault for vault in vaults if any(same_target(choice, target) for choice in self.route(vault))]

    def check_declared(self, names: Mapping[str, Collection[str]], external: Mapping[str, Collection[str]]) -> None:
        """Raise one ConfigError for all vaults and external secrets that the profile names and a config does not.

        *names* are the names that the config declares by vault, and *external* those of them that others manage.
        """
        mistakes = [
            Mistake(f"profile {self.profile!r}: vaults: the config declares no vault {vault!r}", _near(vault, names))
            for vault in sorted(set(self.vaults) - set(names))
        ]
        known = [f"{vault}/{secret}" for vault, secrets in external.items() for secret in secrets]
        for place in sorted(self.external):
            if place.secret not in external.get(place.vault, ()):
                path = f"{place.vault}/{place.secret}"
                problem = f"profile {self.profile!r}: external: the config declares no external secret {path!r}"
                mistakes.append(Mistake(problem, _near(path, known)))
        raise_mistakes(PROFILES, mistakes)


def choose_routes(
    environ: Mapping[str, str],
    folder: str | PathLike[str],
    *,
    store: str | None = None,
    workspace: str | None = None,
    profile: str | None = None,
    cwd: str | PathLike[str] | None = None,
    option: str = "--store",
) -> Routes:
    """Return the targets of every vault: the arguments', else the environment's, the profile's, or the default.

    *folder* is the config's: the profile file and the default store are there. Relative paths in a URL start at *cwd*
    (default: the working directory), those in the profile file at *folder*. Errors about *store* name *option*. Raise
    ConfigError where *workspace* differs from the one in a URL.
    """
    found, others = _profile(folder, profile or environ.get("TAILORSECRETS_PROFILE", ""))
    named = store or environ.get(_VARIABLE, "")
    space = _Workspace(workspace or "", environ.get("TAILORSECRETS_WORKSPACE", "") or found.workspace)
    routes = _routes(found, fspath(folder), space)._replace(others=others)
    if not named:
        return routes
    url, given = split_workspace(named)
    only = replace_place(
        routes.default[0], url, space.of(given), fspath(cwd or getcwd()), option if store else _VARIABLE
    )
    return routes._replace(only=only) if len(routes.targets) > 1 else Routes((only,), profile=found.name)


def replace_place(choice: Choice, url: str, workspace: str, base: str, source: str) -> Choice:
    """Return *choice*, with its permission and settings, for another place."""
    return choice._replace(url=url, workspace=workspace, base=base, named=True, source=source)


def chosen_workspace(in_url: str, given: str, default: str = DEFAULT_WORKSPACE) -> str:
    """Return the workspace: that of a URL, else the *given* one, else *default*; ConfigError where both differ."""
    if in_url and given and in_url != given:
        raise ConfigError(
            f"workspace {given!r} is given, and the store URL names workspace {in_url!r}",
            hint="leave one of them out",
        )
    space = in_url or given or default
    check_name("workspace", space)
    return space


class _Workspace(NamedTuple):
    """The workspace of URLs that name none."""

    given: str  # by an option
    other: str  # by the environment or the profile

    def of(self, in_url: str) -> str:
        return chosen_workspace(in_url, self.given, self.other or DEFAULT_WORKSPACE)


def profile_routes(folder: str | PathLike[str]) -> dict[str, Routes]:
    """Return the routes of all profiles in the file of *folder* by name; ConfigError that names every mistake in it."""
    return _checked_routes(read_profiles(folder), folder)


def check_together(routes: Sequence[Routes]) -> None:
    """Raise ConfigError where profiles share a target for a vault and disagree about its other targets.

    The file alone has no such profiles, and a workspace that is given in place of theirs can make them.
    """
    mistakes: list[Mistake] = []
    for number, found in enumerate(routes):
        named = {other.profile for other in routes}
        for other in (*routes[number + 1 :], *(other for other in found.others if other.profile not in named)):
            mistakes += _disagreements(found.profile, found, other.profile, other)
    raise_mistakes(PROFILES, list(dict.fromkeys(mistakes)))


def _profile(folder: str | PathLike[str], name: str) -> tuple[Profile, tuple[Routes, ...]]:
    """Return the profile *name*, and the routes of the others in the file."""
    if not name:
        return Profile(), ()
    profiles = read_profiles(folder)
    if name not in profiles:
        hint = f"known profiles: {', '.join(sorted(profiles)) or 'none'}"
        raise ConfigError(f"no profile {name!r} in {join(folder, PROFILES)}", hint=hint, code="PROFILE_NOT_FOUND")
    routes = _checked_routes(profiles, folder)
    return profiles[name], tuple(found for other, found in routes.items() if other != name)


def _checked_routes(profiles: Mapping[str, Profile], folder: str | PathLike[str]) -> dict[str, Routes]:
    mistakes: list[Mistake] = []
    routes = dict(_all_routes(profiles, fspath(folder), mistakes))
    raise_mistakes(join(folder, PROFILES), [*mistakes, *_mistakes(routes)])
    return routes


def _routes(profile: Profile, folder: str, space: _Workspace) -> Routes:
    def choice(url: str) -> Choice:
        place, named = split_workspace(url or DEFAULT_STORE)
        return Choice(
            url=place,
            workspace=space.of(named),
            base=folder,
            named=bool(url),
            read_only=f"profile {profile.name!r} may only read" if profile.permission == "read" else "",
            cache=profile.cache,
            source=f"profile {profile.name!r}" if url else "",
        )

    default = tuple(choice(url) for url in profile.stores or ("",))
    vaults = {vault: tuple(choice(url) for url in urls) for vault, urls in profile.vaults.items()}
    return Routes(
        default,
        vaults,
        external={
            place: NativePlace(
                choice(native.store) if native.store else vaults.get(place.vault, default)[0], native.name, native.field
            )
            for place, native in profile.external.items()
        },
        profile=profile.name,
        read_first=choice(profile.read_first) if profile.read_first else None,
        failover_after=profile.failover_after,
    )


def _all_routes(profiles: Mapping[str, Profile], folder: str, mistakes: list[Mistake]) -> Iterable[tuple[str, Routes]]:
    for name, profile in profiles.items():
        try:
            yield name, _routes(profile, folder, _Workspace("", profile.workspace))
        except SecretsError as error:  # a workspace that is not a name, or two of them in a URL
            mistakes.append(Mistake(f"profile {name!r}: {error}", error.hint))


def _mistakes(routes: Mapping[str, Routes]) -> Iterable[Mistake]:
    """Yield what is wrong with *routes*, each alone and together."""
    for name, found in routes.items():
        yield from _own_mistakes(name, found)
    for first, second in combinations(routes, 2):
        yield from _disagreements(first, routes[first], second, routes[second])


def _own_mistakes(name: str, routes: Routes) -> Iterable[Mistake]:
    for vault, route in {_OTHERS: routes.default, **routes.vaults}.items():
        where = f"profile {name!r}: {f'vaults: {vault}' if vault else 'store'}"
        keys = [identity(choice) for choice in route]
        twice = [choice for place, choice in enumerate(route) if keys[place] in keys[:place]]
        for choice in twice:
            yield Mistake(f"{where}: {choice} is named twice", "name each target once in a route")
    first = routes.read_first
    if first is not None and not any(same_target(choice, first) for choice in routes.targets):
        listed = ", ".join(choice.url for choice in routes.targets)
        yield Mistake(f"profile {name!r}: read_first: {first} is not a target of the profile", f"targets: {listed}")


def _disagreements(first: str, one: Routes, second: str, other: Routes) -> Iterable[Mistake]:
    """Yield a mistake for each vault that both profiles keep in the same target, and not in the same route."""
    for vault in sorted({_OTHERS, *one.vaults, *other.vaults}):
        mine = [identity(choice) for choice in one.route(vault)]
        theirs = [identity(choice) for choice in other.route(vault)]
        shared = [choice for choice in one.route(vault) if identity(choice) in theirs]
        if shared and (mine[0] != theirs[0] or set(mine) != set(theirs)):
            what = f"vault {vault!r}" if vault else "vaults without their own route"
            yield Mistake(
                f"profiles {first!r} and {second!r} share {shared[0]} for {what}, and name different targets for it",
                "name the same targets with the same primary in both; read_first changes only the order of reading",
            )


def _near(word: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    near: Sequence[str] = get_close_matches(word, list(known), n=1)
    return f"did you mean {near[0]!r}?" if near else ""
