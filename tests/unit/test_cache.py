"""The cache, step by step: each test says when a call runs and when the clock moves."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import pytest

from tailorsecrets.errors import (
    ConfigError,
    Corrupt,
    Denied,
    Disabled,
    SecretsError,
    Throttled,
    Unauthenticated,
    Unavailable,
)
from tailorsecrets.runtime import cache
from tailorsecrets.runtime.answers import CacheKey
from tailorsecrets.runtime.cache import Cache, ReadRequest, entry_or_raise
from tailorsecrets.runtime.events import CacheEvent
from tailorsecrets.runtime.freshness import CacheEntry
from tailorsecrets.runtime.singleflight import Flight
from tailorsecrets.store.names import Place
from tailorsecrets.targets.cache_settings import CacheSettings
from tests.support.cached import Fetch, begin_by

ONE, TWO = CacheKey("abc", "one"), CacheKey("abc", "two")
PASSING = [Unavailable, Throttled]
FINAL = [Denied, Disabled, Unauthenticated, Corrupt]


class Bench:
    """A cache with a stopped clock, a store in a dict, and flights that wait for ``fly``."""

    def __init__(self, **settings: float) -> None:
        self.now = 1000.0
        self.values: dict[CacheKey, str] = {ONE: "1", TWO: "2"}
        self.error: type[SecretsError] | None = None
        self.calls: list[list[CacheKey]] = []
        self.waiting: list[Callable[[], None]] = []
        self.events: list[CacheEvent] = []
        wait = self.waiting.append
        self.fetched: Fetch = self.fetch
        begin = begin_by(self._fetch, wait, lambda: self.now)
        self.cache = Cache(begin, clock=lambda: self.now, run_hook=wait, jitter=lambda: 0.0)
        self.cache.configure(CacheSettings(**settings))  # type: ignore[arg-type]
        self.cache.on_event = self.events.append

    def _fetch(self, keys: Sequence[CacheKey]) -> Mapping[CacheKey, CacheEntry | SecretsError]:
        return self.fetched(keys)

    def fetch(self, keys: Sequence[CacheKey]) -> Mapping[CacheKey, CacheEntry | SecretsError]:
        """Return the value from the dict, or the error."""
        self.calls.append(list(keys))
        error = self.error
        return {key: error() if error else self.stored(key) for key in keys}

    def stored(self, key: CacheKey) -> CacheEntry:
        """Return what the store has."""
        value = self.values.get(key)
        return CacheEntry() if value is None else CacheEntry(value, f"version of {value}", missing=False)

    def fly(self) -> None:
        """Do all the work that waits."""
        while self.waiting:
            self.waiting.pop(0)()

    def ask(self, *keys: CacheKey, max_age: float | None = None) -> "Reader":
        """Let a reader ask; it does not wait for flights by itself."""
        return Reader(self.cache, keys or (ONE,), max_age)

    def get(self, key: CacheKey = ONE, max_age: float | None = None) -> str | None:
        """Let a reader ask, and end all flights that it waits for."""
        reader = self.ask(key, max_age=max_age)
        while not reader.done:
            self.fly()
            reader.go_on()
        return reader.value


class Reader:
    """A reader that a test moves from flight to flight."""

    def __init__(self, cache: Cache, keys: Sequence[CacheKey], max_age: float | None) -> None:
        self.asking = ReadRequest(cache, keys, max_age, no_timeout=True)
        self._flights = iter(self.asking)
        self.flight: Flight | None = None
        self.done = False
        self.go_on()

    def go_on(self) -> None:
        """Take what has landed, and find the next flight to wait for."""
        self.flight = next(self._flights, None)
        self.done = self.flight is None

    @property
    def value(self) -> str | None:
        """The answer; raises it where it is an error."""
        return entry_or_raise(self.asking.answers()[0]).value


def test_a_fresh_value_is_answered_without_a_call() -> None:
    """Within the ttl one call serves every read."""
    bench = Bench()
    assert [bench.get() for _ in range(3)] == ["1", "1", "1"]
    bench.now += 299
    assert bench.get() == "1"
    assert bench.calls == [[ONE]]


def test_grace_answers_at_once_and_refreshes_once() -> None:
    """In the grace every read is answered at once, and the first one starts the only refresh."""
    bench = Bench()
    bench.get()
    bench.values[ONE] = "new"
    bench.now += 300
    readers = [bench.ask() for _ in range(8)]
    assert [(reader.done, reader.value) for reader in readers] == [(True, "1")] * 8
    assert len(bench.waiting) == 1
    bench.fly()
    assert bench.ask().value == "new"
    assert bench.calls == [[ONE], [ONE]]


def test_an_old_value_is_waited_for() -> None:
    """After ttl and grace a read waits for the store, and all who read meanwhile wait for the same flight."""
    bench = Bench()
    bench.get()
    bench.values[ONE] = "new"
    bench.now += 600
    readers = [bench.ask() for _ in range(8)]
    assert len({reader.flight for reader in readers}) == 1
    bench.fly()
    for reader in readers:
        reader.go_on()
    assert [reader.value for reader in readers] == ["new"] * 8
    assert len(bench.calls) == 2


def test_a_missing_secret_is_missing_for_a_while() -> None:
    """None is cached for ``negative`` seconds, and never returned after that, even in an outage."""
    bench = Bench()
    del bench.values[ONE]
    assert [bench.get(), bench.get()] == [None, None]
    bench.now += 4.9
    assert bench.get() is None
    assert len(bench.calls) == 1
    bench.now += 0.1
    bench.error = Unavailable
    with pytest.raises(Unavailable):
        bench.get()


def test_a_deleted_secret_reads_as_missing_after_the_refresh() -> None:
    """A secret that a refresh finds missing is missing, whatever value was cached."""
    bench = Bench()
    bench.get()
    del bench.values[ONE]
    bench.now += 300
    assert bench.get() == "1"
    bench.fly()
    assert bench.get() is None


@pytest.mark.parametrize("kind", PASSING)
def test_an_outage_is_bridged_until_max_stale(kind: type[SecretsError]) -> None:
    """While the store does not answer, the last value is served below max_stale, then the error is raised."""
    bench = Bench()
    bench.get()
    bench.error = kind
    for age in range(600, 3600, 100):
        bench.now = 1000.0 + age
        assert bench.get() == "1"
    bench.now = 1000.0 + 3600
    with pytest.raises(kind):
        bench.get()
    bench.error = None
    bench.now += 60
    assert bench.get() == "1"


def test_max_stale_0_bridges_nothing() -> None:
    """With max_stale 0 a value past its grace is never served."""
    bench = Bench(max_stale=0)
    bench.get()
    bench.error = Unavailable
    bench.now += 599
    assert bench.get() == "1"
    bench.now += 1
    with pytest.raises(Unavailable):
        bench.get()


@pytest.mark.parametrize("cold", [True, False])
def test_calls_to_a_dead_store_back_off(cold: bool) -> None:
    """Reads every tenth of a second call a dead store after 1, 2, 4 … 60 s, with and without a last value."""
    bench = Bench(max_stale=10_000)
    if not cold:
        bench.get()
        bench.now += 600
    bench.error = Unavailable
    attempts, start = list[float](), bench.now
    for tenth in range(2000):
        bench.now = start + tenth / 10
        before = len(bench.calls)
        bench.ask()
        bench.fly()
        if len(bench.calls) > before:
            attempts.append(tenth / 10)
    assert attempts == [0, 1, 3, 7, 15, 31, 63, 123, 183]


def test_a_pause_answers_at_once() -> None:
    """Between two attempts nobody waits: the last value, or the error, comes at once."""
    bench = Bench()
    bench.error = Unavailable
    with pytest.raises(Unavailable):
        bench.get()
    reader = bench.ask()
    assert reader.done
    with pytest.raises(Unavailable):
        _ = reader.value


def test_recovery_ends_the_pauses() -> None:
    """A success makes the next failure the first one again."""
    bench = Bench()
    for error in (Unavailable, Unavailable, None):
        bench.error = error
        reader = bench.ask()
        bench.fly()
        reader.go_on()
        bench.now += 60
    bench.now += 600
    bench.error = Unavailable
    assert bench.get() == "1"
    assert bench.cache.entries[ONE].retry_at == bench.now + 1


@pytest.mark.parametrize("kind", FINAL)
def test_a_final_error_drops_the_value_and_reaches_every_waiter(kind: type[SecretsError]) -> None:
    """Denied, disabled, unauthenticated and corrupt drop the value at once, and each waiter gets the error."""
    bench = Bench()
    bench.get()
    bench.error = kind
    bench.now += 600
    readers = [bench.ask(), bench.ask()]
    bench.fly()
    errors = list[SecretsError]()
    for reader in readers:
        reader.go_on()
        with pytest.raises(kind) as caught:
            _ = reader.value
        errors.append(caught.value)
    assert errors[0] is not errors[1]
    assert ONE not in bench.cache.entries


@pytest.mark.parametrize("kind", FINAL)
def test_a_background_refresh_that_is_denied_drops_the_value(kind: type[SecretsError]) -> None:
    """After a refresh was refused the value is gone: the next read asks the store and raises."""
    bench = Bench()
    bench.get()
    bench.error = kind
    bench.now += 300
    assert bench.get() == "1"
    bench.fly()
    with pytest.raises(kind):
        bench.get()


def test_a_value_that_is_past_its_grace_is_waited_for_once() -> None:
    """The first read after the grace waits; when that fails, no later one waits, and each pause has one attempt."""
    bench = Bench()
    bench.get()
    bench.error = Unavailable
    bench.now += 600
    first = bench.ask()
    assert not first.done
    bench.fly()
    first.go_on()
    assert first.value == "1"
    for seconds, attempts in [(0.5, 0), (0.5, 1), (0.0, 1), (1.0, 0), (1.0, 1)]:
        bench.now += seconds
        reader = bench.ask()
        assert (reader.done, reader.value) == (True, "1")
        assert entry_or_raise(reader.asking.answers()[0]).stale
        assert len([work for work in bench.waiting if not isinstance(work, partial)]) == attempts  # without hooks
        if seconds == 0.0 or not attempts:
            bench.fly()
    bench.error = None
    bench.values[ONE] = "new"
    bench.fly()
    bench.now += 60
    bench.ask()
    bench.fly()
    assert bench.ask().value == "new"


def test_a_reader_that_wants_a_newer_value_waits_also_in_an_outage() -> None:
    """The last value answers only readers that accept its age; the others wait for the next attempt."""
    bench = Bench()
    bench.get()
    bench.error = Unavailable
    bench.now += 600
    bench.get()
    bench.now += 1
    assert bench.ask(max_age=601.5).value == "1"
    assert not bench.ask(max_age=600).done
    bench.fly()


def test_a_flight_that_outlasts_a_reader_blocks_no_other() -> None:
    """After one reader has timed out on a call, the next ones get the last value at once, while the call goes on."""
    bench = Bench(timeout=0.01)
    bench.get()
    bench.now += 600
    assert entry_or_raise(bench.cache.read([ONE])[0]).stale
    reader = bench.ask()
    assert (reader.done, reader.value) == (True, "1")
    bench.fly()
    assert not entry_or_raise(bench.ask().asking.answers()[0]).stale


def test_the_first_attempt_that_is_denied_ends_an_outage() -> None:
    """When a store comes back and denies, the value is dropped with that answer."""
    bench = Bench()
    bench.get()
    bench.now += 600
    bench.error = Unavailable
    assert bench.get() == "1"
    bench.now += 1
    bench.error = Denied
    assert bench.ask().value == "1"
    bench.fly()
    with pytest.raises(Denied):
        bench.get()


def test_max_age_0_asks_the_store() -> None:
    """With max_age=0 a value that another process wrote is seen at once, and by everybody from then on."""
    bench = Bench()
    bench.get()
    bench.values[ONE] = "new"
    assert bench.get() == "1"
    assert bench.get(max_age=0) == "new"
    assert bench.get() == "new"


def test_max_age_takes_what_is_young_enough() -> None:
    """A value younger than max_age is answered, an older one is asked for; a large one changes nothing."""
    bench = Bench()
    bench.get()
    bench.values[ONE] = "new"
    bench.now += 10
    assert bench.get(max_age=11) == "1"
    assert bench.get(max_age=1e9) == "1"
    assert bench.get(max_age=10) == "new"


def test_max_age_does_not_take_the_value_of_an_earlier_flight() -> None:
    """A flight that started before the question does not answer max_age=0, and two never run at once."""
    bench = Bench()
    early = bench.ask()
    flight = early.flight
    assert flight is not None
    bench.now += 1
    late = [bench.ask(max_age=0) for _ in range(3)]
    assert {reader.flight for reader in late} == {flight}
    bench.now -= 1
    bench.fly()
    bench.now += 1
    bench.values[ONE] = "new"
    for reader in late:
        reader.go_on()
    assert len(bench.waiting) == 1
    bench.fly()
    for reader in [early, *late]:
        reader.go_on()
    assert [early.value, *(reader.value for reader in late)] == ["1", "new", "new", "new"]


def test_max_age_is_not_answered_by_an_outage() -> None:
    """A reader that wants a new value gets the error, not the last value."""
    bench = Bench()
    bench.get()
    bench.error = Unavailable
    with pytest.raises(Unavailable):
        bench.get(max_age=0)
    assert bench.get() == "1"


@pytest.mark.parametrize("wrong", [-1, float("nan")])
def test_max_age_is_checked(wrong: float) -> None:
    """A max_age that is not a number from 0 is refused."""
    with pytest.raises(ConfigError, match="max_age"):
        Bench().ask(max_age=wrong)


def test_a_flight_from_before_a_write_does_not_land() -> None:
    """A value read before a write in this process is not cached after it, and later readers get the new one."""
    bench = Bench()
    early = bench.ask()
    run_call = bench.waiting.pop()
    bench.cache.wrote(Place("abc", "one"))
    late = bench.ask()
    assert late.flight is not early.flight
    run_call()
    assert ONE not in bench.cache.entries
    bench.values[ONE] = "new"
    bench.fly()
    for reader in (early, late):
        reader.go_on()
    assert [early.value, late.value, bench.get()] == ["1", "new", "new"]


def test_a_write_is_forgotten_in_its_place_alone() -> None:
    """A write drops all entries of its name and no others; a write of unknown names drops all entries."""
    bench = Bench()
    recent = CacheKey("abc", "one", 2)
    bench.values[recent] = "1"
    for key in (ONE, TWO, recent):
        bench.get(key)
    bench.cache.wrote(Place("abc"))
    assert set(bench.cache.entries) == {ONE, TWO, recent}
    bench.cache.wrote(Place("abc", "one"))
    assert set(bench.cache.entries) == {TWO}
    bench.cache.wrote(None)
    assert not bench.cache.entries


def test_many_names_are_one_call() -> None:
    """Only what is not fresh is fetched, in one call, and duplicates have one answer."""
    bench = Bench()
    bench.get(TWO)
    three = CacheKey("abc", "three")
    reader = bench.ask(three, TWO, ONE, three)
    bench.fly()
    reader.go_on()
    reader.go_on()
    assert [entry_or_raise(answer).value for answer in reader.asking.answers()] == [None, "2", "1", None]
    assert bench.calls == [[TWO], [three, ONE]]


def test_size_bounds_what_is_held() -> None:
    """At most ``size`` names are cached; the one read longest ago is dropped first."""
    bench = Bench(size=2)
    for number in range(5):
        bench.get(CacheKey("abc", f"name-{number}"))
    assert list(bench.cache.entries) == [("abc", "name-3", 1), ("abc", "name-4", 1)]
    bench.get(CacheKey("abc", "name-3"), max_age=0)
    bench.cache.configure(CacheSettings(size=1))
    assert list(bench.cache.entries) == [("abc", "name-3", 1)]


def test_settings_apply_to_what_is_held() -> None:
    """A shorter ttl ends values that were read before it was set."""
    bench = Bench()
    bench.get()
    bench.now += 100
    bench.cache.configure(CacheSettings(ttl=50, grace=0))
    bench.values[ONE] = "new"
    assert bench.get() == "new"


def test_trying_again_ends_a_pause() -> None:
    """A forced attempt calls a store that has failed before its pause is over."""
    bench = Bench()
    bench.error = Unavailable
    with pytest.raises(Unavailable):
        bench.get()
    bench.error = None
    bench.cache.try_again([ONE, TWO])
    assert bench.get() == "1"


def test_whatever_a_flight_ends_with_reaches_the_reader() -> None:
    """An unexpected exception is raised to the readers that wait, and the next read calls again."""
    bench = Bench()

    def broken(keys: Sequence[CacheKey]) -> Mapping[CacheKey, CacheEntry | SecretsError]:
        raise ZeroDivisionError

    bench.fetched = broken
    with pytest.raises(ZeroDivisionError):
        bench.get()
    bench.fetched = lambda _: {}
    with pytest.raises(KeyError):
        bench.get()
    bench.fetched = bench.fetch
    assert bench.get() == "1"
    assert [event.error for event in bench.events] == ["ZeroDivisionError", "KeyError", ""]


def test_events_and_counts() -> None:
    """Each call and each stale answer is one event and is counted; hits are not."""
    bench = Bench()
    bench.get()
    bench.get()
    bench.get(CacheKey("abc", "none"))
    bench.error = Throttled
    bench.now += 600
    bench.get()
    assert [event.kind for event in bench.events] == ["read", "missing", "failed"]
    bench.fly()  # the reader of the stale value has it, and nobody who called the hook
    seen = [(event.kind, event.secret, event.version, event.error, event.age) for event in bench.events]
    assert seen == [
        ("read", "one", "version of 1", "", 0),
        ("missing", "none", "", "", 0),
        ("failed", "one", "", "THROTTLED", 0),
        ("stale", "one", "version of 1", "", 600),
    ]
    info = bench.cache.info()
    assert (info.names, info.flights, info.read, info.failed, info.stale) == (2, 0, 2, 1, 1)


def test_a_hook_that_fails_is_logged_and_hurts_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """An exception of on_event is logged, and the reader does not get it."""
    bench = Bench()

    def hook(event: CacheEvent) -> None:
        raise ZeroDivisionError

    bench.cache.on_event = hook
    assert bench.get() == "1"
    assert "on_event failed" in caplog.text


def test_a_hook_that_is_too_slow_misses_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only so many events wait for the hook; those that come then are dropped and counted."""
    monkeypatch.setattr(cache, "LONGEST_QUEUE", 3)
    bench = Bench()
    bench.get()
    bench.error = Unavailable
    bench.now += 600
    bench.get()
    bench.events.clear()
    for _ in range(5):
        assert bench.ask().value == "1"
    assert bench.cache.info().dropped == 3
    bench.fly()
    assert [event.kind for event in bench.events] == ["stale"] * 3
    assert bench.ask().value == "1"
    bench.fly()
    assert (len(bench.events), bench.cache.info().dropped) == (4, 3)
