"""Making a plan: reading the sources, looking at the store, and comparing. Writes nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from tailorsecrets.config.config import Config
from tailorsecrets.declared.sources import Generate
from tailorsecrets.deploy.plan import Declared, Plan, Wanted, diff
from tailorsecrets.driver import Entry
from tailorsecrets.errors import SecretsError, StoreNotFound, TooLarge, ValueInvalid
from tailorsecrets.secret import Secret
from tailorsecrets.store.names import Place
from tailorsecrets.store.store import Store, workspace_of
from tailorsecrets.store.workspace import VaultState, Workspace


def declare(config: Config, environ: Mapping[str, str], folder: Path) -> Declared:
    """Read all sources of *config*, files relative to *folder*.

    Raise ValueInvalid that lists every secret without a value, unless the config says to skip those; ConfigError for a
    file that cannot be read.
    """
    says = config.declarations
    vaults: dict[str, dict[str, Wanted]] = {vault: {} for vault in says.vaults}
    missing: list[str] = []
    for vault, sources in says.vaults.items():
        for secret, source in sources.items():
            value = source if isinstance(source, Generate) else source.read(environ, folder)
            vaults[vault][secret] = value
            if value is None:
                missing.append(f"{vault}/{secret} ({source})")
    if missing and not says.ignore_nullish_values:
        hint = "set them, or define_secret_manager(..., ignore_nullish_values=True) to skip them"
        raise ValueInvalid(f"no value for {', '.join(missing)}", code="SECRET_VALUE_REQUIRED", hint=hint)
    return Declared(config.owner, vaults, says.external)


def nothing(config: Config) -> Declared:
    """Return the empty declaration of the same owner, which removes all that it owns."""
    return Declared(config.owner, {}, config.declarations.external)


def make_plan(declared: Declared, store: Store, *, prune: bool = True, trust: bool = False) -> Plan:
    """Return the plan that makes *store* equal to *declared*; without *prune*, list nothing and delete nothing.

    Reads no secret value where the store has stamps. Where a list does not tell them for sure, each secret that is
    declared or deleted is looked at; with *trust*, none whose listed stamp says that it is unchanged.

    Raise ValueInvalid or TooLarge for what the store cannot hold.
    """
    workspace = workspace_of(store)
    _check_values(declared, workspace)
    found = _found(declared, workspace, prune=prune)
    values = None if workspace.caps.stamps else workspace.values(_there(declared, found))
    plan = diff(declared, found, prune=prune, values=values)
    if workspace.caps.list_stamps or not prune:
        return plan
    doubted = _doubted(declared, found, plan, trust=trust)
    plan = diff(declared, workspace.refreshed(found, doubted), prune=prune, values=values)
    return replace(plan, trusted=len(set(_there(declared, found)) - doubted))


def escaped(plan: Plan, store: Store) -> list[Place]:
    """Return the secrets of *plan* that other tools will read with ``tailorsecrets:=`` before the value."""
    workspace = workspace_of(store)
    return [step.place for step in plan.steps if isinstance(step.value, Secret) and workspace.escapes(step.value)]


def _doubted(declared: Declared, found: Mapping[str, VaultState], plan: Plan, *, trust: bool) -> set[Place]:
    """Return the secrets to look at: those that *plan* writes, and the declared ones, with *trust* the unstamped."""
    written = {step.place for step in plan.steps if step.place.secret and step.action != "create"}
    return written | {place for place in _there(declared, found) if not (trust and _listed(found, place).stamp)}


def _check_values(declared: Declared, workspace: Workspace) -> None:
    problems = list(_problems(declared, workspace))
    if problems:
        kind = TooLarge if any(isinstance(problem, TooLarge) for problem in problems) else ValueInvalid
        raise kind("; ".join(str(problem) for problem in problems))


def _problems(declared: Declared, workspace: Workspace) -> Iterator[SecretsError]:
    for vault, secrets in declared.vaults.items():
        for secret, value in secrets.items():
            if isinstance(value, Secret):
                try:
                    workspace.check_value(vault, secret, value)
                except SecretsError as error:
                    yield error.with_traceback(None)


def _found(declared: Declared, workspace: Workspace, *, prune: bool) -> Mapping[str, VaultState]:
    try:
        found = workspace.snapshot() if prune else workspace.snapshot_of(declared.vaults)
    except StoreNotFound:
        if not workspace.may_make:
            raise
        return {}
    for vault in declared.vaults:
        if problem := found.get(vault, VaultState()).problem:
            raise problem
    return found


def _there(declared: Declared, found: Mapping[str, VaultState]) -> list[Place]:
    """Return the secrets that are declared and found."""
    return [
        Place(vault, secret)
        for vault, secrets in declared.vaults.items()
        for secret in secrets
        if secret in found.get(vault, VaultState()).secrets
    ]


def _listed(found: Mapping[str, VaultState], place: Place) -> Entry:
    return found[place.vault].secrets[place.secret]
