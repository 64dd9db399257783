"""Making a plan: reading the sources, looking at the store, and comparing. Writes nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from tailorsecrets.config.config import Config
from tailorsecrets.declared.sources import Generate
from tailorsecrets.deploy.plan import Desired, DesiredValue, Plan, diff
from tailorsecrets.driver import Entry
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
    """Return the empty declaration of the same owner, which removes all that it owns."""
    return Desired(config.owner, {}, config.declarations.external)


def make_plan(desired: Desired, store: Store, *, prune: bool = True, trust: bool = False) -> Plan:
    """Return the plan that makes *store* equal to *declared*; without *prune*, list nothing and delete nothing.

    Reads no secret value where the store has stamps. Where a list does not tell them for sure, each secret that is
    declared or deleted is looked at; with *trust*, none whose listed stamp says that it is unchanged.

    Raise ValueInvalid or TooLarge for what the store cannot hold.
    """
    workspace = workspace_of(store)
    _check_values(desired, workspace)
    found = _observed(desired, workspace, prune=prune)
    values = None if workspace.caps.stamps else workspace.values(_there(desired, found))
    plan = diff(desired, found, prune=prune, values=values, caps=workspace.caps)
    if workspace.caps.list_stamps or not prune:
        return plan
    to_stat = _to_stat(desired, found, plan, trust=trust)
    plan = diff(desired, workspace.refreshed(found, to_stat), prune=prune, values=values, caps=workspace.caps)
    return replace(plan, trusted=len(set(_there(desired, found)) - to_stat))


def escaped(plan: Plan, store: Store) -> list[Place]:
    """Return the secrets of *plan* that other tools will read with ``tailorsecrets:=`` before the value."""
    workspace = workspace_of(store)
    return [step.place for step in plan.steps if isinstance(step.value, Secret) and workspace.escapes(step.value)]


def _to_stat(desired: Desired, found: Mapping[str, VaultState], plan: Plan, *, trust: bool) -> set[Place]:
    """Return the secrets to look at: those that *plan* writes, and the declared ones, with *trust* the unstamped."""
    written = {step.place for step in plan.steps if step.place.secret and step.action != "create"}
    return written | {place for place in _there(desired, found) if not (trust and _listed(found, place).stamp)}


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
        found = workspace.snapshot() if prune else workspace.snapshot_of(desired.vaults)
    except StoreNotFound:
        if not workspace.may_create:
            raise
        return {}
    for vault in desired.vaults:
        if problem := found.get(vault, VaultState()).problem:
            raise problem
    return found


def _there(desired: Desired, found: Mapping[str, VaultState]) -> list[Place]:
    """Return the secrets that are declared and found."""
    return [
        Place(vault, secret)
        for vault, secrets in desired.vaults.items()
        for secret in secrets
        if secret in found.get(vault, VaultState()).secrets
    ]


def _listed(found: Mapping[str, VaultState], place: Place) -> Entry:
    return found[place.vault].secrets[place.secret]
