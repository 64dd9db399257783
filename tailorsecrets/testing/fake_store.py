"""A fake store for tests of applications: in memory, filled by the test, failing on demand."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Self

from tailorsecrets.declared.declarations import Declarations
from tailorsecrets.driver import Stored
from tailorsecrets.errors import Denied, SecretsError, Throttled, Unavailable, UndeclaredSecret
from tailorsecrets.runtime.cache import Cache
from tailorsecrets.runtime.connection import Connection, Opener
from tailorsecrets.runtime.failover import Failover
from tailorsecrets.runtime.manager import ManagerBase
from tailorsecrets.secret import Secret
from tailorsecrets.store.layers import Layer
from tailorsecrets.store.names import Naming, Place
from tailorsecrets.store.store import Store, workspace_of
from tailorsecrets.testing.clock import FakeClock
from tailorsecrets.testing.faults import Faults
from tailorsecrets.testing.memory import FULL, Memory

WORKSPACE: Final = "test"
_NAMING: Final = Naming(WORKSPACE, FULL.joiner, FULL.max_name)
_ALWAYS: Final = float("inf")


class FakeStore:
    """A store in memory for the managers that ``use`` takes; the fixture ``tailorsecrets_store`` is one.

    It has its own time: values age only when ``advance`` is called. Background work of a manager is done at once. A
    name that no manager in use declares raises UndeclaredSecret in every method.
    """

    def __init__(self) -> None:
        self.clock = FakeClock()
        self._before: list[tuple[ManagerBase, dict[str, Any]]] = []  # the managers in use, with their former state
        self._new_store()

    def use(self, *managers: ManagerBase) -> Self:
        """Let *managers* read this store until the end of the test, also after a ``connect``; return self.

        They keep the settings of the program and of the profile. Their caches start empty.
        """
        for manager in managers:
            if not any(manager is used for used, _ in self._before):
                self._before.append((manager, dict(vars(manager))))
                self._replace_parts(manager)
        return self

    def set_secrets(self, vaults: Mapping[str, Mapping[str, str | None]]) -> None:
        """Set the values of many secrets, like set_secret: ``{vault: {secret: value}}``."""
        for vault, secrets in vaults.items():
            for name, value in secrets.items():
                self.set_secret(vault, name, value)

    def set_secret(self, vault: str, name: str, value: str | None) -> None:
        """Set the value of a secret, None to remove it; the next read sees it."""
        self.rotate(vault, name, value)
        for manager in self._declaring(vault, name):
            manager.forget(vault, name)

    def rotate(self, vault: str, name: str, value: str | None) -> None:
        """Set the value like another process: a read sees it when the value in memory is no longer fresh."""
        native = self._native(vault, name)
        if value is None:
            self._memory.delete(native, purge=True)
        else:
            workspace_of(self._store).check_value(vault, name, Secret(value))
            self._memory.put(native, Secret(value))

    @property
    def calls(self) -> list[Place]:
        """The reads of the store, failed ones too, as pairs of vault and secret; without cache hits."""
        return [place for native in self._log.natives if (place := _NAMING.place(native, {}))]

    def reset(self) -> None:
        """Start over: an empty store, no faults, no calls, empty caches. The clock keeps its time."""
        self._new_store()
        for manager, _ in self._before:
            manager.connect()

    def advance(self, seconds: float) -> None:
        """Let *seconds* pass."""
        self.clock.sleep(seconds)

    # Faults: each lasts for *times* calls, or until heal; where two match one call, the first applies

    def denied(self, vault: str, name: str, *, times: float = _ALWAYS) -> None:
        """Let reads of this secret raise Denied."""
        self._faults.fail("", Denied, name=self._native(vault, name), times=times)

    def unavailable(self, *, times: float = _ALWAYS) -> None:
        """Let the store not answer: reads raise Unavailable, or get an old value up to the age ``max_stale``."""
        self._fail(Unavailable, times)

    def throttled(self, *, times: float = _ALWAYS) -> None:
        """Let the store throttle calls: reads raise Throttled, or get an old value as in an outage."""
        self._fail(Throttled, times)

    def slow(self, seconds: float, *, times: float = _ALWAYS) -> None:
        """Let each call take *seconds* on the clock of the test; no test waits, and no read times out."""
        self._faults.slow("", seconds, times=times)

    def heal(self) -> None:
        """End all faults; a failed read is repeated after a pause of 1 s or more, or by ``refresh``."""
        self._faults.heal()

    def restore(self) -> None:
        """Give the managers back their connection, cache, settings and clock."""
        while self._before:
            manager, before = self._before.pop()
            vars(manager).update(before)

    def _new_store(self) -> None:
        self._memory = Memory()
        self._faults = Faults(self._memory, sleep=self.clock.sleep)
        self._log = ReadLog(self._faults)
        self._store = Store(self._log, WORKSPACE, url="memory:")

    def _replace_parts(self, manager: ManagerBase) -> None:
        """Give *manager* a new connection and cache; its own ones stay as they are."""
        connection = ToMemory(manager.declarations, lambda: self._store)
        failover = Failover(connection, clock=self.clock, threads=lambda: _run_now)
        cache = Cache(failover.begin, clock=self.clock, run_hook=_run_now, jitter=_no_jitter)
        cache.on_event = manager._cache.on_event  # noqa: SLF001
        manager._cache = cache  # noqa: SLF001
        manager._connection, manager._failover = connection, failover  # noqa: SLF001
        manager.connect()

    def _native(self, vault: str, name: str) -> str:
        if not self._declaring(vault, name):
            hint = "" if self._before else "give the store your manager first: tailorsecrets_store.use(secrets)"
            raise UndeclaredSecret(f"no manager in use declares {vault}/{name}", hint=hint, vault=vault, secret=name)
        return _NAMING.native(Place(vault, name))

    def _declaring(self, vault: str, name: str) -> list[ManagerBase]:
        return [used for used, _ in self._before if name in used.declarations.names().get(vault, ())]

    def _fail(self, kind: type[SecretsError], times: float) -> None:
        self._faults.fail("", kind, times=times)


class ToMemory(Connection):
    """A connection to the store of *opener*, whatever target the program chooses."""

    def __init__(self, declarations: Declarations, opener: Opener) -> None:
        super().__init__(declarations)
        self._to = opener

    def set_target(self, *, store: str | Opener | None, workspace: str | None, profile: str | None) -> None:
        """Take the settings of *profile*, and keep the store."""
        del store
        super().set_target(store=self._to, workspace=workspace, profile=profile)


class ReadLog(Layer):
    """Records the native names that are read, once for a read of several versions."""

    def __init__(self, inner: Faults) -> None:
        super().__init__(inner)
        self.natives: list[str] = []

    def get(self, name: str, version: str = "") -> Stored:
        """Record and pass on."""
        self.natives += [] if version else [name]
        return super().get(name, version)

    def get_many(self, names: Sequence[str]) -> Mapping[str, Stored | Exception]:
        """Record and pass on."""
        self.natives += names
        return super().get_many(names)


def _run_now(work: Callable[[], None]) -> None:
    work()


def _no_jitter() -> float:
    return 0.0
