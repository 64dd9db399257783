"""Making a plan: read the sources, read the store, compare. Nothing here writes."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from tailorsecrets.config.config import Config
from tailorsecrets.declared.sources import Generate
from tailorsecrets.deploy.plan import Desired, DesiredValue, Plan, diff
from tailorsecrets.driver import Caps, Entry
from tailorsecrets.errors import SecretsError, StoreNotFound, TooLarge, ValueInvalid
from tailorsecrets.secret import Secret
from tailorsecrets.store.names import Place
from tailorsecrets.store.store import Store, workspace_of
from tailorsecrets.store.workspace import VaultState, Workspace


def read_desired(config: Config, environ: Mapping[str, str], folder: Path) -> Desired:
    """Read all sources of *config*, files relative to *folder*.

    Raise ValueInvalid that lists every secret without a value, unless the config skips those; ConfigError for a file
    that cannot be read.
    """
    declarations = config.declarations
    vaults: dict[str, dict[str, DesiredValue]] = {vault: {} for vault in declarations.vaults}
    missing: list[str] = []
    for vault, sources in declarations.vaults.items():
        for secret, source in sources.items():
            value = source if isinstance(source, Generate) else source.read(environ, folder)
            vaults[vault][secret] = value
            if value is None:
                missing.append(f"{vault}/{secret} ({source})")
    if missing and not declarations.ignore_nullish_values:
        hint = "set them, or define_secret_manager(..., ignore_nullish_values=True) to skip them"
        raise ValueInvalid(f"no value for {', '.join(missing)}", code="SECRET_VALUE_REQUIRED", hint=hint)
    return Desired(config.owner, vaults, declarations.external)


def nothing_desired(config: Config) -> Desired:
    """Return the empty declaration of the same owner, which removes everything that it owns."""
    return Desired(config.owner, {}, config.declarations.external)


def make_plan(desired: Desired, store: Store, *, prune: bool = True, trust: bool = False) -> Plan:
    """Return the plan that makes *store* equal to *desired*; without *prune*, list nothing and delete nothing.

    Read no value that has a stamp. Where lists do not show the current stamps, read the metadata of each secret that is
    declared or deleted; with *trust*, not of a secret whose listed stamp shows that it is unchanged. Where lists lag,
    read the metadata of each secret that the plan would write.

    Raise ValueInvalid or TooLarge for values that the store cannot hold.
    """
    workspace = workspace_of(store)
    _check_values(desired, workspace)
    observed = _observed(desired, workspace, prune=prune)
    trusted = 0
    if prune and workspace.caps.stats:
        places = _to_stat(desired, observed, workspace.caps, trust=trust)
        observed = workspace.refreshed(observed, places)
        trusted = 0 if workspace.caps.list_stamps else len(set(_there(desired, observed)) - places)
    values, unknown = _values(desired, observed, workspace)
    plan = diff(desired, observed, prune=prune, values=values, unknown=unknown, caps=workspace.caps)
    return replace(plan, trusted=trusted)


def escaped(plan: Plan, store: Store) -> list[Place]:
    """Return the secrets of *plan* that other tools will read with ``tailorsecrets:=`` before the value."""
    workspace = workspace_of(store)
    return [step.place for step in plan.steps if isinstance(step.value, Secret) and workspace.escapes(step.value)]


def _to_stat(desired: Desired, observed: Mapping[str, VaultState], caps: Caps, *, trust: bool) -> set[Place]:
    """Return the secrets whose current state the list does not show.

    Where lists lag, these are the secrets that a plan by the list alone would write. Of those, an unlisted secret in a
    vault without a record is new. Where lists have no stamps, these are also the declared secrets, with *trust* only
    those that have no stamp in the list.
    """
    if caps.list_stamps and not caps.list_lag:
        return set()
    recorded = {vault for vault, seen in observed.items() if seen.record}
    listed = _listed(observed)
    changed = {step.place for step in diff(desired, observed, caps=caps).steps if step.place.secret}
    places = {place for place in changed if place in listed or (caps.list_lag and place.vault in recorded)}
    if caps.list_stamps:
        return places
    stamped = {place for place, entry in listed.items() if entry.stamp}
    return places | {place for place in _there(desired, observed) if not (trust and place in stamped)}


def _listed(observed: Mapping[str, VaultState]) -> dict[Place, Entry]:
    return {Place(vault, secret): entry for vault, seen in observed.items() for secret, entry in seen.secrets.items()}


def _values(
    desired: Desired, observed: Mapping[str, VaultState], workspace: Workspace
) -> tuple[dict[Place, Secret], set[Place]]:
    """Return the values to compare, and the secrets whose values may not be read.

    A store without stamps needs all values; else only a secret of the app's own vaults that has no stamp is read.
    """
    if not workspace.caps.stamps:
        return workspace.values(_there(desired, observed))[0], set()
    unstamped = [
        place
        for place in _there(desired, observed)
        if isinstance(desired.vaults[place.vault][place.secret], Secret) and _lacks_stamp(desired, observed, place)
    ]
    return workspace.values(unstamped)


def _lacks_stamp(desired: Desired, observed: Mapping[str, VaultState], place: Place) -> bool:
    seen = observed[place.vault]
    entry = seen.secrets[place.secret]
    return (
        entry.state == "live" and not entry.stamp and seen.record is not None and desired.owner.owns(seen.record.owner)
    )


def _check_values(desired: Desired, workspace: Workspace) -> None:
    problems = list(_problems(desired, workspace))
    if problems:
        kind = TooLarge if any(isinstance(problem, TooLarge) for problem in problems) else ValueInvalid
        raise kind("; ".join(str(problem) for problem in problems))


def _problems(desired: Desired, workspace: Workspace) -> Iterator[SecretsError]:
    for vault, secrets in desired.vaults.items():
        for secret, value in secrets.items():
            if isinstance(value, Secret):
                try:
                    workspace.check_value(vault, secret, value)
                except SecretsError as error:
                    yield error.with_traceback(None)


def _observed(desired: Desired, workspace: Workspace, *, prune: bool) -> Mapping[str, VaultState]:
    try:
        found = workspace.snapshot(desired.vaults) if prune else workspace.snapshot_of(desired.vaults)
    except StoreNotFound:
        if not workspace.may_create:
            raise
        return {}
    for vault in desired.vaults:
        if problem := found.get(vault, VaultState()).problem:
            raise problem
    return found


def _there(desired: Desired, found: Mapping[str, VaultState]) -> list[Place]:
    """Return the declared secrets that exist."""
    return [
        Place(vault, secret)
        for vault, secrets in desired.vaults.items()
        for secret in secrets
        if secret in found.get(vault, VaultState()).secrets
    ]
