"""Making a plan: reading the sources, looking at the store, and comparing. Writes nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from tailorsecrets.config import Config
from tailorsecrets.driver import Entry
from tailorsecrets.errors import SecretsError, StoreNotFound, TooLarge, ValueInvalid
from tailorsecrets.names import Place
from tailorsecrets.plan import Declared, Plan, Wanted, diff
from tailorsecrets.secret import Secret
from tailorsecrets.sources import Generate
from tailorsecrets.store import Found, Store


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
    _check_values(declared, store)
    found = _found(declared, store, prune=prune)
    values = None if store.caps.stamps else store.values(_there(declared, found))
    plan = diff(declared, found, prune=prune, values=values)
    if store.caps.list_stamps or not prune:
        return plan
    doubted = _doubted(declared, found, plan, trust=trust)
    plan = diff(declared, store.closer(found, doubted), prune=prune, values=values)
    return replace(plan, trusted=len(set(_there(declared, found)) - doubted))


def escaped(plan: Plan, store: Store) -> list[Place]:
    """Return the secrets of *plan* that other tools will read with ``tailorsecrets:=`` before the value."""
    return [step.place for step in plan.steps if isinstance(step.value, Secret) and store.escapes(step.value)]


def _doubted(declared: Declared, found: Mapping[str, Found], plan: Plan, *, trust: bool) -> set[Place]:
    """Return the secrets to look at: those that *plan* writes, and the declared ones, with *trust* the unstamped."""
    written = {step.place for step in plan.steps if step.place.secret and step.action != "create"}
    return written | {place for place in _there(declared, found) if not (trust and _listed(found, place).stamp)}


def _check_values(declared: Declared, store: Store) -> None:
    problems = list(_problems(declared, store))
    if problems:
        kind = TooLarge if any(isinstance(problem, TooLarge) for problem in problems) else ValueInvalid
        raise kind("; ".join(str(problem) for problem in problems))


def _problems(declared: Declared, store: Store) -> Iterator[SecretsError]:
    for vault, secrets in declared.vaults.items():
        for secret, value in secrets.items():
            if isinstance(value, Secret):
                try:
                    store.check_value(vault, secret, value)
                except SecretsError as error:
                    yield error.with_traceback(None)


def _found(declared: Declared, store: Store, *, prune: bool) -> Mapping[str, Found]:
    try:
        found = store.snapshot() if prune else store.snapshot_of(declared.vaults)
    except StoreNotFound:
        if not store.may_make:
            raise
        return {}
    for vault in declared.vaults:
        if problem := found.get(vault, Found()).problem:
            raise problem
    return found


def _there(declared: Declared, found: Mapping[str, Found]) -> list[Place]:
    """Return the secrets that are declared and found."""
    return [
        Place(vault, secret)
        for vault, secrets in declared.vaults.items()
        for secret in secrets
        if secret in found.get(vault, Found()).secrets
    ]


def _listed(found: Mapping[str, Found], place: Place) -> Entry:
    return found[place.vault].secrets[place.secret]
