"""Several stores in memory, planned and applied as the targets of one profile."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from tailorsecrets.deploy.apply import Report, apply_joint
from tailorsecrets.deploy.copy import copy_layout, plan_copy, read_contents
from tailorsecrets.deploy.joint import JointPlan
from tailorsecrets.deploy.layout import layout
from tailorsecrets.deploy.plan import Desired, DesiredValue
from tailorsecrets.deploy.planning import plan_targets
from tailorsecrets.deploy.reports import Reporter, load_report
from tailorsecrets.deploy.undo import plan_undo
from tailorsecrets.driver import Caps, Driver, Entry
from tailorsecrets.store.layers import Call, Layer
from tailorsecrets.store.record import Owner
from tailorsecrets.store.store import Store
from tailorsecrets.targets.choice import Choice
from tailorsecrets.targets.routes import Routes
from tailorsecrets.testing.faults import Crash, Faults
from tailorsecrets.testing.memory import FULL, Memory

T = TypeVar("T")
APP = Owner("my-app")
Vaults = Mapping[str, Mapping[str, DesiredValue]]
PLAIN = replace(FULL, transactions=False, batch=1)


class Fuse:
    """Lets a number of calls pass, counted over all targets, and then each further one dies."""

    def __init__(self) -> None:
        self.left: int | None = None
        self._lock = threading.Lock()

    def burn(self) -> None:
        """Count one call."""
        with self._lock:
            if self.left is not None:
                self.left -= 1
                if self.left < 0:
                    raise Crash


class Fused(Layer):
    """A driver whose process dies when the *fuse* has burnt."""

    def __init__(self, inner: Driver, fuse: Fuse) -> None:
        super().__init__(inner)
        self._fuse = fuse

    def around(self, call: Call, do: Callable[[], T]) -> T:
        """Make the call, if the process still lives."""
        self._fuse.burn()
        return do()

    def around_each(self, call: Call, do: Callable[[], Iterator[Entry]]) -> Iterator[Entry]:
        """Do the same for a listing."""
        self._fuse.burn()
        return do()


def target(number: int) -> Choice:
    """Return the target of this *number*."""
    return Choice(f"file:target-{number}", "default", "/x")


def routes(default: Sequence[int], **vaults: Sequence[int]) -> Routes:
    """Return the routes of a profile; ``a_b=`` stands for the vault ``a-b``."""
    named = {vault.replace("_", "-"): tuple(map(target, route)) for vault, route in vaults.items()}
    return Routes(tuple(map(target, default)), named, profile="prod")


@dataclass
class Targets:
    """The stores, which stay while routes and declarations change."""

    caps: Sequence[Caps] = (PLAIN, PLAIN)
    memories: list[Memory] = field(init=False)

    def __post_init__(self) -> None:
        self.fuse = Fuse()
        self.memories = [Memory(caps=caps) for caps in self.caps]
        self.faults = [Faults(Fused(memory, self.fuse)) for memory in self.memories]

    def plan(
        self,
        declared: Vaults,
        found: Routes | Sequence[Routes],
        owner: Owner = APP,
        external: Mapping[str, frozenset[str]] = MappingProxyType({}),
        **options: Any,
    ) -> JointPlan:
        """Plan *declared*; others manage *external*."""
        profiles = [found] if isinstance(found, Routes) else list(found)
        where = layout(profiles, declared)
        return plan_targets(Desired(owner, declared, external), where, self.stores(where.targets), **options)

    def apply(self, joint: JointPlan, report: Path | None = None) -> dict[int, Report]:
        """Carry out *joint*; write a report to *report*, a new file."""
        stores = self.stores(joint.layout.targets)
        if report is None:
            return apply_joint(joint, stores)
        reporter = Reporter(report, "apply", joint)
        try:
            return apply_joint(joint, stores, reporter)
        finally:
            reporter.close()

    def undo(self, report: Path) -> JointPlan:
        """Return the plan that undoes *report*."""
        found = load_report(report)
        return plan_undo(found, self.stores(found.targets))

    def copy(self, source: Routes, other: Routes, vaults: Sequence[str] = ()) -> JointPlan:
        """Return the plan of a copy."""
        contents = read_contents(source, lambda choice: self.stores([choice])[0], vaults)
        where = copy_layout(contents, other)
        return plan_copy(contents, where, self.stores(where.targets))

    def deploy(self, declared: Vaults, found: Routes | Sequence[Routes], **options: Any) -> dict[int, Report]:
        """Plan and apply *declared*; every step is done."""
        reports = self.apply(self.plan(declared, found, **options))
        assert all(report.complete for report in reports.values()), reports
        return reports

    def stores(self, targets: Iterable[Choice]) -> list[Store]:
        """Open the stores of *targets*."""
        return [Store(self.faults[self.number(choice)], url=choice.url) for choice in targets]

    def number(self, choice: Choice) -> int:
        """Return the number of *choice* here."""
        return int(choice.url.rpartition("-")[2])

    def values(self, number: int) -> dict[str, str | None]:
        """Return all that a program can read at target *number*."""
        store = Store(self.memories[number])
        return {
            f"{vault.name}/{entry.name}": store.get(vault.name, entry.name)
            for vault in store.list_vaults()
            for entry in store.list_secrets(vault.name)
        }

    def forget_calls(self) -> None:
        """Set all counts to zero."""
        for faults in self.faults:
            faults.calls.clear()

    @property
    def costs(self) -> tuple[int, int]:
        """The reads of values and the writes since the counts were set to zero, at all targets."""
        calls = [call for faults in self.faults for call in faults.calls]
        reads = [call for call in calls if call.kind == "get" and "/v/" not in call.name and call.name[-2:] != "/v"]
        return len(reads), sum(call.writes for call in calls)
