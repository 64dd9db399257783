"""The table of ``status`` as one page for the browser, which loads nothing else."""

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Final

from tailorsecrets.cli.plans import path
from tailorsecrets.cli.printing import iso
from tailorsecrets.declared.periods import age_in_words
from tailorsecrets.deploy.status import CALM, ORDER, Cell, Column, Row, State, counts

_TEMPLATE: Final = Path(__file__).with_name("status_page.html")
_SHADES: Final = (86_400, 7 * 86_400, 30 * 86_400, 90 * 86_400, 365 * 86_400)  # seconds; an older version is darker


def page(rows: Sequence[Row], columns: Sequence[Column], heads: Sequence[str], now: datetime, title: str) -> str:
    """Return the page; *heads* name the *columns*, and ages are those at *now*."""
    parts = {
        "title": escape(title),
        "made": escape(iso(now) or ""),
        "summary": "".join(_chip(state, count) for state, count in counts(rows).items()),
        "heads": "".join(_head(column, head) for column, head in zip(columns, heads, strict=True)),
        "rows": "\n".join(_row(row, now) for row in rows),
    }
    return _filled(_TEMPLATE.read_text(encoding="utf-8"), parts)


def _filled(template: str, parts: Mapping[str, str]) -> str:
    """Return *template* with *parts* in it, and with a policy that lets the page run its own code and nothing else."""
    hashes = {
        tag: b64encode(sha256(found[1].encode()).digest()).decode()
        for tag in ("style", "script")
        if (found := re.search(f"<{tag}>(.*?)</{tag}>", template, re.DOTALL))
    }
    policy = "; ".join(["default-src 'none'", *(f"{tag}-src 'sha256-{digest}'" for tag, digest in hashes.items())])
    return re.sub(r"{{(\w+)}}", lambda found: {**parts, "policy": policy}[found[1]], template)


def _chip(state: State, count: int) -> str:
    calm = "calm" if state in CALM else "alert"
    return (
        f'<button type="button" class="chip {calm}" data-state="{state}" aria-pressed="false">'
        f'<span class="word">{state}</span> {count}</button>'
    )


def _head(column: Column, head: str) -> str:
    profiles = ", ".join(column.profiles)
    below = f"profile {profiles}" if profiles else f"workspace {column.target.workspace}"
    return (
        '<th scope="col" aria-sort="none"><button type="button" class="sort">'
        f'{escape(head)}</button><div class="below">{escape(below)}</div></th>'
    )


def _row(row: Row, now: datetime) -> str:
    needs = any(cell is not None and cell.state not in CALM for cell in row.cells)
    note = ' <span class="below">external</span>' if row.external else ""
    note += "" if row.place.secret else ' <span class="below">vault</span>'
    cells = "".join(_cell(cell, now) for cell in row.cells)
    return f'<tr data-needs="{int(needs)}"><th scope="row">{escape(path(row.place))}{note}</th>{cells}</tr>'


def _cell(cell: Cell | None, now: datetime) -> str:
    if cell is None:
        return f'<td data-order="{len(ORDER)}"><span class="none" title="not kept here">-</span></td>'
    seconds = max((now - cell.updated).total_seconds(), 0.0) if cell.updated else None
    calm = "calm" if cell.state in CALM else "alert"
    order = f"{ORDER.index(cell.state)}.{int(seconds or 0):010}"
    return (
        f'<td data-order="{order}" data-state="{cell.state}"><span class="state {calm}">{escape(cell.text)}</span>'
        f"{''.join(_age(seconds))}</td>"
    )


def _age(seconds: float | None) -> Iterator[str]:
    if seconds is not None:
        shade = sum(seconds >= step for step in _SHADES)
        yield f' <span class="age age-{shade}">{age_in_words(seconds)}</span>'
