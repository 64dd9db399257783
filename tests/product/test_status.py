"""What status and diff show on every store, without reading a value."""

from dataclasses import replace
from pathlib import Path

from tailorsecrets.deploy.compare import compare
from tailorsecrets.deploy.overview import overview
from tailorsecrets.deploy.status import Declared
from tailorsecrets.secret import Secret
from tailorsecrets.store.names import Place
from tailorsecrets.store.record import Owner, new_record
from tailorsecrets.store.store import Store, workspace_of
from tailorsecrets.targets.choice import Choice
from tailorsecrets.targets.routes import Routes
from tailorsecrets.testing.memory import Memory
from tests.support.product.backend import Backend, writes
from tests.support.product.deploying import APP, deploy

OTHER = Owner("other-app", "0192f0c1-2345-7abc-8def-000000000002")
NAMES = {
    "own-vault": ["same-key", "changed-key", "by-hand", "disabled-key", "missing-key"],
    "their-vault": ["some-key"],
    "free-vault": ["some-key"],
    "new-vault": ["some-key"],
}
SHOWS_DISABLED = {"memory", "GCP", "Azure"}


def choice(backend: Backend) -> Choice:
    """Return the store as a target."""
    return Choice(backend.url, backend.workspace, str(backend.folder))


def fill(backend: Backend, store: Store) -> None:
    """Bring the store to where each state of a cell shows."""
    own = {name: Secret("x") for name in ("same-key", "changed-key", "by-hand", "disabled-key", "extra-key")}
    assert deploy(store, {"own-vault": own, "gone-vault": {"old-key": Secret("x")}}).complete
    assert deploy(store, {"their-vault": {"some-key": Secret("x")}}, OTHER).complete
    for vault in ("free-vault", "partner"):
        store.create_vault(vault)
        store.create_secret(vault, "some-key", Secret("x"))
    backend.write(store, "own-vault", "by-hand", "changed by hand")
    if backend.name in SHOWS_DISABLED:
        backend.backdoor.disable(backend.native(store, "own-vault", "disabled-key"))
    backend.backdoor.settle()


def test_every_state(backend: Backend) -> None:
    """Each state that one target can have is shown, with ages; the store sent no value and wrote nothing."""
    with backend.store() as store:
        fill(backend, store)
        values = {Place("own-vault", name): Secret("x") for name in ("same-key", "by-hand")}
        wanted = Declared(APP, NAMES, {"partner": ["some-key", "missing-key"]}, values)
        before = len(backend.arrived())
        rows, columns = overview(wanted, [Routes((choice(backend),))], lambda _: backend.store())
        arrived = backend.since(before)
        assert columns[0].error is None
        assert {"/".join(filter(None, row.place)): row.cells[0].text for row in rows if row.cells[0]} == {
            "free-vault/some-key": "unmanaged",
            "gone-vault/old-key": "extra",
            "new-vault/some-key": "missing",
            "own-vault/by-hand": "by hand",
            "own-vault/changed-key": "ours",
            "own-vault/disabled-key": "disabled" if backend.name in SHOWS_DISABLED else "ours",
            "own-vault/extra-key": "extra",
            "own-vault/missing-key": "missing",
            "own-vault/same-key": "in sync",
            "partner/missing-key": "missing",
            "partner/some-key": "there",
            "their-vault/some-key": "owner: other-app",
        }
        ours = [row.cells[0] for row in rows if row.place.vault == "own-vault" and row.place.secret != "missing-key"]
        assert all(cell and cell.updated for cell in ours)
        records = {backend.native(store, vault) for vault in (*NAMES, "gone-vault", "partner")}
        assert [request for request in arrived if request.kind == "value" and set(request.names) - records] == []
        assert writes(arrived) == []


def test_a_store_that_does_not_answer(backend: Backend) -> None:
    """It is a column of unreachable."""
    with backend.store() as store:
        deploy(store, {"own-vault": {"same-key": Secret("x")}})
        backend.backdoor.unreachable()
        try:
            wanted = Declared(APP, {"own-vault": ["same-key"]})
            rows, columns = overview(wanted, [Routes((choice(backend),))], lambda _: backend.store())
        finally:
            backend.backdoor.recover()
        assert ([row.cells[0] and row.cells[0].text for row in rows], columns[0].state) == (
            ["unreachable"],
            "unreachable",
        )


def test_any_two_stores(backend: Backend, tmp_path: Path) -> None:
    """Any store is compared with a plugin's: by stamps where the keys are equal, else by values, or by names alone."""
    plugin = Memory()
    here, there = choice(backend), Choice("file:none", "default", str(tmp_path))

    def opened(target: Choice) -> Store:
        return backend.store() if target is here else Store(plugin)

    with backend.store() as store, Store(plugin) as other:
        key = new_record({}).key
        for vault in ("one-key", "two-keys"):
            claim(store, vault, key, {"same-key": "x", "other-key": "x", "left-key": "x"})
            own = key if vault == "one-key" else None
            claim(other, vault, own, {"same-key": "x", "other-key": "y", "right-key": "x"})
        backend.backdoor.settle()
        expected = {"left-key": "+", "other-key": "*", "right-key": "-", "same-key": "="}
        before = len(backend.arrived())
        found, unlisted = compare(Routes((here,)), Routes((there,)), opened)
        read = {name for request in backend.value_reads(store, backend.since(before)) for name in request.names}
        assert {(line.place.vault, line.place.secret): line.sign for line in found} == {
            (vault, name): sign for vault in ("one-key", "two-keys") for name, sign in expected.items()
        }
        assert unlisted == []
        if backend.name != "file":  # which is read as a whole
            records = {backend.native(store, vault) for vault in ("one-key", "two-keys")}
            unproven = {backend.native(store, "two-keys", name) for name in ("same-key", "other-key")}
            assert read - records == unproven

        before = len(backend.arrived())
        found, _ = compare(Routes((here,)), Routes((there,)), opened, by_name=True)
        assert {line.place.secret: line.sign for line in found} == expected | {"other-key": "="}
        assert [request for request in backend.since(before) if request.kind != "look"] == []


def claim(store: Store, vault: str, key: Secret | None, values: dict[str, str]) -> None:
    """Make a vault of the app with the stamp key *key*, and write *values*."""
    workspace = workspace_of(store)
    record = workspace.claim(vault, APP, replace(new_record({}, key), id=""))
    for name, value in values.items():
        workspace.put_secret(record, vault, name, Secret(value), expect="")
