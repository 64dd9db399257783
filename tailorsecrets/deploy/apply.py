"""Carrying out a plan: the only place that writes in bulk."""

import signal
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from threading import current_thread, main_thread
from typing import Final

from tailorsecrets.declared.sources import Generate
from tailorsecrets.deploy.joint import JointPlan
from tailorsecrets.deploy.plan import Carried, Owned, Plan, Restored, Rotation, Step
from tailorsecrets.driver import Entry, Stored
from tailorsecrets.errors import Conflict, Corrupt, Denied, NotFound, SecretsError
from tailorsecrets.secret import Secret
from tailorsecrets.store.failures import STORE_ERRORS
from tailorsecrets.store.names import Place
from tailorsecrets.store.operations import ReadResult
from tailorsecrets.store.parallel import at_once, attempt, parallel
from tailorsecrets.store.record import Record, new_record
from tailorsecrets.store.store import Store, workspace_of
from tailorsecrets.store.versions import is_version

Watch = Callable[[Step, Entry | None], None]

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_UNTRIED: Final = SecretsError("not tried")


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of a plan: the steps done, those that failed with their errors, and those not tried."""

    done: tuple[Step, ...] = ()
    failed: tuple[tuple[Step, SecretsError], ...] = ()
    left: tuple[Step, ...] = ()
    signal: int = 0  # the number of the signal that stopped the run; 0: none did
    notes: tuple[tuple[Step, str], ...] = ()  # on steps that are done, such as a stamp that could not be written

    @property
    def interrupted(self) -> bool:
        """Tell whether Ctrl-C or SIGTERM stopped the run."""
        return bool(self.signal)

    @property
    def complete(self) -> bool:
        """Tell whether every step is done."""
        return not (self.failed or self.left)

    @property
    def unknown(self) -> tuple[Step, ...]:
        """The failed steps that may have been done: the answer was lost, and the store could not be read again."""
        return tuple(step for step, error in self.failed if error.outcome == "unknown")


def apply(
    plan: Plan,
    store: Store,
    watch: Watch = lambda _step, _entry: None,
    *,
    progress: Callable[[], None] = lambda: None,
    prompted: bool = False,
) -> Report:
    """Do the steps of *plan* on *store* and report; a step that fails stops only those that build on it.

    *watch* is called with each step as it is done and the entry that it wrote, None for a deletion, from any thread; in
    a store with transactions, after all of them. An error that it raises stops the run. *progress* is called for each
    step as it is made, also in a transaction that is still open. *prompted*: somebody was asked since the plan was
    made, so the owners of its vaults are read again before the first write. Ctrl-C and SIGTERM let running writes
    finish and start no other; ``Report.signal`` shows it. In a store with transactions all is one write, done or not.
    """
    run = _Run(plan, store, watch, _generated, progress, prompted=prompted)
    with _on_signal(run.interrupt):
        run.do(plan.steps)
    return run.report()


def apply_joint(
    joint: JointPlan,
    stores: Sequence[Store],
    watch: Callable[[int, Step, Entry | None], None] = lambda _target, _step, _entry: None,
    *,
    progress: Callable[[int], None] = lambda _target: None,
    prompted: bool = False,
) -> dict[int, Report]:
    """Do the steps of all plans of *joint* on *stores* at the same time, and return the report of each target.

    A failure at one target stops no other. A value that another target gets in the same run is written there first.
    *watch* and *progress* get the number of the target too; the rest is as in ``apply``.
    """
    carrier = _Carrier(joint, stores)
    runs = {
        number: _Run(
            plan,
            stores[number],
            partial(watch, number),
            carrier.value,
            partial(progress, number),
            prompted=prompted,
        )
        for number, plan in _with_keys(joint).items()
    }
    carrier.runs = runs
    first = {number: [step for step in run.plan.steps if not joint.waits(number, step)] for number, run in runs.items()}
    second = {number: [step for step in run.plan.steps if joint.waits(number, step)] for number, run in runs.items()}

    def interrupt(number: int) -> None:
        for run in runs.values():
            run.interrupt(number)

    with _on_signal(interrupt):
        carrier.do(first)
        carrier.do({number: [s for s in steps if carrier.may_follow(number, s)] for number, steps in second.items()})
    return {number: run.report() for number, run in runs.items()}


def _with_keys(joint: JointPlan) -> dict[int, Plan]:
    """Return the plans of *joint* with one new stamp key for each new vault that has several targets."""
    records = {number: dict(plan.records) for number, plan in joint.plans.items()}
    for group in joint.layout.groups:
        new = [number for number in group.route if number in records and records[number].get(group.vault) is None]
        if len(group.route) > 1 and new:
            key = new_record({}).key
            for number in new:
                records[number][group.vault] = Record(key=key)
    return {number: replace(plan, records=records[number]) for number, plan in joint.plans.items()}


class _Run:
    """One run of a plan; threads add the outcome of each step. *value* returns the value of a step, and its stamp."""

    def __init__(
        self,
        plan: Plan,
        store: Store,
        watch: Watch,
        value: Callable[[Step], tuple[Secret, str]],
        progress: Callable[[], None],
        *,
        prompted: bool,
    ) -> None:
        self.plan, self._store, self._watch, self._value, self._prompted = plan, store, watch, value, prompted
        self._progress = progress
        self._workspace = workspace_of(store)
        self._records = dict(plan.records)
        self.written: dict[Place, Secret] = {}  # values that the config does not have
        self._outcome: dict[Place, SecretsError | None] = {}  # None: done
        self._notes: dict[Place, str] = {}
        self._blocked: set[str] = set()  # vaults where a step failed that others build on
        self._unshown: list[tuple[Step, Entry | None]] | None = None  # steps of an open transaction; None: none is open
        self.signal, self.stopped = 0, False

    def interrupt(self, number: int) -> None:
        """Start no further step, because of the signal *number*."""
        self.signal, self.stopped = number, True

    def report(self) -> Report:
        """Return the outcome of every step."""
        return Report(
            done=tuple(step for step in self.plan.steps if self._outcome.get(step.place, _UNTRIED) is None),
            failed=tuple((step, error) for step in self.plan.steps if (error := self._outcome.get(step.place))),
            left=tuple(step for step in self.plan.steps if step.place not in self._outcome),
            signal=self.signal,
            notes=tuple((step, note) for step in self.plan.steps if (note := self._notes.get(step.place))),
        )

    def do(self, steps: Sequence[Step]) -> None:
        """Do *steps*, as one write where the store can."""
        if not self._store.caps.transactions:
            self._check_owners()
            for phase in _phases(steps):
                parallel(self._store.caps, self._try, phase)
                self._read_back(phase)
            return
        self._unshown = []
        before = dict(self._outcome)
        try:
            self._in_one_write(steps)
        except _StoppedError:
            self._outcome = before | {place: error for place, error in self._outcome.items() if error}
        except SecretsError as failure:  # the whole write failed, or it could not begin: nothing was written
            tried = {place: error for place, error in self._outcome.items() if place not in before}
            tried = tried or dict.fromkeys(step.place for step in steps[:1])
            self._outcome = before | {place: error or failure.with_traceback(None) for place, error in tried.items()}
        else:
            for step, entry in self._unshown:
                self._show(step, entry)
            self._read_back(steps)
        self._unshown = None

    def is_done(self, place: Place) -> bool:
        """Tell whether nothing is left to do at *place*: its step is done, or it has no step."""
        return self._outcome.get(place, _UNTRIED) is None or all(step.place != place for step in self.plan.steps)

    def _in_one_write(self, steps: Sequence[Step]) -> None:
        with self._workspace.transaction():
            self._check_owners()
            for step in steps:
                self._try(step)
            if self.stopped:
                raise _StoppedError

    def _check_owners(self) -> None:
        """Fail the first step of each vault whose owner changed since the plan was made."""
        first = {step.place.vault: step for step in reversed(self.plan.steps)} if self._prompted else {}
        self._prompted = False  # the writes that follow change owners themselves
        try:
            records = self._workspace.records(list(first))
        except SecretsError as error:
            self._fail(self.plan.steps[0], error)
            self.stopped = True
            return
        for vault, step in first.items():
            objection = self._objection(vault, records.get(vault))
            if objection:
                self._fail(step, objection)
                self._blocked.add(vault)

    def _objection(self, vault: str, record: Record | SecretsError | None) -> SecretsError | None:
        """Return why nothing may be written to *vault*, whose record is now *record*."""
        if isinstance(record, SecretsError):
            return record
        owner = record.owner if record else None
        if vault in self.plan.records:
            planned = self.plan.records[vault]
            same = owner == (planned.owner if planned and planned.version else None)
        else:
            same = record is None or self.plan.owner.owns(owner)  # planned for deletion
        return None if same else Conflict(f"vault {vault}: its owner changed since the plan was made", vault=vault)

    def _try(self, step: Step) -> None:
        if self.stopped or step.place.vault in self._blocked:
            return
        try:
            entry = self._do(step)
        except SecretsError as error:
            self._fail(step, error)
        else:
            self._outcome[step.place] = None
            self._progress()
            if self._unshown is None:
                self._show(step, entry)
            else:
                self._unshown.append((step, entry))

    def _show(self, step: Step, entry: Entry | None) -> None:
        try:
            self._watch(step, entry)
        except SecretsError:
            self.stopped = True

    def _read_back(self, steps: Sequence[Step]) -> None:
        """Fail the done *steps* whose value in the store is not the written one."""
        if not self.plan.read_back:
            return
        written = {
            step.place: step.value
            for step in steps
            if isinstance(step.value, Secret) and self._outcome.get(step.place, _UNTRIED) is None
        }
        found = attempt(lambda: self._workspace.read_many(list(written)) if written else {})
        results = dict.fromkeys(written, found) if isinstance(found, SecretsError) else found
        for place, result in results.items():
            if isinstance(result, SecretsError):
                self._outcome[place] = result
            elif result.value != written[place]:
                self._outcome[place] = Corrupt(
                    f"{place}: it was written, but the value read back differs",
                    vault=place.vault,
                    secret=place.secret,
                    store=self._store.url,
                )

    def _fail(self, step: Step, error: SecretsError) -> None:
        self._outcome[step.place] = error.with_traceback(None)
        if step.action == "delete" or not step.place.secret:
            self._blocked.add(step.place.vault)
        if isinstance(error, STORE_ERRORS):
            self.stopped = True

    def _do(self, step: Step) -> Entry | None:
        vault, secret = step.place
        if step.action == "delete":
            self._delete(step)
            return None
        if isinstance(step.value, Restored):
            return self._restore(step.place)
        if not secret:
            owner = step.value.owner if isinstance(step.value, Owned) else self.plan.owner
            record = self._records[vault] = self._workspace.claim(vault, owner, self._records[vault])
            return Entry(name=vault, version=record.version)
        value, stamp = self._value(step)
        record = self._records[vault] or Record()
        entry = self._workspace.put_secret(record, vault, secret, value, expect=step.expect, stamp=stamp)
        self._notes[step.place] = entry.note
        if not isinstance(step.value, Secret):
            self.written[step.place] = value
        return entry

    def _restore(self, place: Place) -> Entry:
        try:
            return self._workspace.operations.restore(place)
        except NotFound:
            pass
        raise Conflict(f"{place}: it is not deleted any more", vault=place.vault, secret=place.secret)

    def _delete(self, step: Step) -> None:
        vault, secret = step.place
        with suppress(NotFound):  # somebody else deleted it
            if secret:
                self._store.delete_secret(vault, secret, expect=step.expect)
            elif self._store.caps.list_lag or not self._store.caps.lists:
                self._workspace.drop_vault(vault)
            else:
                self._store.delete_vault(vault)


@contextmanager
def _on_signal(stop: Callable[[int], None]) -> Generator[None]:
    """Let the first Ctrl-C or SIGTERM in the block call *stop* with its number, and the second do as before."""
    if current_thread() is not main_thread():
        yield
        return
    before = {number: signal.getsignal(number) or signal.SIG_DFL for number in _SIGNALS}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def stop_once(number: int, _frame: object) -> None:
        restore()
        stop(number)

    for number in _SIGNALS:
        signal.signal(number, stop_once)
    try:
        yield
    finally:
        restore()


class _StoppedError(Exception):
    """A signal, or a store that does not answer: the transaction must not be written."""


def _phases(steps: Sequence[Step]) -> list[list[Step]]:
    return [
        list(group) for _, group in groupby(steps, key=lambda step: (step.action == "delete", bool(step.place.secret)))
    ]


def _generated(step: Step) -> tuple[Secret, str]:
    """Return the value of a step that needs no other target."""
    assert isinstance(step.value, Secret | Generate | Rotation)
    return (step.value if isinstance(step.value, Secret) else step.value.make()), ""


class _Carrier:
    """Runs the steps, and reads each value that one target holds for the others at most once."""

    def __init__(self, joint: JointPlan, stores: Sequence[Store]) -> None:
        self._joint, self._stores = joint, stores
        self._read: dict[tuple[int, Place], ReadResult] = {}
        self.runs: Mapping[int, _Run] = {}

    def do(self, steps: Mapping[int, Sequence[Step]]) -> None:
        """Do *steps* at all targets at the same time."""
        self._fetch_all(steps)
        at_once([partial(run.do, steps[number]) for number, run in self.runs.items() if steps[number]])

    def may_follow(self, number: int, step: Step) -> bool:
        """Tell whether the primary has done its step for the place of *step*, which waits for it at target *number*."""
        primary = self._joint.primary(number, step.place.vault)
        return primary not in self.runs or self.runs[primary].is_done(step.place)

    def _fetch_all(self, steps: Mapping[int, Sequence[Step]]) -> None:
        """Read the values that *steps* copy from other targets, except values that this run writes there."""
        wanted: dict[int, list[Place]] = {}
        for step in (step for each in steps.values() for step in each):
            if isinstance(step.value, Carried) and self._is_there(step.value.target, step.place):
                wanted.setdefault(step.value.target, []).append(step.place)
        at_once([partial(self._fetch, target, sorted(set(places))) for target, places in wanted.items()])

    def value(self, step: Step) -> tuple[Secret, str]:
        """Return the value of *step*, and its stamp if that can be copied, else ""."""
        if not isinstance(step.value, Carried):
            return _generated(step)
        written = self.runs[step.value.target].written.get(step.place) if step.value.target in self.runs else None
        if written is not None:
            return written, ""
        return self._carried(step.place, step.value)

    def _is_there(self, target: int, place: Place) -> bool:
        fresh = target in self.runs and place in self.runs[target].written
        return not fresh and (target, place) not in self._read

    def _fetch(self, target: int, places: Sequence[Place]) -> None:
        found = attempt(lambda: workspace_of(self._stores[target]).read_many(places))
        results = dict.fromkeys(places, found) if isinstance(found, SecretsError) else found
        self._read |= {(target, place): result for place, result in results.items()}

    def _carried(self, place: Place, carried: Carried) -> tuple[Secret, str]:
        result = self._read[carried.target, place]
        source = self._joint.layout.targets[carried.target]
        if isinstance(result, Stored):
            same = bool(carried.stamp) and is_version(result.entry, carried.version)
            return result.value, carried.stamp if same else ""
        if isinstance(result, Denied):
            raise Denied(
                f"{place}: its value must be copied from {source}, and this login may not read it there",
                hint=f"grant read on it (tailorsecrets policy --for deploy), or give it a new value: "
                f"tailorsecrets rotate {place.vault}/{place.secret}",
                vault=place.vault,
                secret=place.secret,
                store=source.url,
            )
        if isinstance(result, NotFound):
            raise Conflict(
                f"{place}: it was deleted at {source} in the meantime", vault=place.vault, secret=place.secret
            )
        raise result
