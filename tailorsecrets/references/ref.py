"""A reference to a secret."""

import re
from dataclasses import dataclass
from typing import Final

from tailorsecrets.errors import ConfigError
from tailorsecrets.store.names import check_names

_FORMAT: Final = re.compile(r"[^{}]*\{\}[^{}]*")


@dataclass(frozen=True, slots=True)
class SecretRef:
    """A reference to a secret, which is resolved at each use; ``format`` may wrap it, as in ``"Bearer {}"``."""

    vault: str
    key: str
    format: str = "{}"

    def __post_init__(self) -> None:
        check_names([("vault", self.vault), ("secret", self.key)])
        if not isinstance(self.format, str) or not _FORMAT.fullmatch(self.format):
            raise ConfigError(f'reference to {self}: format must have one {{}} and no other brace, as in "Bearer {{}}"')

    def __str__(self) -> str:
        return f"{self.vault}/{self.key}"
