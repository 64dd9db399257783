"""The profile file ``tailorsecrets.toml``: named targets beside a config."""

from collections.abc import Mapping, Sequence
from math import inf
from os import PathLike
from os.path import join
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from tailorsecrets.errors import ConfigError
from tailorsecrets.store.names import RULE, Place, is_name

if TYPE_CHECKING:
    from tailorsecrets.targets.cache_settings import CacheSettings

PROFILES: Final = "tailorsecrets.toml"
_PERMISSIONS: Final = ("read", "write")
_KEYS: Final = frozenset(
    {"store", "workspace", "permission", "cache", "failover_after", "read_first", "vaults", "external"}
)
_READ_TIMEOUT: Final = 15.0  # seconds that a reader waits, where the profile has no [cache]
FAILOVER_AFTER: Final = 2.0  # seconds


class NativeName(NamedTuple):
    """Where an external secret is: a name in a store's own terms, and a field of that entry."""

    name: str
    field: str = ""  # "": the whole value
    store: str = ""  # a URL; "": the primary store of the secret's vault


class Profile(NamedTuple):
    """One table ``[profiles.NAME]``; a missing key is empty.

    A route is a tuple of store URLs, the primary first; ``vaults`` has those of vaults that do not follow ``stores``.
    """

    name: str = ""
    stores: tuple[str, ...] = ()
    workspace: str = ""
    permission: str = "write"
    cache: "CacheSettings | None" = None  # None: the defaults
    failover_after: float = FAILOVER_AFTER  # seconds without any answer before reads go to the next target
    read_first: str = ""  # the URL that reads ask first; "": the primary
    vaults: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    external: Mapping[Place, NativeName] = MappingProxyType({})


class Mistake(NamedTuple):
    """One thing that is wrong in the profile file, and the remedy."""

    problem: str
    hint: str = ""


def read_profiles(folder: str | PathLike[str]) -> dict[str, Profile]:
    """Return all profiles of the file in *folder* by name; without a file, none.

    Raise ConfigError for a file that is not TOML, and one that names every unknown key and every wrong value.
    """
    path = join(folder, PROFILES)
    mistakes: list[Mistake] = []
    document = _Table("", _document(path), mistakes)
    document.check_keys({"profiles"})
    tables = _Table("profiles", document.values.get("profiles", {}), mistakes)
    profiles = {name: _profile(name, table, mistakes) for name, table in tables.values.items()}
    raise_mistakes(path, mistakes)
    return profiles


def raise_mistakes(path: str, mistakes: Sequence[Mistake]) -> None:
    """Raise one ConfigError that names *path* and all *mistakes*, if there are any."""
    if not mistakes:
        return
    problems = [mistake.problem for mistake in mistakes]
    hint = "; ".join(dict.fromkeys(mistake.hint for mistake in mistakes if mistake.hint))
    listed = problems[0] if len(problems) == 1 else "".join(f"\n  {problem}" for problem in problems)
    raise ConfigError(f"{path}: {listed}", hint=hint)


class _Table:
    """A table of the file; what is wrong with it goes to *mistakes*."""

    def __init__(self, where: str, value: object, mistakes: list[Mistake]) -> None:
        self.where, self.mistakes = where, mistakes
        self.values: dict[str, object] = {}
        if isinstance(value, dict):
            self.values = cast("dict[str, object]", value)
        else:
            self.wrong("", "must be a table")

    def wrong(self, key: str, problem: str, hint: str = "") -> None:
        """Note the *problem* of *key*, or of the table itself."""
        what = f"{key} {problem}" if key else problem
        self.mistakes.append(Mistake(f"{self.where}: {what}" if self.where else what, hint))

    def check_keys(self, known: set[str] | frozenset[str]) -> None:
        """Note keys that are not *known*."""
        unknown = sorted(set(self.values) - known)
        if unknown:
            self.wrong("", f"unknown {', '.join(unknown)}", f"known: {', '.join(sorted(known))}")

    def table(self, key: str) -> "_Table":
        """Return the table under *key*, an empty one where there is none."""
        return _Table(f"{self.where}: {key}", self.values.get(key, {}), self.mistakes)

    def text(self, key: str, default: str = "") -> str:
        """Return the string under *key*."""
        value = self.values.get(key, default)
        if isinstance(value, str):
            return value
        self.wrong(key, "must be a string")
        return default

    def route(self, key: str) -> tuple[str, ...]:
        """Return the URL or the list of URLs under *key*."""
        value = self.values.get(key, ())
        if isinstance(value, str):
            return (value,) if value else ()
        urls = cast("list[object]", value) if isinstance(value, list) else []
        if (key in self.values and not urls) or not all(isinstance(url, str) and url for url in urls):
            self.wrong(key, "must be a string, the URL of a store, or a list of them")
            return ()
        return tuple(str(url) for url in urls)


def _profile(name: str, value: object, mistakes: list[Mistake]) -> Profile:
    table = _Table(f"profile {name!r}", value, mistakes)
    table.check_keys(_KEYS)
    cache = _cache(table) if "cache" in table.values else None
    return Profile(
        name,
        stores=table.route("store"),
        workspace=table.text("workspace"),
        permission=_permission(table),
        cache=cache,
        failover_after=_failover_after(table, cache.timeout if cache else _READ_TIMEOUT),
        read_first=table.text("read_first"),
        vaults=_vaults(table.table("vaults")),
        external=_external(table.table("external")),
    )


def _permission(table: _Table) -> str:
    permission = table.text("permission", "write")
    if permission not in _PERMISSIONS:
        table.wrong("", f"permission must be one of {', '.join(_PERMISSIONS)}")
    return permission


def _failover_after(table: _Table, timeout: float) -> float:
    seconds = table.values.get("failover_after", min(FAILOVER_AFTER, timeout / 2))
    if isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 < seconds < min(timeout, inf):
        return float(seconds)
    table.wrong("failover_after", f"must be a number of seconds over 0 and under the timeout of {timeout:g}")
    return FAILOVER_AFTER


def _cache(table: _Table) -> "CacheSettings | None":
    from tailorsecrets.targets.cache_settings import KEYS, CacheSettings

    cache = table.table("cache")
    cache.check_keys(KEYS)
    known: Mapping[str, Any] = {key: value for key, value in cache.values.items() if key in KEYS}
    try:
        return CacheSettings(**known)
    except ConfigError as error:
        cache.wrong("", str(error))
    return None


def _vaults(table: _Table) -> dict[str, tuple[str, ...]]:
    for name in table.values:
        if not is_name(name):
            table.wrong(repr(name), "is not the name of a vault", f"names have {RULE}")
    return {name: table.route(name) for name in table.values}


def _external(table: _Table) -> dict[Place, NativeName]:
    return {Place(*key.split("/")): native for key in table.values if (native := _native_name(table, key)) is not None}


def _native_name(table: _Table, key: str) -> NativeName | None:
    value = table.values[key]
    parts = key.split("/")
    if len(parts) != 2 or not all(is_name(part) for part in parts):  # noqa: PLR2004
        table.wrong(repr(key), "must be VAULT/NAME of a secret")
        return None
    if isinstance(value, str):
        value = {"name": value}
    place = _Table(f"{table.where}: {key}", value, table.mistakes)
    place.check_keys({"name", "store"})
    name, _, field = place.text("name").partition("#")
    if not name or ("#" in place.text("name") and not field):
        place.wrong("name", "must be the name in the store, or NAME#FIELD")
        return None
    return NativeName(name, field, place.text("store"))


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
