"""A manager under a profile with several targets, each of which is a store in memory that fails on demand."""

from collections.abc import Callable
from pathlib import Path

from tailorsecrets.declared.declarations import Declarations
from tailorsecrets.runtime.events import CacheEvent
from tailorsecrets.runtime.failover import Failover, Ring, own_threads
from tailorsecrets.runtime.manager import SecretManager
from tailorsecrets.store.store import Store
from tailorsecrets.targets.choice import Choice
from tailorsecrets.targets.routes import Routes
from tailorsecrets.testing import Memory
from tailorsecrets.testing.clock import FakeClock
from tailorsecrets.testing.faults import Faults
from tests.support.gate import Gate

ONE, TWO, THREE = "file:one", "file:two", "file:three"
PROFILE = """
[profiles.prod]
store = ["file:one", "file:two"]
[profiles.prod.vaults]
alone = "file:one"
thrice = ["file:one", "file:two", "file:three"]
[profiles.prod.cache]
max_stale = 3000
"""
VAULTS = ("abc", "alone", "thrice")


class Target:
    """One store in memory: behind it faults, and a gate that lets its calls hang."""

    def __init__(self, clock: FakeClock) -> None:
        self.memory = Memory()
        self.faults = Faults(self.memory, sleep=clock.sleep)
        self.gate = Gate(self.faults)
        self.opened = 0

    def put(self, value: str | None, vault: str = "abc", name: str = "one") -> None:
        """Write behind the back of the cache; None removes."""
        native = f"default/{vault}/{name}"
        if value is None:
            self.memory.backdoor.remove(native)
        else:
            self.memory.backdoor.write(native, value)

    @property
    def calls(self) -> int:
        """The number of calls since ``forget``, failed ones too."""
        return len(self.faults.calls)

    def forget(self) -> None:
        """Set the number of calls to zero."""
        self.faults.calls.clear()


class Site:
    """The manager ``secrets``, its ``targets`` by URL, a ``clock`` and a timer that the test moves.

    With *threads* the targets have real threads, else a call is done before a read of it waits.
    """

    def __init__(
        self, folder: Path, *, names: tuple[str, ...] = ("one", "two"), threads: bool = False, profile: str = PROFILE
    ) -> None:
        (folder / "tailorsecrets.toml").write_text(profile)
        self.clock = FakeClock()
        self.targets = {url: Target(self.clock) for url in (ONE, TWO, THREE)}
        self.events: list[CacheEvent] = []
        self.ring: Ring = lambda: None
        declared = Declarations({}, {vault: frozenset(names) for vault in VAULTS}, folder=folder)
        self.secrets = SecretManager(declared, clock=self.clock)
        connection = self.secrets._connection
        connection._open = self._open  # type: ignore[method-assign]
        run = own_threads if threads else lambda: run_now
        failover = Failover(connection, clock=self.clock, threads=run, timer=self._set_timer)
        cache = self.secrets._cache
        self.secrets._failover, cache._begin = failover, failover.begin
        cache._run_hook, cache._jitter = run_now, lambda: 0.0
        self.secrets.connect(profile="prod").configure(on_event=self.events.append)

    def __getitem__(self, url: str) -> Target:
        return self.targets[url]

    def put(self, value: str | None, vault: str = "abc", name: str = "one") -> None:
        """Write the same value to all targets."""
        for target in self.targets.values():
            target.put(value, vault, name)

    def pass_time(self, seconds: float) -> None:
        """Move the clock, and let the timer ring."""
        self.clock.sleep(seconds)
        self.ring()

    def seen(self) -> list[tuple[str, str]]:
        """Return the kind and the store of each event so far, and forget them."""
        seen: list[tuple[str, str]] = [(event.kind, event.store) for event in self.events]
        self.events.clear()
        return seen

    def _open(self, choice: Choice, of: Routes) -> Store:
        target = self.targets[choice.url]
        target.opened += 1
        return Store(target.gate, choice.workspace, url=choice.url, external=of.external_at(choice))

    def _set_timer(self, ring: Ring) -> None:
        self.ring = ring
        ring()


def run_now(work: Callable[[], None]) -> None:
    """Do *work* at once."""
    work()
