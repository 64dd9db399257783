"""A deployment keeps to the rates that its store declares, on a clock that only the pauses move."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import combinations
from typing import Final, TypeVar

import pytest

from tailorsecrets.driver import CallKind, Driver, Entry
from tailorsecrets.secret import Secret
from tailorsecrets.store.layers import Call, Layer, Quota
from tailorsecrets.store.parallel import AT_ONCE
from tailorsecrets.store.store import Store
from tailorsecrets.testing.clock import FakeClock
from tailorsecrets_aws.driver import CAPS as AWS
from tailorsecrets_azure.driver import CAPS as AZURE
from tailorsecrets_gcp.driver import CAPS as GCP
from tests.support.product.backend import Backend
from tests.support.product.deploying import deploy, many

T = TypeVar("T")
COUNT: Final = 80  # secrets: more than any of the stores takes in a second
DECLARED: Final = {"aws": AWS.per_s, "azure": AZURE.per_s, "gcp": GCP.per_s}


class Noted(Layer):
    """Notes when each call goes out to *driver*, for which the rates *per_s* are declared."""

    def __init__(self, driver: Driver, per_s: Mapping[CallKind, float], clock: FakeClock) -> None:
        super().__init__(driver)
        self.caps = replace(driver.caps, per_s=per_s)
        self.sent: dict[CallKind, list[float]] = {"get": [], "stat": [], "list": [], "write": []}
        self._clock = clock

    def around(self, call: Call, do: Callable[[], T]) -> T:
        """Note the time and pass on."""
        self.sent[call.kind].append(self._clock())
        return do()

    def around_each(self, call: Call, do: Callable[[], Iterator[Entry]]) -> Iterator[Entry]:
        """Note the time and pass on."""
        return self.around(call, do)


def too_fast(sent: list[float], rate: float) -> list[tuple[float, float]]:
    """Return the spans of time in which more was *sent* than *rate* a second, one second's calls and the threads'."""
    most = max(1.0, rate) + AT_ONCE  # a thread that wakes up may find that others have moved the clock on
    ends = list(enumerate(sorted(sent)))
    return [(start, end) for (a, start), (b, end) in combinations(ends, 2) if b - a + 1 > rate * (end - start) + most]


@pytest.mark.parametrize("backend", sorted(DECLARED), indirect=True)
def test_deployments_keep_to_the_rates(request: pytest.FixtureRequest, backend: Backend) -> None:
    """Creating, planning, changing and deleting many secrets sends no kind of call faster than declared."""
    clock, per_s = FakeClock(), DECLARED[request.node.callspec.params["backend"]]
    noted = Noted(backend.connect(), per_s, clock)
    changed = {vault: {name: Secret("changed") for name in secrets} for vault, secrets in many(COUNT).items()}
    with Store(Quota(noted, clock=clock, sleep=clock.sleep), backend.workspace, prefix=backend.prefix) as store:
        for wanted in (many(COUNT), changed, {"api-keys": changed["api-keys"]}):
            assert deploy(store, wanted).complete
            backend.backdoor.settle()
    assert len(noted.sent["write"]) >= 2.5 * COUNT
    assert {kind for kind, rate in per_s.items() if too_fast(noted.sent[kind], rate)} == set()
