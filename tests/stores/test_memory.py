"""The memory driver keeps the contract, with all capabilities and with few."""

from dataclasses import replace

from tailorsecrets.driver import Caps
from tailorsecrets.testing.memory import FULL, WITH_CONTAINERS
from tests.support.in_memory import InMemory


class TestFull(InMemory):
    """With every capability but containers."""

    caps = FULL
    cost = dict.fromkeys(("get", "get_many", "stat", "list", "put", "versions", "delete", "restore"), 1)


class TestContainers(InMemory):
    """With containers too, and the double hyphen between the parts."""

    caps = replace(WITH_CONTAINERS, joiner="--", max_name=127)


class TestLaggingLists(InMemory):
    """With lists that lag."""

    caps = replace(FULL, list_lag=300.0)


class TestListsWithoutStamps(InMemory):
    """With lists that show no version and no stamp."""

    caps = replace(FULL, list_stamps=False)


class TestCreateOnly(InMemory):
    """With an atomic create and no more, and without stamps, soft deletes, versions and transactions."""

    caps = Caps(writes=True, lists=True, stats=True, tags=True, cas="create")


class TestWritesOnly(InMemory):
    """With nothing but reads and writes."""

    caps = Caps(writes=True)


class TestReadsOnly(InMemory):
    """With the defaults: one name is read at a time."""
