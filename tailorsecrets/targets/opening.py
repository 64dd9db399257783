"""Which store and workspace to use (flags, environment, profile, default), and opening it."""

import gc
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from os import PathLike, fspath, getcwd
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from tailorsecrets.driver import Driver, StoreType, Target
from tailorsecrets.errors import ConfigError, Unsupported
from tailorsecrets.store.names import check_name
from tailorsecrets.store.operations import read_only_error
from tailorsecrets.store.store import Store, workspace_of
from tailorsecrets.targets.profiles import read_profile
from tailorsecrets.targets.urls import parse_url

if TYPE_CHECKING:
    from tailorsecrets.targets.cache_settings import CacheSettings

_VARIABLE: Final = "TAILORSECRETS_STORE"
DEFAULT_STORE: Final = "file:.tailorsecrets/secrets.jsonl"
DEFAULT_WORKSPACE: Final = "default"


class Choice(NamedTuple):
    """The target: the store and workspace that options, environment and profile choose."""

    url: str
    workspace: str
    base: str  # where a relative path in the URL starts
    named: bool = True  # False: it is the default store
    read_only: str = ""  # the profile that may only read, "" for none
    cache: "CacheSettings | None" = None  # how long values are held at run time; None: the defaults
    source: str = ""  # where the URL comes from, for errors: an option, a variable or a profile

    def __str__(self) -> str:
        return f"{self.url}, workspace {self.workspace}"

    def check_writable(self) -> None:
        """Raise Denied under a profile that may only read."""
        if self.read_only:
            raise read_only_error(self.read_only)


def choose(
    environ: Mapping[str, str],
    folder: str | PathLike[str],
    *,
    store: str | None = None,
    workspace: str | None = None,
    profile: str | None = None,
    cwd: str | PathLike[str] | None = None,
    option: str = "--store",
) -> Choice:
    """Return the target: the arguments', else the environment's, else the profile's, else the default.

    *folder* is the config's: the profile file and the default store are there. Relative paths in a URL start at
    *cwd* (default: the working directory), those in the profile file at *folder*. Errors about *store* name *option*.
    """
    found = read_profile(folder, profile or environ.get("TAILORSECRETS_PROFILE", ""))
    named = store or environ.get(_VARIABLE, "")
    space = workspace or environ.get("TAILORSECRETS_WORKSPACE", "") or found.workspace or DEFAULT_WORKSPACE
    check_name("workspace", space)
    return Choice(
        url=named or found.store or DEFAULT_STORE,
        workspace=space,
        base=fspath((cwd or getcwd()) if named else folder),
        named=bool(named or found.store),
        read_only=f"profile {found.name!r} may only read" if found.permission == "read" else "",
        cache=found.cache,
        source=option if store else _VARIABLE if named else f"profile {found.name!r}" if found.store else "",
    )


def open_choice(choice: Choice, environ: Mapping[str, str], *, create: bool | None = None) -> Store:
    """Open the store of *choice*; call nothing yet. *create*: a write may create the store (default: a named one)."""
    store_type, target = _parsed(choice, environ, create=choice.named if create is None else create)
    return Store(
        _layered(_driver(store_type, target), target),
        choice.workspace,
        url=target.url,
        prefix=target.path if store_type.prefixed else "",
        read_only=choice.read_only,
        may_create=target.create,
    )


def target_of(choice: Choice, environ: Mapping[str, str]) -> Target:
    """Return the parsed URL of *choice*."""
    return _parsed(choice, environ, create=choice.named)[1]


def parsed(choice: Choice, environ: Mapping[str, str]) -> tuple[StoreType, Target]:
    """Return the plugin's store type and the parsed URL of *choice*; raise ConfigError as ``open_choice`` does."""
    return _parsed(choice, environ, create=False)


def policy_of(choice: Choice, environ: Mapping[str, str], vaults: Iterable[str], use: Literal["read", "deploy"]) -> str:
    """Return the least-privilege policy for *use* of *vaults*, as the store's own document; calls nothing.

    Raise Unsupported for a store without permissions of its own.
    """
    store_type, target = parsed(choice, environ)
    if store_type.policy is None:
        raise Unsupported(f"{choice.url}: the plugin of {store_type.scheme}: stores makes no policies")
    with open_choice(choice, environ) as store:
        names = [workspace_of(store).vault_names(vault) for vault in vaults]
    return store_type.policy(target, names, use)


def open_store(url: str, workspace: str = DEFAULT_WORKSPACE, *, environ: Mapping[str, str] | None = None) -> Store:
    """Open the store at *url*, untyped and without a config. A write creates a missing store file.

    Raise ConfigError for a URL that no plugin opens, with unknown options or a credential in it.
    """
    import os

    variables = os.environ if environ is None else environ
    return open_choice(Choice(url, workspace, getcwd()), variables)


def _parsed(choice: Choice, environ: Mapping[str, str], *, create: bool) -> tuple[StoreType, Target]:
    try:
        return parse_url(choice.url, choice.base, environ, create=create)
    except ConfigError as error:
        if not choice.source:
            raise
        message, hint = f"{choice.source}: {error}", error.hint
    raise ConfigError(message, hint=hint)


def _driver(store_type: StoreType, target: Target) -> Driver:
    try:
        with _without_gc():
            return store_type.open(target)
    except ImportError as exc:
        missing = exc.name or "a package"
    hint = f"pip install 'tailorsecrets[{store_type.extra}]'" if store_type.extra else ""
    raise ConfigError(f"the {store_type.scheme}: store needs {missing}, which is not installed", hint=hint)


@contextmanager
def _without_gc() -> Generator[None]:
    """Collect no garbage in the block: the import of an SDK makes little, and the search is an eighth of its time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _layered(driver: Driver, target: Target) -> Driver:
    if driver.caps.retries and not driver.caps.per_s:
        return driver
    from tailorsecrets.store.layers import stack

    return stack(driver, timeout=target.timeout)
