"""Honesty: a driver can do what it declares, and refuses everything else."""

import subprocess
import sys
from collections.abc import Callable, Mapping

from tailorsecrets.driver import Caps, Driver
from tailorsecrets.errors import SecretsError, Unavailable, Unsupported
from tailorsecrets.secret import Secret
from tailorsecrets.testing.backdoor import ABILITIES, LATER, Backdoor
from tailorsecrets.testing.conformance.declarations import problems_of
from tailorsecrets.testing.conformance.suite import (
    Connect,
    Suite,
    can,
    check,
    declares,
    equal,
    group,
    names,
    problem,
    refused,
    uses,
    where,
)


@group("honest")
class Honesty(Suite):
    """The tests of a driver's declarations: ``caps``, ``explain``, the cost of calls, opening and importing."""

    def test_declarations_are_true(self, driver: Driver, backdoor: Backdoor) -> None:
        """The suite has the driver's own capabilities, and the backdoor lacks exactly the abilities in ``cannot``."""
        problems = problems_of(type(self))
        check(not problems, "; ".join(problems))
        wrong = [name for name in Caps.__slots__ if getattr(driver.caps, name) != getattr(self.caps, name)]
        differing = [f"{name}={getattr(driver.caps, name)!r}, not {getattr(self.caps, name)!r}" for name in wrong]
        check(not wrong, f"the driver has caps.{', '.join(differing)}, as the suite declares")
        able = {name for name in ABILITIES if can(backdoor, name)}
        denied = sorted(able & self.cannot)
        check(not denied, f"`cannot` names {', '.join(denied)}, which the backdoor has")
        missing = sorted(ABILITIES - LATER - self.cannot - able)
        check(not missing, f"the backdoor lacks {', '.join(missing)}: implement it, or name it in `cannot`")

    def test_each_cap_shown(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """Every method of an announced capability can be called."""
        backdoor.write(vault + "key", "value")
        for able, op, call in self.abilities(driver, vault + "key"):
            if able:
                try:
                    call()
                except Exception as exc:  # noqa: BLE001 - every exception of a driver must have a meaning
                    kind = problem(driver, exc, op).kind.__name__
                    raise AssertionError(f"{op}, which caps announce, raised what means {kind}") from None

    def test_each_missing_cap_refused(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """Every method without an announced capability explains as Unsupported."""
        backdoor.write(vault + "key", "value")
        for able, op, call in self.abilities(driver, vault + "key"):
            if not able:
                with refused(driver, op, Unsupported):
                    call()

    def test_every_sdk_exception_explained(self, driver: Driver) -> None:
        """Each kind of exception that the SDK raises has a meaning, and ``explain`` accepts an unknown one."""
        for op in ("get", "list", "put"):
            for exc in self.sdk_exceptions:
                kind = driver.explain(exc, op).kind
                known = issubclass(kind, SecretsError) and kind is not SecretsError
                check(known, f"explain has no meaning for {type(exc).__name__} of {op}")
            kind = driver.explain(Exception("unknown"), op).kind
            check(issubclass(kind, SecretsError), f"explain returned {kind.__name__} for an unknown exception")

    @uses("unreachable")
    def test_open_touches_no_network(self, connect: Connect, backdoor: Backdoor) -> None:
        """A driver opens without its store; the first call fails."""
        backdoor.unreachable()
        try:
            driver = connect()
        except Exception as exc:  # noqa: BLE001 - whatever it is, it is too early
            raise AssertionError(f"opening a driver without its store raised {type(exc).__name__}") from None
        with refused(driver, "get", Unavailable):
            driver.get(f"{self.prefix}default{self.caps.joiner}api{self.caps.joiner}key")
        driver.close()

    @declares("module", "sdk")
    def test_import_loads_no_sdk(self) -> None:
        """Importing the plugin imports no SDK."""
        code = f"import {self.module}, sys; print(*sys.modules)"
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603 - our own code
        check(not run.returncode, f"importing {self.module} failed: {run.stderr.strip().rpartition(chr(10))[2]}")
        loaded = sorted(set(self.sdk) & set(run.stdout.split()))
        check(not loaded, f"importing {self.module} imported {', '.join(loaded)}: import it in the function that opens")

    @declares("cost")
    @uses("calls")
    @where(lambda caps: caps.writes, "the driver declares no writes")
    def test_calls_per_operation(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """Each method sends the declared number of calls to the store."""
        driver.put(vault + "key", Secret("value"))
        found = {op: self.calls_of(op, driver, backdoor, vault + "key") for op in self.cost}
        equal(found, dict(self.cost), "the calls by method")

    def calls_of(self, op: str, driver: Driver, backdoor: Backdoor, name: str) -> int:
        """Return the number of calls that method *op* on *name*, which exists, sends to the store."""
        before = backdoor.calls()
        self.operations(driver, name)[op]()
        return backdoor.calls() - before

    def operations(self, driver: Driver, name: str) -> Mapping[str, Callable[[], object]]:
        """Return a plain call of each method on *name*, by method."""
        vault = name.rpartition(self.caps.joiner)[0] + self.caps.joiner
        return {
            "get": lambda: driver.get(name),
            "get_many": lambda: driver.get_many([name]),
            "stat": lambda: driver.stat(name),
            "list": lambda: names(driver.list(vault)),
            "put": lambda: driver.put(name, Secret("another value")),
            "delete": lambda: driver.delete(name),
            "restore": lambda: driver.restore(name),
            "versions": lambda: names(driver.versions(name)),
            "containers": lambda: names(driver.containers(vault)),
        }

    def abilities(self, driver: Driver, name: str) -> list[tuple[bool, str, Callable[[], object]]]:
        """Return (announced, method, call) for each method with a capability, in an order that works."""
        caps, calls = self.caps, self.operations(driver, name)
        announced = {
            "get_many": caps.batch > 1,
            "stat": caps.stats,
            "list": caps.lists,
            "versions": caps.versions,
            "containers": caps.containers,
            "put": caps.writes,
            "delete": caps.writes,
            "restore": caps.undelete,
        }
        return [(able, op, calls[op]) for op, able in announced.items()]
