"""The cache against a model of its table, over any sequence of reads, writes, outages and hours."""

from dataclasses import dataclass
from functools import partial

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tailorsecrets.errors import Denied, SecretsError, Throttled, Unavailable
from tailorsecrets.runtime.answers import CacheKey
from tailorsecrets.runtime.cache import Cache, entry_or_raise
from tailorsecrets.runtime.fetch import fetch
from tailorsecrets.secret import Secret
from tailorsecrets.store.names import Place
from tailorsecrets.store.store import Store
from tailorsecrets.targets.cache_settings import CacheSettings
from tailorsecrets.testing import Memory
from tests.support.cached import begin_by

RULES = CacheSettings(ttl=300, grace=200, max_stale=1500, negative=5, size=50)
NAMES = ["one", "two"]
AGES = st.sampled_from([0, 0.5, 1, 3, 5, 8, 60, 299, 300, 450, 500, 1000, 1500, 4000])


@dataclass
class Line:
    """What the model knows of one name: the last good answer, and the failures since."""

    value: str | None = None
    read: float = float("-inf")  # when
    failures: int = 0
    retry: float = float("-inf")
    error: type[SecretsError] = Unavailable


class CacheMachine(RuleBasedStateMachine):
    """One cache over a memory store, and the table of the specification, implemented a second time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.memory = Memory()
        self.store = Store(self.memory)
        self.store.create_vault("abc")
        begin = begin_by(partial(fetch, self.store), lambda work: work(), lambda: self.now)
        self.cache = Cache(begin, clock=lambda: self.now, jitter=lambda: 0.0)
        self.cache.configure(RULES)
        self.there: dict[str, str] = {}
        self.denied: set[str] = set()
        self.outage: type[SecretsError] | None = None
        self.lines: dict[str, Line] = {}
        self.calls = 0
        self.memory.forget_calls()

    # Outside events

    @rule(seconds=AGES)
    def time_passes(self, seconds: float) -> None:
        """Let the clock move."""
        self.now += seconds

    @rule(name=st.sampled_from(NAMES), value=st.sampled_from(["", "v", "w"]))
    def another_process_writes(self, name: str, value: str) -> None:
        """Write behind the cache's back."""
        self.memory.backdoor.write(f"default/abc/{name}", value)
        self.there[name] = value

    @rule(name=st.sampled_from(NAMES))
    def another_process_deletes(self, name: str) -> None:
        """Delete behind the cache's back."""
        self.memory.backdoor.remove(f"default/abc/{name}")
        self.there.pop(name, None)
        self.denied.discard(name)

    @precondition(lambda self: not self.outage)
    @rule(name=st.sampled_from(NAMES), value=st.sampled_from(["x", "y"]))
    def this_process_writes(self, name: str, value: str) -> None:
        """Write through a Store of this process."""
        self.store._operations.put(_place(name), Secret(value))
        self.there[name] = value
        self.lines.pop(name, None)
        self.memory.forget_calls()
        self.calls = 0

    @precondition(lambda self: self.there)
    @rule(name=st.sampled_from(NAMES))
    def reads_are_denied(self, name: str) -> None:
        """Forbid reads of one name, for good."""
        if name in self.there:
            self.memory.backdoor.deny(f"default/abc/{name}")
            self.denied.add(name)

    @rule(kind=st.sampled_from([Unavailable, Throttled, None]))
    def the_store_goes_or_comes_back(self, kind: type[SecretsError] | None) -> None:
        """Begin or end an outage."""
        self.memory.server.trouble.outage = self.outage = kind

    # Actions of a program

    @rule(name=st.sampled_from(NAMES), max_age=st.none() | AGES)
    def read(self, name: str, max_age: float | None) -> None:
        """Read, and compare with the table."""
        expected = self.expected(name, max_age)
        assert _outcome(self.cache, name, max_age) == expected

    @rule(name=st.sampled_from(NAMES))
    def refresh(self, name: str) -> None:
        """Read again, also in a pause."""
        if name in self.lines:
            self.lines[name].retry = float("-inf")
        self.cache.try_again([CacheKey("abc", name)])
        self.read(name, 0)

    @rule(name=st.sampled_from(NAMES))
    def forget(self, name: str) -> None:
        """Drop one name."""
        self.cache.forget("abc", name)
        self.lines.pop(name, None)

    @invariant()
    def calls_and_flights_agree(self) -> None:
        """Check that the store was called as often as the table says, and that no call is left."""
        assert self.memory.calls["get"] == self.calls
        assert self.cache.info().flights == 0

    # The table

    def expected(self, name: str, max_age: float | None) -> object:
        """Return what a read must give, and do in the model what it must do in the cache."""
        line = self.lines.get(name, Line())
        age = self.now - line.read
        if max_age is None or age < max_age:
            if line.value is None and age < RULES.negative:
                return None
            if line.value is not None and age < RULES.ttl + RULES.grace:
                if age >= RULES.ttl and self.now >= line.retry:
                    self.call(name)
                return line.value
        young = max_age is None or age < max_age
        if line.failures and line.value is not None and age < RULES.max_stale and young:
            if self.now >= line.retry:
                self.call(name)  # in the background, whatever comes of it
            return line.value
        error = line.error if self.now < line.retry else self.call(name)
        if error is None:
            return self.lines[name].value
        if error is not Denied and line.value is not None and age < RULES.max_stale and young:
            return line.value
        return error

    def call(self, name: str) -> type[SecretsError] | None:
        """Call the store; return what it raises."""
        self.calls += 1
        old = self.lines.pop(name, Line())
        if self.outage:
            pause = min(60, 2**old.failures)
            self.lines[name] = Line(old.value, old.read, old.failures + 1, self.now + pause, self.outage)
            return self.outage
        if name in self.denied:
            return Denied
        self.lines[name] = Line(self.there.get(name), self.now)
        return None


def _place(name: str) -> Place:
    return Place("abc", name)


def _outcome(cache: Cache, name: str, max_age: float | None) -> object:
    try:
        return entry_or_raise(cache.read([CacheKey("abc", name)], max_age)[0]).value
    except SecretsError as error:
        return type(error)


CacheMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestCache = CacheMachine.TestCase
