"""What more targets cost: planning and applying on one, two and three equal ones whose calls take 20 ms each."""

import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median

from benchmarks.measure import Row
from tailorsecrets import Secret, Store
from tailorsecrets.deploy.apply import apply_joint
from tailorsecrets.deploy.joint import JointPlan
from tailorsecrets.deploy.layout import layout
from tailorsecrets.deploy.plan import Desired
from tailorsecrets.deploy.planning import plan_targets
from tailorsecrets.store.record import Owner
from tailorsecrets.targets.choice import Choice
from tailorsecrets.targets.routes import Routes
from tailorsecrets.testing import Memory
from tailorsecrets.testing.faults import Faults
from tailorsecrets.testing.memory import FULL

SECRETS, CALL = 200, 0.02
RUNS = 3
SERVICE = replace(
    FULL, transactions=False, batch=1, list_stamps=False
)  # like a cloud's: a metadata read for each secret
WANTED = Desired(Owner("bench"), {"api-keys": {f"secret-{number}": Secret("value") for number in range(SECRETS)}})


def main() -> list[Row]:
    """Measure a first apply, and a plan with nothing to do, on 1, 2 and 3 targets."""
    times = {count: [_measured(count) for _ in range(RUNS)] for count in (1, 2, 3)}
    applied = {count: median(first for first, _ in runs) for count, runs in times.items()}
    planned = {count: median(second for _, second in runs) for count, runs in times.items()}
    return [
        Row(f"{what} of {SECRETS} secrets on {count} targets of 20 ms a call / on 1", found[count] / found[1], 1.3)
        for what, found in (("first apply", applied), ("plan", planned))
        for count in (2, 3)
    ]


def _measured(count: int) -> tuple[float, float]:
    """Return the seconds of a first apply, and those of a plan with nothing to do."""
    route = tuple(Choice(f"file:target-{number}", "default", "/") for number in range(count))
    where = layout([Routes(route)], WANTED.vaults)
    stores = [Store(_slow(), url=choice.url) for choice in route]

    def plan() -> JointPlan:
        return plan_targets(WANTED, where, stores)

    def first() -> None:
        assert all(report.complete for report in apply_joint(plan(), stores).values())

    def second() -> None:
        assert not any(each.steps for each in plan().plans.values())

    return _seconds(first), _seconds(second)


def _slow() -> Faults:
    faults = Faults(Memory(caps=SERVICE))
    faults.slow("", CALL)
    return faults


def _seconds(do: Callable[[], None]) -> float:
    begun = time.perf_counter()
    do()
    return time.perf_counter() - begun
