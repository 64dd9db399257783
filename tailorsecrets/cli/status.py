"""``status``: the state of every secret at every target, without values."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from tailorsecrets.cli import exits, markdown
from tailorsecrets.cli.commands import command
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.names import vaults_option
from tailorsecrets.cli.nearest import say_to_doctor
from tailorsecrets.cli.plans import path
from tailorsecrets.cli.printing import iso, show_table
from tailorsecrets.cli.streams import printable
from tailorsecrets.cli.targets import declared_routes
from tailorsecrets.declared.periods import age_in_words
from tailorsecrets.deploy.overview import declared, overview
from tailorsecrets.deploy.status import Cell, Column, Row, counts, is_calm
from tailorsecrets.errors import SecretsError, VaultNotFound
from tailorsecrets.store.survey import Seen
from tailorsecrets.targets.choice import Choice
from tailorsecrets.targets.opening import open_choice


@command(
    "status",
    "tailorsecrets status",
    "tailorsecrets status -p staging -p prod -V api-keys",
    "tailorsecrets status --html status.html --detailed-exitcode",
    several_profiles=True,
)
@vaults_option("Show this vault only.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print a table for a pull request or a ticket.")
@click.option("--html", "page", metavar="FILE", help="Write a page for the browser, too.")
@click.option(
    "--detailed-exitcode",
    is_flag=True,
    help="Exit 2 if a secret has a state other than: in sync, ours, unknown, there.",
)
def status(
    invocation: Invocation,
    *,
    vault_names: tuple[str, ...],
    as_markdown: bool,
    page: str | None,
    detailed_exitcode: bool,
) -> int:
    """Show the state of every secret at every target.

    The table has a row for each secret and a column for each target. No value is read. Sources are not needed; a secret
    whose source is available can be shown as in sync.
    """
    if as_markdown and invocation.json:
        raise click.UsageError("--markdown and --json cannot be combined", click.get_current_context())
    if page == "":
        raise click.UsageError("--html needs the name of a file", click.get_current_context())
    rows, columns = _table(invocation, vault_names)
    now = datetime.now(UTC)
    if page:
        _write(Path(invocation.io.cwd, page), rows, columns, now, invocation)
    if invocation.json:
        invocation.io.show_json(document(rows, columns, now))
    elif as_markdown:
        invocation.io.show(in_markdown(rows, columns, now))
    elif rows:
        show_table(invocation, ("SECRET", *labels(columns)), [list(_line(row, now)) for row in rows])
    say_to_doctor((column.error for column in columns), invocation)
    return exits.CHANGES if detailed_exitcode and not is_calm(rows) else exits.DONE


def document(rows: Iterable[Row], columns: Sequence[Column], now: datetime) -> dict[str, object]:
    """Return the table as a JSON document."""
    shown = list(rows)
    return {
        "summary": counts(shown),
        "targets": [_target(column) for column in columns],
        "secrets": [
            {
                "name": path(row.place),
                "vault": row.place.vault,
                "secret": row.place.secret or None,
                "external": row.external,
                "cells": [
                    {"target": column.target.full_url, **_cell(cell, now)}
                    for column, cell in zip(columns, row.cells, strict=True)
                    if cell
                ],
            }
            for row in shown
        ],
    }


def in_markdown(rows: Iterable[Row], columns: Sequence[Column], now: datetime) -> str:
    """Return the table in Markdown."""
    head = ["secret", *map(markdown.code, labels(columns))]
    lines = [
        [markdown.code(path(row.place)), *(_cell_in_markdown(cell, now) if cell else "" for cell in row.cells)]
        for row in rows
    ]
    return markdown.table(head, lines)


def labels(columns: Sequence[Column]) -> list[str]:
    """Return the shortest names that distinguish the targets of *columns*: URLs, workspaces, or both."""
    targets = [column.target for column in columns]
    for names in ([target.url for target in targets], [target.workspace for target in targets]):
        if len(set(names)) == len(names):
            return names
    return [target.full_url for target in targets]


def age(cell: Cell, now: datetime) -> float | None:
    """Return the seconds since the version of *cell* was written, None where the store does not report it."""
    return max((now - cell.updated).total_seconds(), 0.0) if cell.updated else None


def in_words(cell: Cell, now: datetime) -> str:
    """Return the state of *cell*, with its age."""
    seconds = age(cell, now)
    return cell.text if seconds is None else f"{cell.text} ({age_in_words(seconds)})"


def _table(invocation: Invocation, vaults: Sequence[str]) -> tuple[list[Row], list[Column]]:
    config = invocation.config()
    profiles = declared_routes(invocation, config)
    invocation.wait_notice.start(", ".join(dict.fromkeys(t.url for routes in profiles for t in routes.targets)))
    rows, columns = overview(
        declared(config, invocation.environ, Path(invocation.folder)),
        profiles,
        lambda choice: open_choice(choice, invocation.environ),
        vaults,
    )
    for column in columns:
        _say_notes(column, config.declarations.names(), invocation)
    _check_vaults(vaults, rows, columns, config.declarations.names())
    return rows, columns


def _say_notes(column: Column, names: Mapping[str, object], invocation: Invocation) -> None:
    """Say why a target, a vault of the config or a native place was not read."""
    if column.error:
        invocation.io.say(f"note: {_reason(column.error, column.target)}")
    seen = column.seen or Seen({})
    if not seen.listed:
        invocation.io.say(f"note: {column.target}: it cannot be listed, so only secrets of the config are shown")
    problems = [state.problem for vault, state in sorted(seen.vaults.items()) if state.problem and vault in names]
    native = [found for _, found in sorted(column.native.items()) if isinstance(found, SecretsError)]
    for error in [*problems, *native]:
        invocation.io.say(f"note: {column.target}: {error}")


def _reason(error: SecretsError, target: Choice) -> str:
    hint = f" (hint: {error.hint})" if error.hint else ""
    return f"{target}: {error.code}: {error}{hint}"


def _check_vaults(
    vaults: Sequence[str], rows: Sequence[Row], columns: Sequence[Column], names: Mapping[str, object]
) -> None:
    """Raise VaultNotFound for one of *vaults* that is not in the config and at no target, as far as they were read."""
    known = {*names, *(row.place.vault for row in rows)}
    unknown = [vault for vault in vaults if vault not in known]
    if unknown and all(column.state is None for column in columns):
        message = f"vault {unknown[0]}: the config and the targets of the app do not have it"
        raise VaultNotFound(message, vault=unknown[0])


def _line(row: Row, now: datetime) -> Iterable[str | None]:
    yield path(row.place)
    yield from (printable(in_words(cell, now)) if cell else None for cell in row.cells)


def _cell(cell: Cell, now: datetime) -> dict[str, object]:
    seconds = age(cell, now)
    owner = {"owner": cell.owner} if cell.owner else {}
    whole = None if seconds is None else int(seconds)
    return {"state": cell.text, **owner, "updatedAt": iso(cell.updated), "ageSeconds": whole}


def _target(column: Column) -> dict[str, object]:
    error = {"code": column.error.code, "message": str(column.error)} if column.error else None
    return {
        "target": column.target.full_url,
        "store": column.target.url,
        "workspace": column.target.workspace,
        "profiles": list(column.profiles),
        "status": column.state or "read",
        "error": error,
    }


def _cell_in_markdown(cell: Cell, now: datetime) -> str:
    seconds = age(cell, now)
    words = f"owner: {markdown.code(cell.owner)}" if cell.state == "owner" else markdown.text(cell.state)
    return words if seconds is None else f"{words} ({age_in_words(seconds)})"


def _write(file: Path, rows: Sequence[Row], columns: Sequence[Column], now: datetime, invocation: Invocation) -> None:
    from tailorsecrets.cli.status_page import page

    title = f"Status of {invocation.config().owner.name}"
    problem = ""
    try:
        file.write_text(page(rows, columns, labels(columns), now, title), encoding="utf-8")
    except OSError as exc:
        problem = exc.strerror or type(exc).__name__
    if problem:
        raise SecretsError(f"{file} cannot be written: {problem}", code="OUTPUT_FAILED")
    invocation.io.say(f"wrote {file}")
