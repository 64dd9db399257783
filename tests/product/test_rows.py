"""Every row of the two tables that say what apply does, on every store."""

from tailorsecrets.deploy.observe import make_plan
from tailorsecrets.deploy.plan import Desired
from tailorsecrets.secret import Secret
from tailorsecrets.store.names import Place
from tailorsecrets.store.record import Owner
from tailorsecrets.store.store import Store, workspace_of
from tests.support.product.backend import Backend
from tests.support.product.deploying import APP, Vaults, deploy, plan, values

OTHER = Owner("other-app", "0192f0c1-2345-7abc-8def-000000000002")
WANTED: Vaults = {
    "new-vault": {"new-key": Secret("x")},
    "own-vault": {"same-key": Secret("x"), "new-value": Secret("y"), "no-value": None, "by-hand": Secret("x")},
    "free-vault": {},
    "bare-vault": {"key": Secret("x")},
    "their-vault": {},
}
AFTER = {
    "new-vault/new-key": "x",
    "own-vault/same-key": "x",
    "own-vault/new-value": "y",
    "own-vault/by-hand": "x",
    "bare-vault/key": "x",
    "their-other/key": "x",
    "nobodys-other/key": "x",
}


def fill(backend: Backend, store: Store) -> None:
    """Bring the store into a state in which a plan of *WANTED* has every row."""
    own = {"old-key": Secret("x"), "same-key": Secret("x"), "new-value": Secret("x"), "by-hand": Secret("x")}
    assert deploy(store, {"own-vault": own, "gone-vault": {"old-key": Secret("x")}}).complete
    assert deploy(store, {"their-vault": {}, "their-other": {"key": Secret("x")}}, OTHER).complete
    for vault in ("free-vault", "bare-vault", "nobodys-other"):
        store.create_vault(vault)
        store.create_secret(vault, "key", Secret("x"))
    with_no_record(backend, store, "bare-vault")
    backend.write(store, "own-vault", "by-hand", "changed by hand")


def with_no_record(backend: Backend, store: Store, vault: str) -> None:
    """Take the record of *vault* away and leave its secrets."""
    driver = backend.connect()
    driver.delete(backend.naming(store).native(Place(vault)), purge=True)
    driver.close()


def test_every_row(backend: Backend) -> None:
    """Vaults and secrets are created, claimed, updated, skipped, deleted and left alone as the tables say."""
    with backend.store() as store:
        fill(backend, store)
        made = plan(store, WANTED)
        assert [(step.action, str(step.place)) for step in made.steps] == [
            ("update", "vault bare-vault"),
            ("update", "vault free-vault"),
            ("create", "vault new-vault"),
            ("update", "vault their-vault"),
            ("update", "secret bare-vault/key"),
            ("create", "secret new-vault/new-key"),
            ("update", "secret own-vault/by-hand"),
            ("update", "secret own-vault/new-value"),
            ("delete", "secret free-vault/key"),
            ("delete", "secret gone-vault/old-key"),
            ("delete", "secret own-vault/old-key"),
            ("delete", "vault gone-vault"),
        ]
        assert (made.unmanaged, made.conflicts) == (("bare-vault", "free-vault"), (("their-vault", OTHER),))
        assert (made.skipped, made.compared_values) == ((Place("own-vault", "no-value"),), False)

        assert deploy(store, WANTED).complete
        backend.backdoor.settle()
        assert values(store) == AFTER
        assert [vault.name for vault in store.list_vaults()] == sorted(
            {"bare-vault", "free-vault", "new-vault", "nobodys-other", "own-vault", "their-other", "their-vault"}
        )
        assert {vault for vault in WANTED if workspace_of(store).record(vault).owner == APP} == set(WANTED)
        assert (workspace_of(store).record("their-other").owner, workspace_of(store).record("nobodys-other").owner) == (
            OTHER,
            None,
        )
        assert plan(store, WANTED).steps == ()


def test_without_pruning(backend: Backend) -> None:
    """With no pruning nothing is deleted, and the rest of the plan is the same."""
    with backend.store() as store:
        deploy(store, {"own-vault": {"old-key": Secret("x"), "same-key": Secret("x")}})
        wanted: Vaults = {"own-vault": {"same-key": Secret("x"), "new-key": Secret("y")}}
        made = make_plan(Desired(APP, wanted), store, prune=False)
        assert [(step.action, step.place.secret) for step in made.steps] == [("create", "new-key")]
