"""Reading secrets at run time: the object that a config exports."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from threading import Lock
from typing import Self

from tailorsecrets.errors import UndeclaredSecret
from tailorsecrets.sources import Source
from tailorsecrets.store import Store
from tailorsecrets.targets import Choice, choose, open_choice


@dataclass(frozen=True, slots=True)
class Declarations:
    """What ``define_secret_manager`` was given: sources by vault and secret, and the names that others manage."""

    vaults: Mapping[str, Mapping[str, Source]]
    external: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    ignore_nullish_values: bool = False
    folder: Path = field(default_factory=Path)  # of the module that defined it; the profile file is there

    def names(self) -> dict[str, list[str]]:
        """Return all names that a program may read, by vault, both sorted."""
        vaults = sorted({**self.vaults, **self.external})
        return {vault: sorted({*self.vaults.get(vault, ()), *self.external.get(vault, ())}) for vault in vaults}


class ManagerBase:
    """All of a manager but the reads, whose signatures a generated class narrows to the declared names."""

    def __init__(self, declarations: Declarations) -> None:
        """Hold what is declared; the store is opened by the first read."""
        self.declarations = declarations
        self._names = declarations.names()
        self._lock = Lock()
        self._choice: Choice | None = None
        self._opened: Store | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {', '.join(self._names) or 'no vaults'}>"

    def connect(self, *, store: str | None = None, workspace: str | None = None, profile: str | None = None) -> Self:
        """Choose the target of the reads that follow, over the environment and the profile file; return self.

        Opens nothing. Raise ConfigError for an unknown profile, NameInvalid for a workspace.
        """
        folder = self.declarations.folder
        choice = choose(os.environ, folder, store=store, workspace=workspace, profile=profile)
        self.close()
        self._choice = choice
        return self

    def close(self) -> None:
        """Let go of the connection; the next read makes a new one."""
        with self._lock:
            opened, self._opened = self._opened, None
        if opened is not None:
            opened.close()

    def _store(self) -> Store:
        with self._lock:
            if self._opened is None:
                choice = self._choice or choose(os.environ, self.declarations.folder)
                self._opened = open_choice(choice, os.environ)
            return self._opened

    def _declared(self, vault: str, secrets: Sequence[str]) -> Store:
        """Return the store, or raise UndeclaredSecret for a name that the config does not have."""
        if vault not in self._names:
            hint = _nearest(vault, list(self._names))
            raise UndeclaredSecret(f"vault {vault!r} is not in the config", hint=hint, vault=vault)
        for secret in secrets:
            if secret not in self._names[vault]:
                hint = _nearest(secret, self._names[vault])
                raise UndeclaredSecret(f"{vault!r} has no secret {secret!r} in the config", hint=hint, vault=vault)
        return self._store()


class SecretManager(ManagerBase):
    """The secrets that a config declares, read from the store at run time.

    Each read gives None for a secret or vault that does not exist, and raises ``UndeclaredSecret`` for a name that the
    config does not declare, before any call; ``Denied``, ``Unauthenticated``, ``Unavailable``, ``Throttled`` and
    ``Corrupt`` are never None. Needs the right to read these secrets, and no other.
    """

    def get(self, vault: str, secret: str) -> str | None:
        """Return the value of *secret* in *vault*."""
        return self._declared(vault, [secret]).get(vault, secret)

    def get_all(self, vault: str, secrets: Sequence[str]) -> list[str | None]:
        """Return the values of *secrets* in the order asked; the first that cannot be read raises."""
        return self._declared(vault, secrets).get_all(vault, secrets)

    async def aget(self, vault: str, secret: str) -> str | None:
        """Do as get, on asyncio or trio."""
        return await self._declared(vault, [secret]).aget(vault, secret)

    async def aget_all(self, vault: str, secrets: Sequence[str]) -> list[str | None]:
        """Do as get_all, on asyncio or trio."""
        return await self._declared(vault, secrets).aget_all(vault, secrets)


def _nearest(name: str, known: Sequence[str]) -> str:
    close = get_close_matches(name, known, n=1, cutoff=0)
    return f"did you mean {close[0]!r}?" if close else "the config declares none"
