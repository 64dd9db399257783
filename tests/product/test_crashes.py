"""An apply that dies between any two calls on the wire, on every store."""

import pytest

from tailorsecrets.apply import apply
from tailorsecrets.secret import Secret
from tailorsecrets.sources import Generate
from tailorsecrets.testing.faults import Crash
from tests.product.backend import Backend
from tests.product.deploying import Vaults, deploy, plan

BEFORE: Vaults = {"api-keys": {"stripe": Secret("old"), "gone": Secret("x")}, "gone": {"secret": Secret("x")}}
WANTED: Vaults = {"api-keys": {"stripe": Secret("one"), "new": Secret("two")}, "made": {"key": Generate()}, "empty": {}}
MOST = 400  # calls of one apply; beyond, it does not end


def dies(backend: Backend, workspace: str, after: int) -> bool:
    """Apply, and tell whether the process died after so many calls."""
    with backend.store(workspace) as store:
        backend.backdoor.crash(after=after)
        try:
            return not deploy(store, WANTED).complete
        except Crash:
            return True
        finally:
            backend.backdoor.recover()


def converges(backend: Backend, workspace: str) -> set[str]:
    """Run the apply again, and return in which ways it falls short: a vault to claim, a vault left behind."""
    with backend.store(workspace) as store:
        again = plan(store, WANTED)
        assert again.conflicts == ()
        assert apply(again, store).complete
        backend.backdoor.settle()
        assert store.get_all("api-keys", ["stripe", "new", "gone"]) == ["one", "two", None]
        assert store.get("made", "key")
        assert plan(store, WANTED).steps == ()
        vaults = {vault.name for vault in store.list_vaults()}
        assert vaults - {"gone"} == set(WANTED)
        return ({"unmanaged"} if again.unmanaged else set()) | ({"left"} if "gone" in vaults else set())


@pytest.mark.timeout(180)
def test_a_rerun_converges(backend: Backend) -> None:
    """Whichever call an apply dies before, a rerun asks nothing, finishes the job, and has nothing left to do."""
    crashed, seen = 0, set[str]()
    for after in range(0, MOST, backend.stride):
        workspace = f"{backend.workspace}-{after}"
        with backend.store(workspace) as store:
            assert deploy(store, BEFORE).complete
        backend.backdoor.settle()
        if not dies(backend, workspace, after):
            break
        crashed += 1
        backend.backdoor.settle()
        seen |= converges(backend, workspace)
    assert 2 < crashed < MOST // backend.stride
    assert seen == set()
