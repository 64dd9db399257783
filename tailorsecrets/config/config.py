"""The config of an app, checked when it is defined."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Final, TypeVar, overload

from tailorsecrets.declared.declarations import Declarations
from tailorsecrets.declared.sources import Env, File, Generate, Source, source
from tailorsecrets.errors import ConfigError, NameInvalid, SecretsError
from tailorsecrets.runtime.manager import ManagerBase, SecretManager
from tailorsecrets.store.names import RULE, is_name
from tailorsecrets.store.record import Owner

Value = str | Env | File | Generate | None
M = TypeVar("M", bound=ManagerBase)

_VAULTS: Final = 'write {"api-keys": {"stripe-secret-key": env("STRIPE_SECRET_KEY")}}'
_EXTERNAL: Final = 'write external={"partner": ["token"]}'


@dataclass(frozen=True, slots=True)
class Config:
    """One app: its owner name, the secrets it declares, and values for function bodies that are not secret."""

    owner: Owner
    secrets: ManagerBase | None = None
    env: Mapping[str, str | float | bool] = field(default_factory=dict[str, str | float | bool])

    @property
    def declarations(self) -> Declarations:
        """The declarations of the app; none for an app without secrets."""
        return self.secrets.declarations if self.secrets else Declarations({})


def define_config(
    name: str,
    *,
    id: str | None = None,  # noqa: A002  # the word that users write in their config
    secrets: ManagerBase | None = None,
    env: Mapping[str, str | float | bool] | None = None,
) -> Config:
    """Define an app.

    *name* is the name of the owner on its vaults; *id*, a UUID, is its identity, which survives a rename. *env* holds
    values that are not secret (text, numbers, booleans). Raise ConfigError for anything else.
    """
    if not isinstance(name, str) or not name.strip():
        raise ConfigError("define_config: name must be the app's name")
    if id is not None and not _is_uuid(id):
        raise ConfigError(f"define_config: id={id!r} is not a UUID")
    if secrets is not None and not isinstance(secrets, ManagerBase):
        raise ConfigError("define_config: secrets must be the result of define_secret_manager")
    wrong = [key for key, value in (env or {}).items() if not isinstance(value, str | int | float)]
    if wrong:
        raise ConfigError(f"define_config: env values must be text, numbers or booleans; wrong: {', '.join(wrong)}")
    return Config(Owner(name, id or ""), secrets, dict(env or {}))


@overload
def define_secret_manager(
    vaults: Mapping[str, Mapping[str, Value]],
    *,
    ignore_nullish_values: bool = False,
    external: Mapping[str, Iterable[str]] | None = None,
    folder: str | PathLike[str] | None = None,
) -> SecretManager: ...
@overload
def define_secret_manager(
    vaults: Mapping[str, Mapping[str, Value]],
    *,
    ignore_nullish_values: bool = False,
    external: Mapping[str, Iterable[str]] | None = None,
    folder: str | PathLike[str] | None = None,
    types: type[M],
) -> M: ...
def define_secret_manager(
    vaults: Mapping[str, Mapping[str, Value]],
    *,
    ignore_nullish_values: bool = False,
    external: Mapping[str, Iterable[str]] | None = None,
    folder: str | PathLike[str] | None = None,
    types: type[ManagerBase] = SecretManager,
) -> ManagerBase:
    """Declare vaults and their secrets: ``{vault: {secret: value}}``.

    A value is text, None, or a source: ``env()``, ``file()``, ``generate()``. With None, an unset variable or a missing
    file there is no value: an error when apply runs, or with *ignore_nullish_values* a secret that apply does not
    change. *external* names secrets that others manage: readable, never planned. *folder* is where the profile file is
    at run time; its default is the folder of the calling module, so a function that wraps this one passes it. *types*
    is the class that ``tailorsecrets generate`` writes. Raise one NameInvalid or ConfigError that lists every bad name
    and value.
    """
    error = _error(vaults, external or {})
    sources = {} if error else _sources(vaults)
    del vaults  # so that no frame of the error's traceback holds a value
    if error:
        raise error
    others = {vault: frozenset(names) for vault, names in (external or {}).items()}
    home = Path(folder).absolute() if folder is not None else _folder(sys._getframe(1).f_globals)  # noqa: SLF001
    return types(Declarations(sources, others, ignore_nullish_values, home))


def _is_uuid(text: object) -> bool:
    from uuid import UUID

    try:
        UUID(str(text))
    except ValueError:
        return False
    return True


def _folder(module: Mapping[str, object]) -> Path:
    return Path(str(module.get("__file__") or "x")).absolute().parent


def _error(vaults: Mapping[str, Mapping[str, object]], external: Mapping[str, Iterable[str]]) -> SecretsError | None:
    """Return the error in the arguments; the caller raises it when its own frame holds no value any more."""
    if not isinstance(vaults, Mapping) or not all(isinstance(secrets, Mapping) for secrets in vaults.values()):
        return ConfigError("define_secret_manager: vaults is not a dict of dicts", hint=_VAULTS)
    if not isinstance(external, Mapping) or any(
        isinstance(names, str) or not isinstance(names, Iterable) for names in external.values()
    ):
        return ConfigError("define_secret_manager: external is not a dict of lists", hint=_EXTERNAL)
    problems = [*_problems(vaults), *_external_problems(vaults, external)]
    bad_names = [*_bad_names(vaults), *_bad_names(external)]
    if not bad_names and not problems:
        return None
    kind = ConfigError if problems else NameInvalid
    hint = f"names have {RULE}" if bad_names else ""
    return kind("define_secret_manager: " + "; ".join([*bad_names, *problems]), hint=hint)


def _sources(vaults: Mapping[str, Mapping[str, object]]) -> dict[str, dict[str, Source]]:
    return {vault: {name: source(value) for name, value in secrets.items()} for vault, secrets in vaults.items()}


def _bad_names(vaults: Mapping[str, Iterable[str]]) -> Iterator[str]:
    for vault, secrets in vaults.items():
        if not is_name(vault):
            yield f"vault name {vault!r} is not allowed"
        for secret in secrets:
            if not is_name(secret):
                yield f"secret name {secret!r} in vault {vault!r} is not allowed"


def _problems(vaults: Mapping[str, Mapping[str, object]]) -> Iterator[str]:
    for vault, secrets in vaults.items():
        for secret, value in secrets.items():
            try:
                source(value)
            except ConfigError as error:
                yield f"{vault}/{secret}: {error}"


def _external_problems(vaults: Mapping[str, Iterable[str]], external: Mapping[str, Iterable[str]]) -> Iterator[str]:
    for vault, names in external.items():
        for name in sorted(set(names) & set(vaults.get(vault, ()))):
            yield f"{vault}/{name}: is both declared and external"
