"""The option ``--report``."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TypeVar

import click

from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.deploy.joint import JointPlan
from tailorsecrets.deploy.reports import Reporter

F = TypeVar("F", bound=Callable[..., object])


class Wanted(NamedTuple):
    """The report that a command is to write."""

    command: str
    file: str | None  # None: no report


def report_option(function: F) -> F:
    """Add the option."""
    return click.option("--report", metavar="FILE", help="Record what is done in a new file, for undo.")(function)


@contextmanager
def reporting(wanted: Wanted, joint: JointPlan, invocation: Invocation) -> Generator[Reporter | None]:
    """Yield the writer of the *wanted* report, None where none is wanted."""
    if wanted.file is None:
        yield None
        return
    reporter = Reporter(Path(invocation.io.cwd, wanted.file), wanted.command, joint)
    try:
        yield reporter
    finally:
        reporter.close()
