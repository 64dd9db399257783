"""The targets that an argument names: a store URL, or a profile."""

from collections.abc import Collection, Hashable
from os import PathLike, fspath

from tailorsecrets.errors import ConfigError
from tailorsecrets.targets.choice import Choice, identity
from tailorsecrets.targets.profiles import PROFILES, read_profiles
from tailorsecrets.targets.routes import DEFAULT_WORKSPACE, Routes, choose_routes, chosen_workspace
from tailorsecrets.targets.urls import split_workspace


def side(
    word: str,
    folder: str | PathLike[str],
    *,
    workspace: str = "",
    cwd: str | PathLike[str],
    source: str = "",
) -> Routes:
    """Return the targets that *word* names: the routes of a profile in *folder*, or the one target of a URL.

    *workspace* applies if the profile and the URL name none. A relative path in the URL starts at *cwd*. *source* names
    the argument in errors about the URL. Raise ConfigError for a word that is neither.
    """
    profiles = read_profiles(folder)
    if word in profiles:
        other = {} if profiles[word].workspace or not workspace else {"TAILORSECRETS_WORKSPACE": workspace}
        return choose_routes(other, folder, profile=word)
    if ":" not in word:
        known = f"known profiles: {', '.join(sorted(profiles)) or 'none'}"
        raise ConfigError(
            f"{word!r} is not a store URL and not a profile of {PROFILES}", hint=known, code="PROFILE_NOT_FOUND"
        )
    url, named = split_workspace(word)
    space = chosen_workspace(named, "", workspace or DEFAULT_WORKSPACE)
    return Routes((Choice(url, space, fspath(cwd), source=source),))


def primaries(routes: Routes, vaults: Collection[str] = ()) -> tuple[Choice, ...]:
    """Return the targets that are the primary of a vault, each once; with *vaults*, the primary of one of these."""
    found: dict[Hashable, Choice] = {}
    routed = map(routes.route, sorted(vaults)) if vaults else [routes.default, *routes.vaults.values()]
    for route in routed:
        found.setdefault(identity(route[0]), route[0])
    return tuple(found.values())
