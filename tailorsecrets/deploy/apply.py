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
from tailorsecrets.errors import NotFound, SecretsError, StoreNotFound, Throttled, Unauthenticated, Unavailable
from tailorsecrets.secret import Secret
from tailorsecrets.store.names import Place
from tailorsecrets.store.operations import parallel
from tailorsecrets.store.record import Record
from tailorsecrets.store.store import Store, workspace_of

Watch = Callable[[Step], None]

_STOPPING: Final = (StoreNotFound, Throttled, Unauthenticated, Unavailable)  # the next step would fare no better
_UNTRIED: Final = SecretsError("not tried")


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a plan: the steps done, those that failed with their errors, and those not tried."""

    done: tuple[Step, ...] = ()
    failed: tuple[tuple[Step, SecretsError], ...] = ()
    left: tuple[Step, ...] = ()
    interrupted: bool = False

    @property
    def complete(self) -> bool:
        """Tell whether every step is done."""
        return not (self.failed or self.left)


def apply(plan: Plan, store: Store, watch: Watch = lambda _step: None) -> Report:
    """Do the steps of *plan* on *store* and report; a step that fails stops only those that build on it.

    *watch* is called with each step as it is done, from any thread. Ctrl-C lets the writes that are under way end,
    starts no other, and is told by ``Report.interrupted``. In a store with transactions all is one write, done or not.
    """
    run = _Run(plan, store, watch)
    with _ctrl_c(run.interrupt):
        run.all_phases()
    return run.report()


class _Run:
    """One run of a plan. What it knows changes step by step, under a lock where threads meet."""

    def __init__(self, plan: Plan, store: Store, watch: Watch) -> None:
        self._plan, self._store, self._watch = plan, store, watch
        self._workspace = workspace_of(store)
        self._records = dict(plan.records)
        self._outcome: dict[Place, SecretsError | None] = {}  # None: done
        self._blocked: set[str] = set()  # vaults where a step failed that others build on
        self.interrupted = self.stopped = False

    def interrupt(self) -> None:
        """Start no further step."""
        self.interrupted = self.stopped = True

    def report(self) -> Report:
        """Return what came of every step."""
        return Report(
            done=tuple(step for step in self._plan.steps if self._outcome.get(step.place, _UNTRIED) is None),
            failed=tuple((step, error) for step in self._plan.steps if (error := self._outcome.get(step.place))),
            left=tuple(step for step in self._plan.steps if step.place not in self._outcome),
            interrupted=self.interrupted,
        )

    def all_phases(self) -> None:
        """Do all steps, as one write where the store can."""
        if not self._store.caps.transactions:
            for phase in _phases(self._plan.steps):
                parallel(self._try, phase)
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
            for step in self._plan.steps:
                self._try(step)
            if self.stopped:
                raise _StoppedError

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
        if isinstance(error, _STOPPING):
            self.stopped = True

    def _do(self, step: Step) -> None:
        vault, secret = step.place
        if step.action == "delete":
            self._delete(step)
        elif not secret:
            self._records[vault] = self._workspace.claim(vault, self._plan.owner, self._records[vault])
        else:
            self._workspace.put_secret(
                self._records[vault] or Record(), vault, secret, _value(step), expect=step.expect
            )

    def _delete(self, step: Step) -> None:
        vault, secret = step.place
        with suppress(NotFound):  # what is gone already is deleted
            if secret:
                self._store.delete_secret(vault, secret, expect=step.expect)
            elif self._store.caps.list_lag:
                self._workspace.drop_vault(vault)
            else:
                self._store.delete_vault(vault)


@contextmanager
def _ctrl_c(stop: Callable[[], None]) -> Generator[None]:
    """Let the first Ctrl-C in the block call *stop*, and the second do what it did before."""
    if current_thread() is not main_thread():
        yield
        return

    def stop_once(*_: object) -> None:
        signal.signal(signal.SIGINT, before)
        stop()

    before = signal.signal(signal.SIGINT, stop_once)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class _StoppedError(Exception):
    """Ctrl-C, or a store that answers nobody: the transaction must not be written."""


def _phases(steps: Sequence[Step]) -> list[list[Step]]:
    return [
        list(group) for _, group in groupby(steps, key=lambda step: (step.action == "delete", bool(step.place.secret)))
    ]


def _value(step: Step) -> Secret:
    if isinstance(step.value, Generate):
        return step.value.make()
    assert step.value is not None
    return step.value
