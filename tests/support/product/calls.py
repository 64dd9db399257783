"""What the product's operations cost in calls that arrive at the store."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tailorsecrets.deploy.apply import apply
from tailorsecrets.secret import Secret
from tailorsecrets.store.store import Store
from tests.support.product.backend import Backend, Request, writes
from tests.support.product.deploying import deploy, many, plan

Counts = Mapping[str, int]
BATCH = 100  # secrets of one get_all
CHANGED = "secret-0"


@dataclass(frozen=True)
class Costs:
    """What each operation costs on one store, by the store's own words for its calls.

    *first* is what the first call of a process costs more. *quiet* says that planning what is unchanged, and applying
    it, read no secret's value and wrote nothing.
    """

    first: Counts = field(default_factory=dict[str, int])
    get: Counts = field(default_factory=dict[str, int])
    get_all: Counts = field(default_factory=dict[str, int])
    unchanged: Counts = field(default_factory=dict[str, int])
    one_changed: Counts = field(default_factory=dict[str, int])
    all_new: Counts = field(default_factory=dict[str, int])
    quiet: bool = True


def measure(backend: Backend, count: int) -> Costs:
    """Deploy *count* secrets in two vaults and count the calls of everything that one does with them."""
    wanted = many(count)
    changed = {**wanted, "api-keys": {**wanted["api-keys"], CHANGED: Secret("changed")}}
    with backend.store() as store:
        _warm(store)
        new = plan(store, wanted)
        all_new = _calls(backend, lambda: apply(new, store))
    backend.backdoor.settle()
    with backend.store() as store:
        first = _calls(backend, lambda: store.get("api-keys", CHANGED))
        get = _calls(backend, lambda: store.get("api-keys", "secret-2"))
        names = list(wanted["api-keys"])[:BATCH]
        get_all = _calls(backend, lambda: store.get_all("api-keys", names))
    with backend.store() as store:
        _warm(store)
        unchanged = _calls(backend, lambda: deploy(store, wanted))
        quiet = not backend.value_reads(store, unchanged) and not writes(unchanged)
        one = plan(store, changed)
        one_changed = _calls(backend, lambda: apply(one, store))
    return Costs(
        _tally(first) - _tally(get),
        _tally(get),
        _tally(get_all),
        _tally(unchanged),
        _tally(one_changed),
        _tally(all_new),
        quiet,
    )


def _warm(store: Store) -> None:
    """Do what a process does once: sign in, and look at the mount before a miss is believed or a write is sent."""
    store.get_all("api-keys", [CHANGED, "never-there"])


def _calls(backend: Backend, do: Callable[[], object]) -> list[Request]:
    before = len(backend.arrived())
    do()
    return backend.since(before)


def _tally(requests: list[Request]) -> Counter[str]:
    return Counter(request.op for request in requests)
