"""The progress bar of a long apply."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from threading import Lock
from typing import Final

import click

from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.deploy.plan import Plan, Step
from tailorsecrets.driver import Entry

_LONG_PLAN: Final = 20  # steps that are worth a bar


@contextmanager
def progress(plan: Plan, invocation: Invocation) -> Generator[Callable[[Step, Entry | None], None]]:
    """Yield the function to call with each step that is done. For a long plan on a terminal it moves a bar."""
    notice = invocation.wait_notice
    if not invocation.can_ask or len(plan.steps) < _LONG_PLAN:
        yield lambda _step, _entry: notice.answered()
        return
    lock = Lock()  # steps are done in many threads
    with notice.paused(), click.progressbar(length=len(plan.steps), label="applying", file=invocation.io.stderr) as bar:

        def move(_step: Step, _entry: Entry | None) -> None:
            with lock:
                bar.update(1)

        yield move
