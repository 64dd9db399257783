"""Carrying out a plan: the only place that writes in bulk."""

import signal
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import groupby
from threading import current_thread, main_thread
from typing import Final

from tailorsecrets.declared.sources import Generate
from tailorsecrets.deploy.plan import Plan, Step
from tailorsecrets.errors import (
    Conflict,
    NotFound,
    SecretsError,
)
from tailorsecrets.secret import Secret
from tailorsecrets.store.names import Place
from tailorsecrets.store.operations import STORE_ERRORS
from tailorsecrets.store.parallel import parallel
from tailorsecrets.store.record import Record
from tailorsecrets.store.store import Store, workspace_of

Watch = Callable[[Step], None]

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
        """The failed steps that may be done: the answer was lost, and the store could not be read again."""
        return tuple(step for step, error in self.failed if error.outcome == "unknown")


def apply(plan: Plan, store: Store, watch: Watch = lambda _step: None, *, prompted: bool = False) -> Report:
    """Do the steps of *plan* on *store* and report; a step that fails stops only those that build on it.

    *watch* is called with each step as it is done, from any thread. *prompted*: somebody was asked since the
    plan was made, so the owners of its vaults are read again before the first write. Ctrl-C and SIGTERM let the
    writes that are under way end and start no other; ``Report.signal`` shows it. In a store with transactions all is
    one write, done or not.
    """
    run = _Run(plan, store, watch, prompted=prompted)
    with _on_signal(run.interrupt):
        run.all_phases()
    return run.report()


class _Run:
    """One run of a plan; threads add the outcome of each step."""

    def __init__(self, plan: Plan, store: Store, watch: Watch, *, prompted: bool) -> None:
        self._plan, self._store, self._watch, self._prompted = plan, store, watch, prompted
        self._workspace = workspace_of(store)
        self._records = dict(plan.records)
        self._outcome: dict[Place, SecretsError | None] = {}  # None: done
        self._notes: dict[Place, str] = {}
        self._blocked: set[str] = set()  # vaults where a step failed that others build on
        self.signal, self.stopped = 0, False

    def interrupt(self, number: int) -> None:
        """Start no further step, because of the signal *number*."""
        self.signal, self.stopped = number, True

    def report(self) -> Report:
        """Return the outcome of every step."""
        return Report(
            done=tuple(step for step in self._plan.steps if self._outcome.get(step.place, _UNTRIED) is None),
            failed=tuple((step, error) for step in self._plan.steps if (error := self._outcome.get(step.place))),
            left=tuple(step for step in self._plan.steps if step.place not in self._outcome),
            signal=self.signal,
            notes=tuple((step, note) for step in self._plan.steps if (note := self._notes.get(step.place))),
        )

    def all_phases(self) -> None:
        """Do all steps, as one write where the store can."""
        if not self._store.caps.transactions:
            self._check_owners()
            for phase in _phases(self._plan.steps):
                parallel(self._store.caps, self._try, phase)
            return
        try:
            self._in_one_write()
        except _StoppedError:
            self._outcome = {place: error for place, error in self._outcome.items() if error}
        except SecretsError as failure:  # the write itself, or its beginning: nothing of it is there
            tried = self._outcome or dict.fromkeys(step.place for step in self._plan.steps[:1])
            self._outcome = {place: error or failure.with_traceback(None) for place, error in tried.items()}

    def _in_one_write(self) -> None:
        with self._workspace.transaction():
            self._check_owners()
            for step in self._plan.steps:
                self._try(step)
            if self.stopped:
                raise _StoppedError

    def _check_owners(self) -> None:
        """Fail the first step of each vault whose owner changed since the plan was made."""
        first = {step.place.vault: step for step in reversed(self._plan.steps)} if self._prompted else {}
        try:
            records = self._workspace.records(list(first))
        except SecretsError as error:
            self._fail(self._plan.steps[0], error)
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
        if vault in self._plan.records:
            planned = self._plan.records[vault]
            same = owner == (planned.owner if planned else None)
        else:
            same = record is None or self._plan.owner.owns(owner)  # planned for deletion
        return None if same else Conflict(f"vault {vault}: its owner changed since the plan was made", vault=vault)

    def _try(self, step: Step) -> None:
        if self.stopped or step.place.vault in self._blocked:
            return
        try:
            self._do(step)
        except SecretsError as error:
            self._fail(step, error)
        else:
            self._outcome[step.place] = None
            self._watch(step)

    def _fail(self, step: Step, error: SecretsError) -> None:
        self._outcome[step.place] = error.with_traceback(None)
        if step.action == "delete" or not step.place.secret:
            self._blocked.add(step.place.vault)
        if isinstance(error, STORE_ERRORS):
            self.stopped = True

    def _do(self, step: Step) -> None:
        vault, secret = step.place
        if step.action == "delete":
            self._delete(step)
        elif not secret:
            self._records[vault] = self._workspace.claim(vault, self._plan.owner, self._records[vault])
        else:
            record = self._records[vault] or Record()
            entry = self._workspace.put_secret(record, vault, secret, _value(step), expect=step.expect)
            self._notes[step.place] = entry.note

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
    """A signal, or a store that answers nobody: the transaction must not be written."""


def _phases(steps: Sequence[Step]) -> list[list[Step]]:
    return [
        list(group) for _, group in groupby(steps, key=lambda step: (step.action == "delete", bool(step.place.secret)))
    ]


def _value(step: Step) -> Secret:
    if isinstance(step.value, Generate):
        return step.value.make()
    assert step.value is not None
    return step.value
