"""What a login can see of a workspace without reading a value. A denied place does not hide others."""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from tailorsecrets.driver import Entry
from tailorsecrets.errors import Denied, SecretsError, Unsupported
from tailorsecrets.store.names import Place
from tailorsecrets.store.parallel import parallel
from tailorsecrets.store.workspace import VaultState, Workspace

Names = Mapping[str, Collection[str]]  # of secrets, by vault


class Seen(NamedTuple):
    """The vaults that a login sees, and the places that it may not see.

    ``listed``: the vaults are all that there are; else there was no list, and others may exist.
    """

    vaults: Mapping[str, VaultState]
    denied: frozenset[Place] = frozenset()
    listed: bool = True


def survey(workspace: Workspace, names: Names) -> Seen:
    """Return what a list shows, and what is at the places of *names* that it does not show. Read records only.

    Where the list is denied, list vault by vault; where that is denied too, read the metadata of each of *names*.
    Raise as ``Workspace.snapshot`` does for anything but Denied, and Unsupported for a store that shows nothing
    without values.
    """
    if not (workspace.caps.lists or workspace.caps.stats):
        raise Unsupported(f"{workspace.url}: the store shows metadata only together with the value")
    return looked_for(workspace, seen_by_list(workspace, names), names)


def seen_by_list(workspace: Workspace, expected: Iterable[str] = ()) -> Seen:
    """Return the snapshot of all vaults, and nothing where the list is denied or the store has none."""
    try:
        if workspace.caps.lists:
            return Seen(workspace.snapshot(expected))
    except Denied:
        pass
    return Seen({}, listed=False)


def looked_for(workspace: Workspace, seen: Seen, names: Names) -> Seen:
    """Return *seen* with what is at the places of *names* that a list may not have shown."""
    if not seen.listed:
        return _vault_by_vault(workspace, seen, names, dict.fromkeys([*_containers(workspace), *names]))
    if workspace.caps.containers:  # a login without rights on a container does not see it
        seen = _vault_by_vault(workspace, seen, names, [vault for vault in names if vault not in seen.vaults])
    if not (workspace.caps.list_lag and workspace.caps.stats):
        return seen
    unlisted = [
        Place(vault, secret)
        for vault, secrets in names.items()
        for secret in secrets
        if vault in seen.vaults and secret not in seen.vaults[vault].secrets
    ]
    return _with_metadata(workspace, seen, unlisted, denied_is_missing=True)


def refreshed(workspace: Workspace, seen: Seen, places: Iterable[Place]) -> Seen:
    """Return *seen* with the metadata of *places* read again, where a list does not show the current stamps."""
    if workspace.caps.list_stamps or not workspace.caps.stats:
        return seen
    return _with_metadata(workspace, seen, [place for place in places if place not in seen.denied])


def _containers(workspace: Workspace) -> list[str]:
    try:
        return list(workspace.containers())
    except Denied:
        return []


def _vault_by_vault(workspace: Workspace, seen: Seen, names: Names, vaults: Iterable[str]) -> Seen:
    for vault in vaults:
        seen = _with_vault(workspace, seen, vault, names.get(vault, ()))
    return seen


def _with_vault(workspace: Workspace, seen: Seen, vault: str, secrets: Collection[str]) -> Seen:
    """Return *seen* with *vault*, which is listed alone; the record itself may be denied."""
    record = workspace.records([vault]).get(vault)
    state = VaultState(problem=record) if isinstance(record, SecretsError) else VaultState(record)
    try:
        entries = {place.secret: entry for place, entry in workspace.operations.list(vault) if place.secret}
    except (Denied, Unsupported):
        with_it = seen._replace(vaults={**seen.vaults, vault: state})
        found = _with_metadata(workspace, with_it, [Place(vault, secret) for secret in secrets])
        return found if state.record or found.vaults[vault].secrets else _hidden(found, vault)
    if record is None and not entries:
        return seen
    return seen._replace(vaults={**seen.vaults, vault: state._replace(secrets=entries)})


def _hidden(seen: Seen, vault: str) -> Seen:
    """Return *seen* without *vault*, of which nothing can be seen; it may not exist."""
    return seen._replace(
        vaults={name: state for name, state in seen.vaults.items() if name != vault},
        denied=seen.denied | {Place(vault)},
    )


def _with_metadata(
    workspace: Workspace, seen: Seen, places: Collection[Place], *, denied_is_missing: bool = False
) -> Seen:
    """Return *seen* with the metadata of *places*, whose vaults it has."""

    def current(place: Place) -> Entry | Denied | None:
        try:
            return workspace.operations.stat(place)
        except Denied as error:
            return None if denied_is_missing else error.with_traceback(None)

    secrets = {vault: dict(state.secrets) for vault, state in seen.vaults.items()}
    denied = set(seen.denied)
    for place, entry in zip(places, parallel(workspace.caps, current, list(places)), strict=True):
        if isinstance(entry, Denied):
            denied.add(place)
        elif entry is None:
            secrets[place.vault].pop(place.secret, None)
        else:
            secrets[place.vault][place.secret] = entry
    vaults = {vault: state._replace(secrets=secrets[vault]) for vault, state in seen.vaults.items()}
    return seen._replace(vaults=vaults, denied=frozenset(denied))
