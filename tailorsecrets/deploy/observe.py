"""Making a plan: read the sources, read the store, compare. Nothing here writes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tailorsecrets.declared.sources import Generate
from tailorsecrets.deploy.plan import Desired, DesiredValue, Plan, diff
from tailorsecrets.driver import Caps, Entry
from tailorsecrets.errors import SecretsError, StoreNotFound, TooLarge, ValueInvalid
from tailorsecrets.secret import Secret
from tailorsecrets.store.names import Place
from tailorsecrets.store.record import Record
from tailorsecrets.store.store import Store, workspace_of
from tailorsecrets.store.workspace import VaultState, Workspace

if TYPE_CHECKING:
    from tailorsecrets.config.config import Config


def read_desired(config: "Config", environ: Mapping[str, str], folder: Path) -> Desired:
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


def nothing_desired(config: "Config") -> Desired:
    """Return the empty declaration of the same owner, which removes everything that it owns."""
    return Desired(config.owner, {}, config.declarations.external, known=config.declarations.names())


@dataclass(frozen=True, slots=True)
class Observed:
    """What a plan knows of one target.

    ``values`` are the values of secrets without a stamp, as far as they were read, and ``unknown`` are those that may
    not be read; ``trusted`` counts the secrets whose metadata was not read. ``deleted`` are secrets that the store
    reports as deleted, and ``unstampable`` are secrets for which this login may not keep a stamp, both as far as the
    store was asked. ``deletes``: the plan may delete. ``unlisted`` and ``read_values`` are as in ``Plan``.
    """

    found: Mapping[str, VaultState]
    caps: Caps
    values: Mapping[Place, Secret] = field(default_factory=dict[Place, Secret])
    unknown: frozenset[Place] = frozenset()
    trusted: int = 0
    deleted: frozenset[Place] = frozenset()
    unstampable: frozenset[Place] = frozenset()
    deletes: bool = True
    unlisted: bool = False
    read_values: bool = False

    def noted(self, plan: Plan) -> Plan:
        """Return *plan* with the facts about how the target was observed."""
        return replace(plan, trusted=self.trusted, unlisted=self.unlisted, read_values=self.read_values)

    def entry(self, place: Place) -> Entry | None:
        """Return what lists and metadata say of *place*, None where it is not there."""
        return self.found.get(place.vault, VaultState()).secrets.get(place.secret)

    def record(self, vault: str) -> Record | None:
        """Return the record of *vault*, None where it has none."""
        return self.found.get(vault, VaultState()).record


def make_plan(desired: Desired, store: Store, *, prune: bool = True, trust: bool = False) -> Plan:
    """Return the plan that makes *store* equal to *desired*; see ``observe`` for the arguments and errors."""
    seen = observe(desired, store, prune=prune, trust=trust)
    return seen.noted(
        diff(desired, seen.found, prune=seen.deletes, values=seen.values, unknown=seen.unknown, caps=seen.caps)
    )


def observe(desired: Desired, store: Store, *, prune: bool = True, trust: bool = False) -> Observed:
    """Return what a plan for *desired* must know about *store*; without *prune*, list nothing.

    Read no value that has a stamp. Where lists do not show the current stamps, read the metadata of each secret that is
    declared or deleted; with *trust*, not of a secret whose listed stamp shows that it is unchanged. Where lists lag,
    read the metadata of each declared secret that the list does not show, in vaults that have a record. In a store that
    cannot list, look at the names in *desired* alone: apply then deletes nothing.

    Raise ValueInvalid or TooLarge for values that the store cannot hold.
    """
    workspace = workspace_of(store)
    _check_values(desired, workspace)
    unlisted = prune and not workspace.caps.lists
    prune = prune and not unlisted
    observed = _observed(desired, workspace, prune=prune)
    trusted = 0
    fresh: set[Place] = set()
    if prune and workspace.caps.list_lag and workspace.caps.stats:
        fresh = _unlisted(desired, observed)
        observed = workspace.completed(observed, fresh)
    if prune and not workspace.caps.list_stamps:
        places = _to_stat(desired, observed, trust=trust) - fresh
        observed = workspace.refreshed(observed, places)
        trusted = len(set(_there(desired, observed)) - places - fresh)
    values, unknown = _values(desired, observed, workspace)
    read_values = _needs_values(workspace.caps, prune=prune) and any(seen.secrets for seen in observed.values())
    return Observed(
        observed,
        workspace.caps,
        values,
        frozenset(unknown),
        trusted,
        deletes=prune or bool(unlisted and desired.known),
        unlisted=unlisted,
        read_values=read_values,
    )


def escaped(plan: Plan, store: Store) -> list[Place]:
    """Return the secrets of *plan* that other tools will read with ``tailorsecrets:=`` before the value."""
    workspace = workspace_of(store)
    return [step.place for step in plan.steps if isinstance(step.value, Secret) and workspace.escapes(step.value)]


def _needs_values(caps: Caps, *, prune: bool) -> bool:
    """Tell whether the metadata that a plan needs comes with values; a plan that compares values says so anyway."""
    return caps.stamps and not caps.stats and not (prune and caps.list_stamps)


def _unlisted(desired: Desired, observed: Mapping[str, VaultState]) -> set[Place]:
    """Return the declared secrets that are not in the list of a vault that has a record."""
    return {
        Place(vault, secret)
        for vault, secrets in desired.vaults.items()
        for secret, value in secrets.items()
        if value is not None and vault in observed and observed[vault].record and secret not in observed[vault].secrets
    }


def _to_stat(desired: Desired, observed: Mapping[str, VaultState], *, trust: bool) -> set[Place]:
    """Return the secrets to compare or write; with *trust*, of the declared ones only those without a listed stamp."""
    listed = {Place(vault, name): entry for vault, seen in observed.items() for name, entry in seen.secrets.items()}
    written = {step.place for step in diff(desired, observed).steps if step.place in listed}
    return written | {place for place in _there(desired, observed) if not (trust and listed[place].stamp)}


def _values(
    desired: Desired, observed: Mapping[str, VaultState], workspace: Workspace
) -> tuple[dict[Place, Secret], set[Place]]:
    """Return the values to compare, and the secrets for which nothing shows whether they changed.

    A store without stamps needs all values. Where a write and its stamp are one call, a version without a stamp is
    another tool's. Elsewhere it may be the app's own, from a run that stopped midway: it is written once more, unread,
    and gets its stamp then. Where this login may not keep stamps, its value is compared, and the secret is unknown if
    its value may not be read.
    """
    if not workspace.caps.stamps:
        return workspace.values(_there(desired, observed))[0], set()
    if not workspace.caps.stamps_apart:
        return {}, set()
    unstamped = [
        place
        for place in _there(desired, observed)
        if isinstance(desired.vaults[place.vault][place.secret], Secret) and _lacks_stamp(desired, observed, place)
    ]
    return workspace.values(sorted(workspace.cannot_stamp(unstamped)))


def _lacks_stamp(desired: Desired, observed: Mapping[str, VaultState], place: Place) -> bool:
    seen = observed[place.vault]
    entry = seen.secrets[place.secret]
    return (
        entry.state == "live" and not entry.stamp and seen.record is not None and desired.owner.owns(seen.record.owner)
    )


def _check_values(desired: Desired, workspace: Workspace) -> None:
    problems = list(value_problems(desired, workspace))
    if problems:
        kind = TooLarge if any(isinstance(problem, TooLarge) for problem in problems) else ValueInvalid
        raise kind("; ".join(str(problem) for problem in problems))


def value_problems(desired: Desired, workspace: Workspace) -> Iterator[SecretsError]:
    """Yield an error for each value of *desired* that the store cannot hold; call nothing."""
    for vault, secrets in desired.vaults.items():
        for secret, value in secrets.items():
            if isinstance(value, Secret):
                try:
                    workspace.check_value(vault, secret, value)
                except SecretsError as error:
                    yield error.with_traceback(None)


def _observed(desired: Desired, workspace: Workspace, *, prune: bool) -> Mapping[str, VaultState]:
    try:
        found = workspace.snapshot(desired.vaults) if prune else workspace.snapshot_of(desired.vaults or desired.known)
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
