"""The name grammar, and the mapping between (workspace, vault, secret) and a store's native names. Pure.

====================================  ======================  =====================
family (``Caps.joiner``)              a secret                a vault's record
====================================  ======================  =====================
``/`` AWS, Vault folders, file        ``P/W/V/S``             ``P/W/v/V``
``/`` with containers: Vault mounts   ``W/V/S``               ``W/V/v``
``_`` GCP                             ``P_W_V_S``             ``P_W_v_V``
``--`` Azure                          ``P--W--V--S``          ``P--W--v--V``
====================================  ======================  =====================

P is the prefix that only the URL gives. The one-character part ``v`` is outside the grammar, also where a store
folds case, so no record can meet a secret. A name over ``Caps.max_name`` becomes ``P--h--SHA256``, and its
whole ``W/V/S`` goes into the tag ``NAME_TAG``, which is compared on every read.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from tailorsecrets.driver import VaultNames
from tailorsecrets.errors import ConfigError, NameInvalid

RULE: Final = "3 to 63 characters of a-z, 0-9 and '-', beginning and ending with a letter or digit"
NAME_TAG: Final = "tailorsecrets-name"
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_LONGEST: Final = 63
_DIGEST: Final = 64  # characters of a SHA-256
_RECORD: Final = "v"
_HASHED: Final = "h"
_ESCAPE: Final = "--"
_PREFIX_PART: Final = {
    "/": r"(?!\.{1,2}$)[A-Za-z0-9_+=.@-]+",
    "_": r"[A-Za-z0-9_-]+",
    _ESCAPE: r"[A-Za-z0-9-]+",
}


def is_name(name: object) -> bool:
    """Tell whether *name* is in the grammar of vault, secret and workspace names."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def check_name(kind: str, name: object) -> None:
    """Raise NameInvalid, naming *kind* ("vault", "secret", "workspace"), *name* and the rule."""
    check_names([(kind, name)])


def check_names(names: Iterable[tuple[str, object]]) -> None:
    """Raise one NameInvalid that lists every bad one of the (kind, name) pairs."""
    bad = [f"{kind} name {name!r}" for kind, name in names if not is_name(name)]
    if bad:
        raise NameInvalid(f"{', '.join(bad)}: not allowed", hint=f"names have {RULE}")


class Place(NamedTuple):
    """The address of a secret, or with ``secret == ""`` of a vault's record."""

    vault: str
    secret: str = ""

    def __str__(self) -> str:
        return f"secret {self.vault}/{self.secret}" if self.secret else f"vault {self.vault}"


class ExternalName(NamedTuple):
    """Where an external secret is: a name in the store's own terms, and a field of that entry."""

    name: str  # "": in another store
    field: str = ""  # "": the whole value


def checked_place(vault: str, secret: str) -> Place:
    """Return the place of *secret* in *vault*; NameInvalid for names outside the grammar."""
    check_names([("vault", vault), ("secret", secret)])
    return Place(vault, secret)


