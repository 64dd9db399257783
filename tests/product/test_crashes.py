"""An apply that dies between any two calls on the wire, on every store."""

import pytest

from tailorsecrets.declared.sources import Generate
from tailorsecrets.deploy.apply import apply
from tailorsecrets.secret import Secret
from tailorsecrets.store.names import Place
from tailorsecrets.testing.faults import Crash
from tests.support.product.backend import Backend
from tests.support.product.deploying import Vaults, deploy, plan

MOST = 400  # calls of one apply; beyond, it does not end


def wanted(number: int) -> Vaults:
    """Return the declaration of apply *number*, which differs from the previous one by every kind of step.

    ``stripe`` is updated, ``back-0`` and ``back-1`` are deleted and restored by turns, and a vault makes room for a new
    one.
    """
    text = Secret(f"value {number}")
    return {"api-keys": {"stripe": text, f"back-{number % 2}": text}, f"made-{number}": {"key": Generate()}}


def dies(backend: Backend, number: int, after: int) -> bool:
    """Apply, and tell whether the process died after so many calls."""
    with backend.store() as store:
        backend.backdoor.crash(after=after)
        try:
            return not deploy(store, wanted(number)).complete
        except Crash:
            return True
        finally:
            backend.backdoor.recover()


def converges(backend: Backend, number: int) -> None:
    """Run the apply again: it asks nothing, does the rest, destroys nothing, and leaves nothing to do."""
    back, text = f"back-{number % 2}", f"value {number}"
    with backend.store() as store:
        again = plan(store, wanted(number))
        assert (again.conflicts, again.unmanaged) == ((), ())
        assert apply(again, store).complete
        backend.backdoor.settle()
        assert store.get_all("api-keys", ["stripe", back]) == [text, text]
        assert store.get(f"made-{number}", "key")
        assert len(store.history("api-keys", back)) > 1
        assert plan(store, wanted(number)).steps == ()
        assert {vault.name for vault in store.list_vaults()} == set(wanted(number))
        if not store.caps.containers:  # lists would get longer and longer; a container is gone with all in it
            for secret in ("key", ""):
                store._operations.delete(Place(f"made-{number - 1}", secret), purge=True)


@pytest.mark.timeout(180)
def test_a_rerun_converges(backend: Backend) -> None:
    """Whichever call an apply dies before, a rerun asks nothing, finishes the job, and has nothing left to do."""
    with backend.store() as store:
        for number in (0, 1):
            assert deploy(store, wanted(number)).complete
            backend.backdoor.settle()
    crashed = 0
    while dies(backend, crashed + 2, after=crashed):
        backend.backdoor.settle()
        converges(backend, crashed + 2)
        crashed += 1
        assert crashed < MOST
    assert crashed > 2
