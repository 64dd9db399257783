"""Several real stores as the targets of one profile: planned and applied together, counted on the wire."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from tailorsecrets.deploy.apply import Report, apply_joint
from tailorsecrets.deploy.joint import JointPlan
from tailorsecrets.deploy.layout import layout
from tailorsecrets.deploy.plan import Desired
from tailorsecrets.deploy.planning import plan_targets
from tailorsecrets.targets.choice import Choice
from tailorsecrets.targets.routes import Routes
from tailorsecrets.testing.fuse import Fuse
from tests.support.product.backend import Backend, Request, writes
from tests.support.product.backends import BACKENDS, Start
from tests.support.product.deploying import APP, Vaults, values


class Clouds:
    """The *backends* by name, which stay while routes and declarations change; *fuse* ends the process for all."""

    def __init__(self, names: Sequence[str], folder: Path, servers: Start, stack: ExitStack) -> None:
        self.backends: dict[str, Backend] = {}
        for name in names:
            (folder / name).mkdir()
            self.backends[name] = stack.enter_context(BACKENDS[name](folder / name, servers))

    def choice(self, name: str) -> Choice:
        """Return the target of the backend *name*."""
        backend = self.backends[name]
        return Choice(backend.url, backend.workspace, str(backend.folder))

    def routes(self, default: Sequence[str], **vaults: Sequence[str]) -> Routes:
        """Return the routes of a profile; ``a_b=`` stands for the vault ``a-b``."""
        named = {vault.replace("_", "-"): tuple(map(self.choice, route)) for vault, route in vaults.items()}
        return Routes(tuple(map(self.choice, default)), named, profile="prod")

    def deploy(self, wanted: Vaults, found: Routes, *, delete_moved: bool = False) -> JointPlan:
        """Plan and apply *wanted*; every step is done. Return the plan."""
        joint, reports = self.apply(wanted, found, delete_moved=delete_moved)
        assert not joint.failures
        assert all(report.complete for report in reports.values()), reports
        for backend in self.backends.values():
            backend.backdoor.settle()
        return joint

    def apply(
        self, wanted: Vaults, found: Routes, *, delete_moved: bool = False
    ) -> tuple[JointPlan, Mapping[int, Report]]:
        """Plan and apply *wanted*."""
        where = layout([found], wanted)
        with ExitStack() as stack:
            stores = [stack.enter_context(self._of(choice).store()) for choice in where.targets]
            joint = plan_targets(Desired(APP, wanted), where, stores, delete_moved=delete_moved)
            return joint, apply_joint(joint, stores)

    def cost(self, wanted: Vaults, found: Routes, *, delete_moved: bool = False) -> tuple[int, int]:
        """Return the values of secrets that one more apply reads on the wire, and its writes, at all targets."""
        before = {name: len(backend.arrived()) for name, backend in self.backends.items()}
        self.deploy(wanted, found, delete_moved=delete_moved)
        after = {name: backend.since(before[name]) for name, backend in self.backends.items()}
        return self._reads(after), sum(len(writes(requests)) for requests in after.values())

    def _reads(self, requests: Mapping[str, Sequence[Request]]) -> int:
        total = 0
        for name, backend in self.backends.items():
            with backend.store() as store:
                total += len(backend.value_reads(store, requests[name]))
        return total

    def values(self, name: str) -> dict[str, str | None]:
        """Return all that a program can read at the backend *name*."""
        with self.backends[name].store() as store:
            return values(store)

    def share_fuse(self) -> Fuse:
        """Return one fuse that the calls to OpenBao and AWS burn together."""
        fuse: Fuse = self.backends["openbao-mounts"].backdoor._fuse  # type: ignore[attr-defined]
        self.backends["aws"].backdoor._aws.fuse = fuse  # type: ignore[attr-defined]
        return fuse

    def _of(self, choice: Choice) -> Backend:
        return next(backend for backend in self.backends.values() if backend.url == choice.url)


def only(found: Mapping[str, str | None], vaults: Iterable[str]) -> dict[str, str | None]:
    """Return those of *found* that are in *vaults*."""
    return {name: value for name, value in found.items() if name.partition("/")[0] in set(vaults)}
