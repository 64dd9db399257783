"""Lists on stdout: a table for people, JSON for programs."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol, TypeVar

import click

from tailorsecrets.cli.colour import heading
from tailorsecrets.cli.invocation import Invocation

F = TypeVar("F", bound=Callable[..., object])


class Dated(Protocol):
    """The part of a vault or a secret that a list shows."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def created(self) -> datetime | None:
        """The time of the first write."""
        ...

    @property
    def updated(self) -> datetime | None:
        """The time of the last write."""
        ...


def list_options(function: F) -> F:
    """Add the options of a list."""
    for option in (
        click.option("--limit", "-l", type=click.IntRange(min=1), metavar="N", help="Show at most N."),
        click.option("--order", type=click.Choice(["asc", "desc"]), default="asc", help="The order by name."),
    ):
        function = option(function)
    return function


def show_list(invocation: Invocation, rows: Sequence[Dated], *, order: str, limit: int | None, when_empty: str) -> None:
    """Show at most *limit* of *rows*, which are sorted by name, in *order*; for none, say *when_empty*."""
    shown = (rows[::-1] if order == "desc" else rows)[:limit]
    if invocation.json:
        invocation.io.show_json(
            [{"name": r.name, "createdAt": iso(r.created), "updatedAt": iso(r.updated)} for r in shown]
        )
    elif shown:
        show_table(
            invocation, ("NAME", "CREATED", "UPDATED"), [(r.name, iso(r.created), iso(r.updated)) for r in shown]
        )
    else:
        invocation.io.say(when_empty)


def show_list_of_targets(
    invocation: Invocation, found: Mapping[str, Sequence[Dated]], *, order: str, limit: int | None, when_empty: str
) -> None:
    """Do as show_list for what several targets have, by target: a row for each name, with the targets that have it."""
    places: dict[str, list[str]] = {}
    for target, rows in found.items():
        for row in rows:
            places.setdefault(row.name, []).append(target)
    shown = sorted(places.items(), reverse=order == "desc")[:limit]
    if invocation.json:
        invocation.io.show_json([{"name": name, "targets": targets} for name, targets in shown])
    elif shown:
        show_table(invocation, ("NAME", "TARGETS"), [(name, ", ".join(targets)) for name, targets in shown])
    else:
        invocation.io.say(when_empty)


def show_table(invocation: Invocation, head: Sequence[str], rows: Sequence[Sequence[str | None]]) -> None:
    """Show *rows* under *head* in aligned columns; None is a dash."""
    cells = [head, *([cell or "-" for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    if invocation.io.coloured:
        lines[0] = heading(lines[0])
    for line in lines:
        invocation.io.show(line)


def iso(time: datetime | None) -> str | None:
    """Return *time* in UTC as ISO 8601."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if time else None
