"""The profile file ``tailorsecrets.toml``: named targets beside a config."""

from collections.abc import Mapping
from os import PathLike
from os.path import join
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from tailorsecrets.errors import ConfigError

if TYPE_CHECKING:
    from tailorsecrets.targets.cache_settings import CacheSettings

PROFILES: Final = "tailorsecrets.toml"
_PERMISSIONS: Final = ("read", "write")


class Profile(NamedTuple):
    """One table ``[profiles.NAME]``; a missing key is empty."""

    name: str = ""
    store: str = ""
    workspace: str = ""
    permission: str = "write"
    cache: "CacheSettings | None" = None  # None: the defaults


def read_profile(folder: str | PathLike[str], name: str) -> Profile:
    """Return the profile *name* of the file in *folder*, an empty one for no name.

    Raise ConfigError for a file that is not TOML, and for an unknown profile or key; the error lists the known ones.
    """
    if not name:
        return Profile()
    path = join(folder, PROFILES)
    tables = _tables(path)
    if name not in tables:
        hint = f"known profiles: {', '.join(sorted(tables)) or 'none'}"
        raise ConfigError(f"no profile {name!r} in {path}", hint=hint, code="PROFILE_NOT_FOUND")
    return _profile(f"{path}: profile {name!r}", name, tables[name])


def _tables(path: str) -> Mapping[str, object]:
    document = _table(path, _document(path), {"profiles"})
    return _table(f"{path}: profiles", document.get("profiles", {}))


def _document(path: str) -> Mapping[str, Any]:
    import tomllib

    try:
        return tomllib.loads(_text(path))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as exc:
        problem = str(exc)
    raise ConfigError(f"{path}: {problem}")


def _text(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def _profile(where: str, name: str, value: object) -> Profile:
    table = dict(_table(where, value, {"store", "workspace", "permission", "cache"}))
    cache = _cache(f"{where}: cache", table.pop("cache")) if "cache" in table else None
    texts = {key: text for key, text in table.items() if isinstance(text, str)}
    if len(texts) < len(table):
        raise ConfigError(f"{where}: {', '.join(sorted(set(table) - set(texts)))} must be a string")
    if texts.get("permission", "write") not in _PERMISSIONS:
        raise ConfigError(f"{where}: permission must be one of {', '.join(_PERMISSIONS)}")
    return Profile(name, **texts, cache=cache)


def _cache(where: str, value: object) -> "CacheSettings":
    from tailorsecrets.targets.cache_settings import KEYS, CacheSettings

    table: Mapping[str, Any] = _table(where, value, set(KEYS))
    try:
        return CacheSettings(**table)
    except ConfigError as error:
        problem = str(error)
    raise ConfigError(f"{where}: {problem}")


def _table(where: str, value: object, keys: set[str] | None = None) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise ConfigError(f"{where}: must be a table")
    table = cast("dict[str, object]", value)
    unknown = sorted(set(table) - keys) if keys is not None else []
    if unknown:
        raise ConfigError(f"{where}: unknown {', '.join(unknown)}", hint=f"known: {', '.join(sorted(keys or ()))}")
    return table
