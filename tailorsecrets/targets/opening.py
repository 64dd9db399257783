"""Opening the store of a target."""

import gc
from collections.abc import Collection, Generator, Iterable, Mapping
from contextlib import contextmanager
from os import getcwd
from types import MappingProxyType
from typing import Literal

from tailorsecrets.driver import Driver, StoreType, Target
from tailorsecrets.errors import ConfigError, Unsupported
from tailorsecrets.store.names import ExternalName, Place
from tailorsecrets.store.store import Store, workspace_of
from tailorsecrets.targets import plugins
from tailorsecrets.targets.choice import Choice
from tailorsecrets.targets.routes import chosen_workspace
from tailorsecrets.targets.urls import parse_url, split_workspace


def open_choice(
    choice: Choice,
    environ: Mapping[str, str],
    *,
    create: bool | None = None,
    external: Mapping[Place, ExternalName] = MappingProxyType({}),
) -> Store:
    """Open the store of *choice*; call nothing yet.

    *create*: a write may create the store (default: a named one). *external* are the secrets of others with native
    names.
    """
    store_type, target = _parsed(choice, environ, create=choice.named if create is None else create)
    return Store(
        _layered(_driver(store_type, target), target),
        choice.workspace,
        url=target.url,
        prefix=target.path if store_type.prefixed else "",
        read_only=choice.read_only,
        may_create=target.create,
        external=external,
    )


def target_of(choice: Choice, environ: Mapping[str, str]) -> Target:
    """Return the parsed URL of *choice*."""
    return _parsed(choice, environ, create=choice.named)[1]


def parsed(choice: Choice, environ: Mapping[str, str]) -> tuple[StoreType, Target]:
    """Return the plugin's store type and the parsed URL of *choice*; raise ConfigError as ``open_choice`` does."""
    return _parsed(choice, environ, create=False)


def policy_of(
    choice: Choice,
    environ: Mapping[str, str],
    vaults: Iterable[str],
    use: Literal["read", "deploy"],
    *,
    external: Mapping[Place, ExternalName] = MappingProxyType({}),
    copied: Collection[Place] = (),
) -> str:
    """Return the least-privilege policy for *use* of *vaults*, in the store's own format; calls nothing.

    A policy for reading includes *external*; one for deploying lets the login read *copied* secrets. Raise Unsupported
    for a store without permissions.
    """
    store_type, target = parsed(choice, environ)
    if store_type.policy is None:
        raise Unsupported(f"{choice.url}: the plugin of {store_type.scheme}: stores makes no policies")
    with open_choice(choice, environ, external=external) as store:
        names = [workspace_of(store).vault_names(vault, copied) for vault in vaults]
        if use == "read":
            names += workspace_of(store).operations.external_names()
    return store_type.policy(target, names, use)


def open_store(url: str, workspace: str = "", *, environ: Mapping[str, str] | None = None) -> Store:
    """Open the store at *url*, untyped and without a config. A write creates a missing store file.

    The workspace may be in the URL, as ``?workspace=NAME``; without one it is ``default``. Raise ConfigError for a URL
    that no plugin opens, with unknown options, with a credential or with another *workspace* in it.
    """
    import os

    variables = os.environ if environ is None else environ
    place, named = split_workspace(url)
    return open_choice(Choice(place, chosen_workspace(named, workspace), getcwd()), variables)


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
        missing = exc.name if isinstance(exc, ModuleNotFoundError) else ""
        problem = f"needs {missing}, which is not installed" if missing else f"cannot be opened: {exc}"
    raise ConfigError(f"the {store_type.scheme}: store {problem}", hint=_install_hint(store_type))


def _install_hint(store_type: StoreType) -> str:
    """Return the command that installs what the plugin needs: its distribution brings it, in an extra if it has one."""
    distribution = plugins.distribution_of(store_type.scheme)
    return f"pip install '{distribution}[{store_type.extra}]'" if store_type.extra else f"pip install {distribution}"


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
