"""The declarations of a config: names and sources, before any source is read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tailorsecrets.declared.sources import Source


@dataclass(frozen=True, slots=True)
class Declarations:
    """The arguments of ``define_secret_manager``: sources by vault and secret, and the names that others manage."""

    vaults: Mapping[str, Mapping[str, Source]]
    external: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    ignore_nullish_values: bool = False
    folder: Path = field(default_factory=Path)  # of the module that defined it; the profile file is there

    def names(self) -> dict[str, list[str]]:
        """Return all names that a program may read, by vault, both sorted."""
        vaults = sorted({**self.vaults, **self.external})
        return {vault: sorted({*self.vaults.get(vault, ()), *self.external.get(vault, ())}) for vault in vaults}