@dataclass(frozen=True, slots=True)
class Naming:
    """The native names of one workspace in one store; injective and reversible, also where the store folds case."""

    workspace: str
    joiner: str = "/"
    max_name: int = 512
    prefix: str = ""
    containers: bool = False
    _head: str = field(init=False, repr=False, default="")

    def __post_init__(self) -> None:
        check_name("workspace", self.workspace)
        prefix = self._fold(self.prefix.strip("/")).replace("/", self.joiner)
        object.__setattr__(self, "_head", prefix + self.joiner if prefix else "")
        self._check_prefix()

    def native(self, place: Place) -> str:
        """Return the native name of *place*."""
        plain = self._plain(place)
        return plain if len(plain) <= self.max_name else self._hash_form(self.tag(place))

    def tags(self, place: Place) -> dict[str, str]:
        """Return the tags that a secret of this name must carry: its whole name where the native one is a hash."""
        return {NAME_TAG: self.tag(place)} if len(self._plain(place)) > self.max_name else {}

    def tag(self, place: Place) -> str:
        """Return the whole name, unescaped and without prefix."""
        return "/".join(self._parts(place))

    def place(self, native: str, tags: Mapping[str, str]) -> Place | None:
        """Return the secret or record with the native name *native* in this workspace, None for a foreign name."""
        folded = self._fold(native)
        if not folded.startswith(self._head):
            return None
        parts = folded.removeprefix(self._head).split(self.joiner)
        whole = tags.get(NAME_TAG, "").split("/") if parts[0] == _HASHED else [self._unescaped(p) for p in parts]
        place = self._read(whole)
        return place if place is not None and self.native(place) == folded else None

    def prefix_of(self, vault: str = "") -> str:
        """Return a prefix of all native names of the workspace, or of *vault*; others may begin with it too."""
        return self._head if self._may_hash else self.beginning(vault)

    def beginning(self, vault: str = "") -> str:
        """Return how the native names of the workspace, or of *vault*, begin, but for hashed ones."""
        parts = [self.workspace, vault] if vault else [self.workspace]
        return self._head + "".join(self._escaped(part) + self.joiner for part in parts)

    def vault_names(self, vault: str) -> VaultNames:
        """Return the native names of *vault* as data, from which a plugin makes a policy."""
        return VaultNames(
            secrets=self.beginning(vault),
            record=self.native(Place(vault)),
            workspace=self.beginning(),
            records="" if self.containers else self.beginning() + _RECORD + self.joiner,
            container=self.container(vault) if self.containers else "",
        )

    def container(self, vault: str) -> str:
        """Return the native name of the container of *vault*, in a store with containers."""
        return f"{self.workspace}{self.joiner}{vault}"

    def container_vault(self, container: str) -> str | None:
        """Return the vault whose container is *container*, None for a foreign one."""
        head, _, vault = container.strip("/").rpartition(self.joiner)
        return vault if head == self.workspace and is_name(vault) else None

    def _plain(self, place: Place) -> str:
        return self._head + self.joiner.join(self._escaped(part) for part in self._parts(place))

    def _parts(self, place: Place) -> tuple[str, str, str]:
        if place.secret:
            return self.workspace, place.vault, place.secret
        if self.containers:
            return self.workspace, place.vault, _RECORD
        return self.workspace, _RECORD, place.vault

    def _read(self, parts: list[str]) -> Place | None:
        match parts:
            case [self.workspace, vault, secret] if is_name(vault) and is_name(secret):
                return Place(vault, secret)
            case [self.workspace, "v", vault] if is_name(vault) and not self.containers:
                return Place(vault)
            case [self.workspace, vault, "v"] if is_name(vault) and self.containers:
                return Place(vault)
            case _:
                return None

    def _escaped(self, part: str) -> str:
        return re.sub(r"-(?=[-0])", "-0", part) if self.joiner == _ESCAPE else part

    def _unescaped(self, part: str) -> str:
        return part.replace("-0", "-") if self.joiner == _ESCAPE else part

    def _fold(self, native: str) -> str:
        return native.lower() if self.joiner == _ESCAPE else native

    def _hash_form(self, whole: str) -> str:
        return f"{self._head}{_HASHED}{self.joiner}{_digest(whole) if whole else ''}"

    @property
    def _may_hash(self) -> bool:
        part = 2 * _LONGEST if self.joiner == _ESCAPE else _LONGEST
        return len(self._head) + 3 * part + 2 * len(self.joiner) > self.max_name

    def _check_prefix(self) -> None:
        parts = self._head.removesuffix(self.joiner).split("/") if self._head else []
        if not all(re.fullmatch(_PREFIX_PART[self.joiner], part) for part in parts):
            raise ConfigError(f"prefix {self.prefix!r}: this store's names cannot have some of its characters")
        if len(self._hash_form("")) + _DIGEST > self.max_name:
            raise ConfigError(
                f"prefix {self.prefix!r}: too long, as this store's names have at most {self.max_name} characters"
            )


def _digest(text: str) -> str:
    from hashlib import sha256  # loads OpenSSL, which a mere list does not need

    return sha256(text.encode()).hexdigest()
