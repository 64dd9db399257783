"""The tables of the docs that are measured: ``python -m tests.support.product.tables`` writes them.

The table of calls comes from a run on every store, the table of capabilities from each driver's ``caps``.
"""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from tailorsecrets.driver import Caps
from tailorsecrets_aws.driver import CAPS as AWS
from tailorsecrets_azure.driver import CAPS as AZURE
from tailorsecrets_file.driver import FileDriver
from tailorsecrets_gcp.driver import CAPS as GCP
from tailorsecrets_vault.driver import CAPS as FOLDERS
from tailorsecrets_vault.driver import MOUNT_CAPS as MOUNTS
from tests.support.product.backends import BACKENDS
from tests.support.product.budgets import BUDGETS
from tests.support.product.calls import Costs, Counts, measure
from tests.support.servers import ROOT, Server, start, stop

COUNT = 1_000  # secrets in the table of calls
BEGIN, END = "<!-- written by python -m tests.support.product.tables -->", "<!-- end of what is written -->"
CALLS, STORES = ROOT / "docs" / "calls.md", ROOT / "docs" / "stores" / "README.md"
TITLES = {
    "file": "file",
    "openbao-mounts": "Vault, OpenBao: mounts",
    "openbao-folders": "Vault, OpenBao: folders",
    "aws": "AWS",
    "gcp": "GCP",
    "azure": "Azure",
}
COLUMNS: Mapping[str, Callable[[Costs], Counts]] = {
    "`get`": lambda costs: costs.get,
    "`get_all` of 100": lambda costs: costs.get_all,
    "plan, nothing changed": lambda costs: costs.unchanged,
    "apply of 1 changed": lambda costs: costs.one_changed,
    "apply of 1,000 new": lambda costs: costs.all_new,
    "once a process": lambda costs: costs.first,
}
STORE_CAPS = {
    "file": FileDriver.caps,
    "Vault, OpenBao: mounts": MOUNTS,
    "Vault, OpenBao: folders": FOLDERS,
    "AWS": AWS,
    "GCP": GCP,
    "Azure": AZURE,
}
ABILITIES: Mapping[str, Callable[[Caps], str]] = {
    "longest value": lambda caps: f"{caps.max_bytes:,} bytes",
    "longest native name": lambda caps: f"{caps.max_name:,} characters",
    "parts of a native name are joined by": lambda caps: f"`{caps.joiner}`",
    'the value `""` is kept as': lambda caps: '`""`' if caps.empty else "`tailorsecrets:=`",
    "a vault is a place of its own": lambda caps: _yes(caps.containers),
    "planning reads no value": lambda caps: _yes(caps.stamps),
    "a list shows what changed": lambda caps: _yes(caps.list_stamps),
    "names in one read": lambda caps: f"{caps.batch:,}",
    "a list may trail a write by": lambda caps: f"{caps.list_lag / 60:g} minutes" if caps.list_lag else "nothing",
    "creating is atomic": lambda caps: _yes(caps.cas != "none"),
    "updating is atomic": lambda caps: _yes(caps.cas == "full"),
    "an apply is one write": lambda caps: _yes(caps.transactions),
    "`secret history`, `secret rollback`": lambda caps: _yes(caps.versions),
    "`secret restore`": lambda caps: _yes(caps.undelete),
    "reads a second, at most": lambda caps: _rate(caps.per_s.get("get")),
    "looks a second, at most": lambda caps: _rate(caps.per_s.get("stat")),
    "lists a second, at most": lambda caps: _rate(caps.per_s.get("list")),
    "writes a second, at most": lambda caps: _rate(caps.per_s.get("write")),
}


def calls_table(costs: Mapping[str, Costs]) -> str:
    """Return the table of calls."""
    rows = [[TITLES[name], *(_counts(of(costs[name])) for of in COLUMNS.values())] for name in TITLES]
    return _table(["store", *COLUMNS], rows)


def stores_table() -> str:
    """Return the table of capabilities."""
    rows = [[ability, *(tell(caps) for caps in STORE_CAPS.values())] for ability, tell in ABILITIES.items()]
    return _table(["", *STORE_CAPS], rows)


def budgeted() -> dict[str, Costs]:
    """Return what the formulas say for the table of calls."""
    return {name: BUDGETS[name](COUNT) for name in TITLES}


def measured() -> dict[str, Costs]:
    """Run everything on every store and return what it cost."""
    running: dict[str, Server] = {}
    with tempfile.TemporaryDirectory() as name:
        run = Path(name) / "servers"

        def started(server: str) -> Server:
            if server not in running:
                running[server] = start(server, run)
            return running[server]

        try:
            return {store: _measured(store, Path(name), started) for store in TITLES}
        finally:
            stop(run)


def _measured(store: str, above: Path, started: Callable[[str], Server]) -> Costs:
    folder = above / store
    folder.mkdir()
    with BACKENDS[store](folder, started) as backend:
        return measure(backend, COUNT)


def between(page: Path) -> str:
    """Return what is written in *page*."""
    return page.read_text().partition(BEGIN)[2].partition(END)[0].strip() + "\n"


def write(page: Path, table: str) -> None:
    """Write *table* into *page*."""
    before, _, rest = page.read_text().partition(BEGIN)
    page.write_text(f"{before}{BEGIN}\n\n{table}\n{END}{rest.partition(END)[2]}")


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _counts(counts: Counts) -> str:
    told = [f"{number:,} {op}" for op, number in counts.items() if number]
    return " + ".join(told) or "0"


def _yes(able: object) -> str:
    return "yes" if able else "no"


def _rate(rate: float | None) -> str:
    return f"{rate:,g}" if rate else "-"


if __name__ == "__main__":
    found = measured()
    write(STORES, stores_table())
    for store, costs in budgeted().items():
        if found[store] != costs:
            raise SystemExit(f"{store} costs {found[store]} and not {costs}")
    write(CALLS, calls_table(budgeted()))
