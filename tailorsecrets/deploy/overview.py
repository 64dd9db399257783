"""Reading the status of all targets at once: metadata and records, no value of a store. Nothing here writes."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tailorsecrets.declared.sources import Generate
from tailorsecrets.deploy.layout import layout
from tailorsecrets.deploy.status import Column, Declared, Homes, Key, Row, table
from tailorsecrets.driver import Entry
from tailorsecrets.errors import ConfigError, SecretsError, StoreNotFound
from tailorsecrets.secret import Secret
from tailorsecrets.store.names import Place
from tailorsecrets.store.parallel import at_once, parallel
from tailorsecrets.store.store import Store, workspace_of
from tailorsecrets.store.survey import Names, Seen, refreshed, survey
from tailorsecrets.store.workspace import Workspace
from tailorsecrets.targets.choice import Choice, identity
from tailorsecrets.targets.routes import NativePlace, Routes

if TYPE_CHECKING:
    from tailorsecrets.config.config import Config

Open = Callable[[Choice], Store]
_NOTHING: Final = Seen({})


@dataclass(slots=True)
class _Want:
    """What to look for at one target. ``routed``: it is a target of a profile, not only one of native places."""

    target: Choice
    routed: bool = False
    profiles: list[str] = field(default_factory=list[str])
    names: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    native: dict[Place, NativePlace] = field(default_factory=dict[Place, NativePlace])


def declared(config: "Config", environ: Mapping[str, str], folder: Path) -> Declared:
    """Return what *config* declares, with the values whose sources are here; files are relative to *folder*."""
    declarations = config.declarations
    values: dict[Place, Secret] = {}
    for vault, sources in declarations.vaults.items():
        for secret, source in sources.items():
            value = None if isinstance(source, Generate) else _read(source.read, environ, folder)
            if value is not None:
                values[Place(vault, secret)] = value
    return Declared(config.owner, declarations.vaults, declarations.external, values)


def overview(
    wanted: Declared, profiles: Sequence[Routes], open_store: Open, vaults: Collection[str] = ()
) -> tuple[list[Row], list[Column]]:
    """Return the table of all targets of *profiles*, read at once, and what was seen at each; *vaults*: only these.

    Raise ConfigError for a target that cannot be opened. An error of a target that was opened is in its column.
    """
    routes = [Routes((each.only,), profile=each.profile) if each.only else each for each in profiles]
    columns = _columns(wanted, _wants(wanted, routes), open_store)
    return table(wanted, _homes(wanted, routes), columns, vaults), list(columns.values())


def _homes(wanted: Declared, profiles: Sequence[Routes]) -> Homes:
    found = layout(profiles, wanted.names)
    keys = [identity(target) for target in found.targets]
    primaries = {(group.vault, keys[target]): keys[group.route[0]] for group in found.groups for target in group.route}
    kept = {(vault, key) for key, vaults in zip(keys, found.kept, strict=True) for vault in vaults}
    external = {
        (place, identity(choice))
        for routes in profiles
        for place in _external(wanted)
        if routes.native(place) is None
        for choice in routes.route(place.vault)
    }
    return Homes(primaries, external, kept)


def _columns(wanted: Declared, wants: Mapping[Key, _Want], open_store: Open) -> dict[Key, Column]:
    with ExitStack() as stack:
        stores = [stack.enter_context(open_store(want.target)) for want in wants.values()]
        pairs = zip(wants.values(), stores, strict=True)
        columns = at_once([partial(_column, wanted, want, store) for want, store in pairs])
        return dict(zip(wants, columns, strict=True))


def _read(
    read: Callable[[Mapping[str, str], Path], Secret | None], environ: Mapping[str, str], folder: Path
) -> Secret | None:
    try:
        return read(environ, folder)
    except ConfigError:
        return None


def _external(wanted: Declared) -> Iterator[Place]:
    for vault, secrets in wanted.external.items():
        yield from (Place(vault, secret) for secret in secrets)


def _wants(wanted: Declared, profiles: Sequence[Routes]) -> dict[Key, _Want]:
    wants: dict[Key, _Want] = {}

    def at(choice: Choice) -> _Want:
        return wants.setdefault(identity(choice), _Want(choice))

    for routes in profiles:
        for choice in routes.targets:
            at(choice).routed = True
            at(choice).profiles.append(routes.profile)
        for vault, secrets in wanted.names.items():
            for choice in routes.route(vault):
                at(choice).names.setdefault(vault, set()).update(secrets)
        for place in _external(wanted):
            native = routes.native(place)
            if native is not None:
                at(native.target).native[place] = native
            else:
                for choice in routes.route(place.vault):
                    at(choice).names.setdefault(place.vault, set()).add(place.secret)
    return wants


def _column(wanted: Declared, want: _Want, store: Store) -> Column:
    workspace, profiles = workspace_of(store), tuple(name for name in dict.fromkeys(want.profiles) if name)
    error: SecretsError | None = None
    seen = None
    native: dict[Place, Entry | SecretsError | None] = dict.fromkeys(want.native)
    try:
        seen = _seen(workspace, want.names, wanted) if want.routed else None
        native = _native(workspace, want.native)
    except StoreNotFound as exc:
        seen, error = _NOTHING, exc.with_traceback(None)
    except SecretsError as exc:
        seen, error = None, exc.with_traceback(None)
    return Column(want.target, seen, error, stamps=store.caps.stamps, native=native, profiles=profiles)


def _seen(workspace: Workspace, names: Names, wanted: Declared) -> Seen:
    seen = survey(workspace, names)
    places = [
        Place(vault, secret)
        for vault, state in seen.vaults.items()
        if state.record is not None and wanted.owner.owns(state.record.owner)
        for secret in state.secrets
    ]
    return refreshed(workspace, seen, places)


def _native(workspace: Workspace, places: Mapping[Place, NativePlace]) -> dict[Place, Entry | SecretsError | None]:
    found = parallel(workspace.caps, lambda place: _native_entry(workspace, place), list(places.values()))
    return dict(zip(places, found, strict=True))


def _native_entry(workspace: Workspace, place: NativePlace) -> Entry | SecretsError | None:
    """Return the metadata of an external secret by its native name, None where it is missing, or why it is hidden."""
    try:
        return workspace.operations.stat_native(place.name)
    except SecretsError as error:
        return error.with_traceback(None)
