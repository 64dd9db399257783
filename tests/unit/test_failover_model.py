"""Failover over any sequence of outages, rotations, writes, hours and reads: what is never served, and what must be."""

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from tailorsecrets.errors import Denied, SecretsError, Throttled, Unavailable
from tailorsecrets.runtime.events import Reading
from tests.support.several import ONE, TWO, Site

MAX_STALE = 3000
KINDS = st.sampled_from([Unavailable, Throttled, None, Denied])
SECONDS = st.sampled_from([0.5, 1, 2, 5, 30, 61, 299, 350, 700, 2999, 4000])


class FailoverMachine(RuleBasedStateMachine):
    """One secret at two targets, and a model of the first target's last answer."""

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

    @rule(seconds=SECONDS, max_age=st.sampled_from([0, None]))
    def read_later(self, seconds: float, max_age: float | None) -> None:
        """Let the clock move, and read."""
        self.site.pass_time(seconds)
        self.read(max_age)

    def read(self, max_age: float | None) -> None:
        """Read, and check what the answer may be."""
        calls, now, before = self.site[ONE].calls, self.site.clock(), self.word
        replica_calls = self.site[TWO].calls
        outcome: object
        reading: Reading | None
        try:
            reading = self.site.secrets.read("abc", "one", max_age=max_age)
        except SecretsError as error:
            reading, outcome = None, type(error)
        else:
            outcome = reading.value if reading else None
        if self.site[ONE].calls > calls and self.failing[ONE] in {None, Denied}:
            self.word = (Denied if self.failing[ONE] else self.values[ONE], now)
            if max_age == 0 and self.site[TWO].calls == replica_calls:
                assert outcome == self.word[0]  # it is asked alone, and its answer is final
        if reading is not None:
            word = before if reading.age else self.word  # an older value was answered before the call of this read
            if word is not None and now - word[1] < MAX_STALE:
                self.check_reading(reading.value, word[0], from_replica=reading.store == TWO, stale=reading.stale)
            if max_age == 0:
                assert reading.age == 0
        else:
            assert outcome in {Denied, Unavailable, Throttled}
        if outcome is Denied or outcome is None:
            assert self.word is not None
            assert self.word[0] is outcome  # never the replica's word

    def check_reading(self, value: str | None, word: object, *, from_replica: bool, stale: bool) -> None:
        """Check that a replica has not overruled the *word* of the first target, nor an old value a newer one."""
        if from_replica or stale or value is None:
            assert value == word

    @precondition(lambda self: self.failing[ONE])
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


FailoverMachine.TestCase.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
TestFailover = FailoverMachine.TestCase
