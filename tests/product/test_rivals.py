"""Two deployers of one workspace, and a deployer and a change by hand, on every store."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from tailorsecrets.deploy.apply import Report, apply
from tailorsecrets.deploy.plan import Plan
from tailorsecrets.errors import Conflict
from tailorsecrets.secret import Secret
from tailorsecrets.store.store import Store
from tests.support.product.backend import Backend
from tests.support.product.deploying import Vaults, deploy, plan, values

BEFORE: Vaults = {"api-keys": {"stripe": Secret("old"), "gone": Secret("old")}}
FIRST: Vaults = {"api-keys": {"stripe": Secret("first"), "new": Secret("first"), "gone": Secret("first")}}
SECOND: Vaults = {"api-keys": {"stripe": Secret("second"), "new": Secret("second")}}


def failures(report: Report) -> dict[str, type[Exception]]:
    """Return the errors by secret."""
    return {step.place.secret: type(error) for step, error in report.failed}


def test_the_later_one_gets_conflicts(backend: Backend) -> None:
    """Of what moved since its plan an apply writes nothing; a rerun converges."""
    with backend.store() as one, backend.store() as two:
        deploy(one, BEFORE)
        backend.backdoor.settle()
        late = plan(two, SECOND)
        assert deploy(one, FIRST).complete
        assert failures(apply(late, two)) == dict.fromkeys(["new", "stripe", "gone"], Conflict)
        assert one.get_all("api-keys", ["new", "stripe", "gone"]) == ["first", "first", "first"]
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
    """A secret that another tool wrote after the plan is left alone."""
    with backend.store() as store:
        deploy(store, BEFORE)
        backend.backdoor.settle()
        made = plan(store, SECOND)
        for secret in ("stripe", "gone"):
            backend.backdoor.write(backend.native(store, "api-keys", secret), "by hand")
        report = apply(made, store)
        assert failures(report) == dict.fromkeys(["stripe", "gone"], Conflict)
        assert store.get_all("api-keys", ["stripe", "gone"]) == ["by hand", "by hand"]
        backend.backdoor.settle()
        assert deploy(store, SECOND).complete
        assert store.get_all("api-keys", ["stripe", "new", "gone"]) == ["second", "second", None]
