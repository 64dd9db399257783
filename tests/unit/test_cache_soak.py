"""A day of a service in simulated time."""

import random
from contextlib import suppress

from tailorsecrets.declared.declarations import Declarations
from tailorsecrets.errors import Unavailable
from tailorsecrets.runtime.manager import SecretManager
from tailorsecrets.runtime.threads import LIMIT
from tailorsecrets.secret import Secret
from tailorsecrets.store.store import Store
from tailorsecrets.testing import Memory
from tests.support.cached import read_threads

DAY, STEP = 86_400, 20  # seconds
SIZE = 15


def test_a_day_is_bounded() -> None:
    """Over 24 hours of reads, rotations and outages the numbers of names, flights, threads and calls stay bounded."""
    now, dice = [0.0], random.Random(7)
    names = [f"name-{number}" for number in range(20)]
    memory = Memory()
    store = Store(memory)
    store.create_vault("abc")
    for name in names[:18]:
        store.create_secret("abc", name, Secret("value"))
    secrets = SecretManager(Declarations({}, {"abc": frozenset(names)}), clock=lambda: now[0])
    secrets.connect(store=lambda: Store(memory)).configure(size=SIZE, timeout=60)
    memory.forget_calls()
    most = [0, 0, 0]
    for time in range(0, DAY, STEP):
        now[0] = float(time)
        if time % 7200 == 3600:
            memory.backdoor.unreachable()
        if time % 7200 == 3600 + 900:
            memory.backdoor.recover()
        if time % 600 == 0:
            memory.backdoor.write(f"default/abc/{dice.choice(names[:18])}", "rotated")
        for name in dice.sample(names[:12], 4) + dice.sample(names[12:], time % 3600 == 0):
            with suppress(Unavailable):
                secrets.get("abc", name)
        info = secrets.cache_info()
        most = [max(pair) for pair in zip(most, (info.names, info.flights, read_threads()), strict=True)]
    assert most[0] <= SIZE
    assert most[1] <= len(names)
    assert most[2] <= LIMIT
    assert memory.calls["get"] <= 2 * len(names) * DAY / 270  # twice: names that had no room are read again
