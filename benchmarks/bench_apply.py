"""How a first apply grows with the number of secrets, on OpenBao and on the file store."""

import os
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measure import Row
from tailorsecrets import Secret, Store, open_store
from tailorsecrets.deploy.apply import apply
from tailorsecrets.deploy.observe import make_plan
from tailorsecrets.deploy.plan import Desired
from tailorsecrets.store.record import Owner
from tests.support.servers import start, stop

FEW, MANY = 1_000, 10_000
APP = Owner("bench")


def main() -> list[Row]:
    """Measure a first apply of few and of many secrets."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as name:
        for store, opened in {"the file": file, "OpenBao": openbao}.items():
            with opened(Path(name)) as urls:
                few, many = (first_apply(url, count) for url, count in zip(urls, (FEW, MANY), strict=True))
            rows.append(Row(f"{store}: first apply of {MANY:,} / of {FEW:,}", many / few, 12))
    return rows


@contextmanager
def file(folder: Path) -> Generator[tuple[Store, Store]]:
    """Open two store files."""
    environ = {"XDG_CONFIG_HOME": str(folder)}
    with (
        open_store(f"file:{folder}/few", environ=environ) as few,
        open_store(f"file:{folder}/many", environ=environ) as m,
    ):
        yield few, m


@contextmanager
def openbao(folder: Path) -> Generator[tuple[Store, Store]]:
    """Open two folders of a mount."""
    server = start("openbao", folder / "servers")
    environ = {"VAULT_TOKEN": server.variables["VAULT_TOKEN"]}
    url = f"vault+http://{server.url.partition('//')[2]}/secret"
    try:
        with open_store(f"{url}/few", environ=environ) as few, open_store(f"{url}/many", environ=environ) as many:
            yield few, many
    finally:
        stop(folder / "servers")


def first_apply(store: Store, count: int) -> float:
    """Return the seconds of a plan and an apply of *count* new secrets, with as many variables in the environment."""
    variables = {f"SECRET_{number}": "value" for number in range(count)}
    declared = Desired(APP, {"api-keys": {f"secret-{number}": Secret("value") for number in range(count)}})
    os.environ.update(variables)
    begun = time.perf_counter()
    try:
        assert apply(make_plan(declared, store), store).complete
        return time.perf_counter() - begun
    finally:
        for variable in variables:
            del os.environ[variable]
