"""Each layer, and all of them stacked, keep the contract of the driver inside."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tailorsecrets.driver import Driver
from tailorsecrets.store.layers import Layer, Quota, Retry, stack
from tailorsecrets.testing.clock import FakeClock
from tailorsecrets.testing.faults import Faults
from tailorsecrets.testing.memory import FULL, WITH_CONTAINERS
from tests.support.in_memory import InMemory

PACED = replace(FULL, per_s={"get": 50.0, "stat": 50.0, "list": 10.0, "write": 5.0})


class TestLayer(InMemory):
    """A layer that changes nothing."""

    caps = WITH_CONTAINERS

    @pytest.fixture
    def layer(self) -> Callable[[Driver], Driver]:
        """Return the layer."""
        return Layer


class TestRetry(InMemory):
    """Repeats, around a driver that does not repeat by itself."""

    caps = WITH_CONTAINERS

    @pytest.fixture
    def layer(self) -> Callable[[Driver], Driver]:
        """Return the layer, on its own clock."""
        clock = FakeClock()
        return lambda driver: Retry(driver, clock=clock, sleep=clock.sleep)


class TestQuota(InMemory):
    """A rate within the quota."""

    caps = PACED

    @pytest.fixture
    def layer(self) -> Callable[[Driver], Driver]:
        """Return the layer, on its own clock."""
        clock = FakeClock()
        return lambda driver: Quota(driver, clock=clock, sleep=clock.sleep)


class TestFaults(InMemory):
    """Faults, with none set."""

    caps = FULL

    @pytest.fixture
    def layer(self) -> Callable[[Driver], Driver]:
        """Return the layer."""
        return Faults


class TestAllStacked(InMemory):
    """Repeats around a quota around faults."""

    caps = PACED

    @pytest.fixture
    def layer(self) -> Callable[[Driver], Driver]:
        """Return the layers, on their own clock."""
        clock = FakeClock()
        return lambda driver: Retry(
            Quota(Faults(driver), clock=clock, sleep=clock.sleep), clock=clock, sleep=clock.sleep
        )


class TestStack(InMemory):
    """The layers that the capabilities call for, on the real clock."""

    caps = replace(FULL, per_s={"get": 10_000.0, "write": 10_000.0})

    @pytest.fixture
    def layer(self) -> Callable[[Driver], Driver]:
        """Return the stack, with half a second for reads, which two repeats fit into."""
        return lambda driver: stack(driver, timeout=0.5)
