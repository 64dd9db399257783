"""Failover over any sequence of outages, rotations, writes, hours and reads: what is never served, and what must be."""

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from tailorsecrets.errors import Denied, SecretsError, Throttled, Unavailable
from tests.support.several import ONE, TWO, Site

MAX_STALE = 3000
KINDS = st.sampled_from([None, None, Unavailable, Throttled, Denied])
SECONDS = st.sampled_from([0.5, 1, 2, 5, 30, 61, 299, 350, 700, 2999, 4000])


class FailoverMachine(RuleBasedStateMachine):
    """One secret at two targets, and beside it what the first target said last, by what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.site = Site(Path(self.folder.name))
        self.values: dict[str, str | None] = {ONE: "a", TWO: "a"}
        self.failing: dict[str, type[SecretsError] | None] = {ONE: None, TWO: None}
        self.word: tuple[object, float] | None = None  # what the first target said, and when
        self.site.put("a")
        self.site.secrets.configure(on_event=None)

    def teardown(self) -> None:
        """Remove the profile."""
        self.folder.cleanup()

    @rule(seconds=SECONDS)
    def time_passes(self, seconds: float) -> None:
        """Let the clock move."""
        self.site.pass_time(seconds)

    @rule(url=st.sampled_from([ONE, TWO]), kind=KINDS)
    def an_outage_begins_or_ends(self, url: str, kind: type[SecretsError] | None) -> None:
        """Let one target fail in some way, or heal it."""
        self.failing[url] = kind
        self.site[url].faults.heal()
        if kind:
            self.site[url].faults.fail("", kind)

    @rule(url=st.sampled_from([ONE, TWO]), value=st.sampled_from(["a", "b", None]))
    def another_process_writes(self, url: str, value: str | None) -> None:
        """Write to one target, or remove the secret there."""
        self.site[url].put(value)
        self.values[url] = value

    @rule(max_age=st.sampled_from([None, None, 0]))
    def read(self, max_age: float | None) -> None:
        """Read, and check what the answer may be."""
        calls, now = self.site[ONE].calls, self.site.clock()
        replica_calls, closed = self.site[TWO].calls, not self.site.secrets._failover._targets
        outcome: object
        try:
            reading = self.site.secrets.read("abc", "one", max_age=max_age)
        except SecretsError as error:
            reading, outcome = None, type(error)
        else:
            outcome = reading.value
        if self.site[ONE].calls > calls and self.failing[ONE] in {None, Denied}:
            self.word = (Denied if self.failing[ONE] else self.values[ONE], now)
            if not closed and max_age == 0 and self.site[TWO].calls == replica_calls:
                assert outcome == self.word[0]  # it is asked alone, and its answer is final
        if reading is not None:
            self.check_reading(reading.value, reading.store, now, stale=reading.stale)
            if max_age == 0:
                assert reading.age == 0
        else:
            assert outcome in {Denied, Unavailable, Throttled}
        if outcome is Denied:
            assert self.word is not None
            assert self.word[0] is Denied  # never the replica's word

    def check_reading(self, value: str | None, store: str, now: float, *, stale: bool) -> None:
        """Check that a replica has not overruled the first target, and that a missing secret is the latter's word."""
        word = self.word if self.word is not None and now - self.word[1] < MAX_STALE else None
        if value is None:
            assert word is not None
            assert word[0] is None
        elif store == TWO and word is not None:
            assert value == word[0]
        elif store == ONE and stale:
            assert word is not None
            assert value == word[0]

    @rule()
    def the_first_target_returns(self) -> None:
        """Heal it: within a minute its value is read, and the replica is left alone."""
        self.an_outage_begins_or_ends(ONE, None)
        self.site.pass_time(60)
        self.read(0)
        before = self.site[TWO].calls
        self.read(0)
        assert self.site[TWO].calls == before
        assert self.word == (self.values[ONE], self.site.clock())


FailoverMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestFailover = FailoverMachine.TestCase
