"""The progress of a long apply: a bar, or a line for each target where there are several."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from threading import Lock
from typing import Final, TextIO

import click

from tailorsecrets.cli import plans
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.deploy.joint import JointPlan

Move = Callable[[int], None]

_LONG_PLAN: Final = 20  # steps that are worth a bar
_WIDTH: Final = 36  # characters of a bar


@contextmanager
def progress(joint: JointPlan, invocation: Invocation) -> Generator[Move]:
    """Yield the function to call with the target of each step that is made. It shows a long plan on a terminal."""
    notice = invocation.wait_notice
    total = sum(len(plan.steps) for plan in joint.plans.values())
    if not invocation.can_ask or total < _LONG_PLAN:
        yield lambda _number: notice.answered()
        return
    with notice.paused():
        if plans.is_several(joint):
            yield _Lines(joint, invocation.io.stderr).move
            return
        lock = Lock()  # steps are done in many threads
        with click.progressbar(length=total, label="applying", file=invocation.io.stderr) as bar:

            def move(_number: int) -> None:
                with lock:
                    bar.update(1)

            yield move


class _Lines:
    """One line for each target, rewritten with each step."""

    def __init__(self, joint: JointPlan, stream: TextIO) -> None:
        self._stream, self._lock = stream, Lock()
        self._totals = {number: len(plan.steps) for number, plan in joint.plans.items() if plan.steps}
        self._names = {number: str(joint.targets[number].target) for number in self._totals}
        self._done = dict.fromkeys(self._totals, 0)
        self._write()

    def move(self, number: int) -> None:
        """Count one step of target *number*."""
        with self._lock:
            self._done[number] += 1
            self._stream.write(f"\x1b[{len(self._totals)}A")  # the cursor goes up to the first line
            self._write()

    def _write(self) -> None:
        for number, total in self._totals.items():
            done = self._done[number]
            bar = "#" * (_WIDTH * done // total)
            self._stream.write(f"\x1b[2K{self._names[number]}  [{bar:-<{_WIDTH}}]  {done}/{total}\n")
        self._stream.flush()
