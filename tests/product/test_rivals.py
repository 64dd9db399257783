"""Two deployers of one workspace, and a deployer and a hand, on every store."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from tailorsecrets.apply import Report, apply
from tailorsecrets.errors import Conflict
from tailorsecrets.plan import Plan
from tailorsecrets.secret import Secret
from tailorsecrets.store import Store
from tests.product.backend import Backend
from tests.product.deploying import Vaults, deploy, plan, values

BEFORE: Vaults = {"api-keys": {"stripe": Secret("old"), "gone": Secret("old")}}
FIRST: Vaults = {"api-keys": {"stripe": Secret("first"), "new": Secret("first"), "gone": Secret("first")}}
SECOND: Vaults = {"api-keys": {"stripe": Secret("second"), "new": Secret("second")}}


def sees_changes(store: Store) -> bool:
    """Tell whether an update is sent only if the secret is as the plan saw it."""
    return store.caps.cas == "full" or store.caps.list_lag > 0


def moved(backend: Backend, store: Store) -> dict[str, type[Exception]]:
    """Return the errors of *SECOND* where both secrets of *BEFORE* moved after the plan."""
    seen = {"stripe": sees_changes(store), "gone": True}
    return {secret: Conflict for secret in seen if seen[secret]}


def failures(report: Report) -> dict[str, type[Exception]]:
    """Return the errors by secret."""
    return {step.place.secret: type(error) for step, error in report.failed}


def test_the_later_one_gets_conflicts(backend: Backend) -> None:
    """Of what moved since its plan an apply writes nothing, as far as the store can tell; a rerun converges."""
    with backend.store() as one, backend.store() as two:
        deploy(one, BEFORE)
        backend.backdoor.settle()
        late = plan(two, SECOND)
        assert deploy(one, FIRST).complete
        expected = moved(backend, two)
        assert failures(apply(late, two)) == {"new": Conflict, **expected}
        assert one.get_all("api-keys", ["new", *expected]) == ["first", *["first" for _ in expected]]
        backend.backdoor.settle()
        assert deploy(two, SECOND).complete
        backend.backdoor.settle()
        assert values(two) == {"api-keys/stripe": "second", "api-keys/new": "second"}
        assert plan(two, SECOND).steps == ()


def test_both_at_once(backend: Backend) -> None:
    """Two that apply at the same moment lose nothing but to each other; a rerun of one converges on its values."""
    with backend.store() as one, backend.store() as two, ThreadPoolExecutor(2) as threads:
        barrier = Barrier(2)

        def race(made: Plan, store: Store) -> Report:
            barrier.wait(timeout=30)
            return apply(made, store)

        plans = [plan(one, FIRST), plan(two, SECOND)]
        reports = [
            run.result() for run in [threads.submit(race, *pair) for pair in zip(plans, (one, two), strict=True)]
        ]
        assert {kind for report in reports for kind in failures(report).values()} <= {Conflict}
        backend.backdoor.settle()
        assert deploy(two, SECOND).complete
        backend.backdoor.settle()
        assert values(two) == {"api-keys/stripe": "second", "api-keys/new": "second"}
        assert plan(two, SECOND).steps == ()


def test_a_hand_between_plan_and_apply(backend: Backend) -> None:
    """A secret that another tool wrote after the plan is left alone, as far as the store can tell."""
    with backend.store() as store:
        deploy(store, BEFORE)
        backend.backdoor.settle()
        made = plan(store, SECOND)
        for secret in ("stripe", "gone"):
            backend.backdoor.write(backend.native(store, "api-keys", secret), "by hand")
        report = apply(made, store)
        expected = moved(backend, store)
        assert failures(report) == expected
        assert store.get_all("api-keys", list(expected)) == ["by hand" for _ in expected]
        backend.backdoor.settle()
        assert deploy(store, SECOND).complete
        assert store.get_all("api-keys", ["stripe", "new", "gone"]) == ["second", "second", None]
