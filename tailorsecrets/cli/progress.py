"""Signs of life on a terminal: a word while a store is slow to answer, a bar while much is written."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from threading import Lock, Timer
from typing import Final

import click

from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.deploy.plan import Plan, Step

_NOTICE_AFTER: Final = 1.0  # seconds before a word is said
_LONG_PLAN: Final = 20  # steps that are worth a bar


@contextmanager
def waiting(invocation: Invocation) -> Generator[None]:
    """Say that the store is being looked at, if that takes more than a moment."""
    timer = Timer(_NOTICE_AFTER, invocation.io.say, ["waiting at the store ..."])
    timer.daemon = True
    if invocation.can_ask:
        timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextmanager
def progress_bar(plan: Plan, invocation: Invocation) -> Generator[Callable[[Step], None]]:
    """Give what is to be called with each step that is done; of a long plan it moves a bar."""
    if not invocation.can_ask or len(plan.steps) < _LONG_PLAN:
        yield lambda _step: None
        return
    lock = Lock()  # steps are done in many threads
    with click.progressbar(length=len(plan.steps), label="applying", file=invocation.io.stderr) as bar:

        def move(_step: Step) -> None:
            with lock:
                bar.update(1)

        yield move
