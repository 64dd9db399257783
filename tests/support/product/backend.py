"""What the product's tests know of a store: how to reach it, another tool at it, and what arrived there."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from tailorsecrets.driver import Driver
from tailorsecrets.store.layers import stack
from tailorsecrets.store.names import Naming, Place
from tailorsecrets.store.store import Store
from tailorsecrets.testing.backdoor import Backdoor


class Request(NamedTuple):
    """One call that arrived: the store's own word for it, the native names in it, and what it does."""

    op: str
    names: Sequence[str] = ()
    kind: Literal["value", "write", "look"] = "look"  # value: it gives values out


@dataclass(frozen=True, kw_only=True)
class Backend:
    """One store. *arrived* lists all that has come in so far; what does so by the backdoor may be among it.

    *workspace* is that of one test, whoever else uses the server. With *repeats* the server may ask for a repeat of
    what follows the making of a vault.
    """

    name: str
    url: str
    environ: Mapping[str, str] = field(repr=False)
    backdoor: Backdoor
    connect: Callable[[], Driver]
    arrived: Callable[[], Sequence[Request]]
    folder: Path
    workspace: str = "default"
    prefix: str = ""
    repeats: bool = False

    @property
    def variables(self) -> Mapping[str, str]:
        """What the environment of a command line says that uses the store."""
        return {**self.environ, "TAILORSECRETS_STORE": self.url, "TAILORSECRETS_WORKSPACE": self.workspace}

    def store(self, workspace: str = "") -> Store:
        """Open a workspace over one more connection, in its layers."""
        driver = self.connect()
        layered = driver if driver.caps.retries and not driver.caps.per_s else stack(driver)
        return Store(layered, workspace or self.workspace, url=self.url, prefix=self.prefix, may_create=True)

    def naming(self, store: Store) -> Naming:
        """Return the native names of *store*."""
        caps = store.caps
        return Naming(store.workspace, caps.joiner, caps.max_name, self.prefix, caps.containers)

    def native(self, store: Store, vault: str, secret: str = "") -> str:
        """Return the native name of a secret, or of a vault's record."""
        return self.naming(store).native(Place(vault, secret))

    def write(self, store: Store, vault: str, secret: str, text: str) -> None:
        """Write as another tool does, and wait until lists show it."""
        self.backdoor.write(self.native(store, vault, secret), text)
        self.backdoor.settle()

    def since(self, count: int) -> list[Request]:
        """Return what has arrived after the first *count* calls."""
        return list(self.arrived()[count:])

    def value_reads(self, store: Store, requests: Sequence[Request]) -> list[Request]:
        """Return those of *requests* that gave out values of secrets, and not only records of vaults."""
        naming = self.naming(store)
        records = {naming.native(Place(vault.name)) for vault in store.list_vaults()}
        return [request for request in requests if request.kind == "value" and set(request.names) - records]


def writes(requests: Sequence[Request]) -> list[Request]:
    """Return those of *requests* that changed the store."""
    return [request for request in requests if request.kind == "write"]
