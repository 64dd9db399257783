"""What goes wrong on demand at a server of the tests: rules that hold until they are used up, or until ``recover``."""

import threading
from typing import Generic, Protocol, TypeVar


class Rule(Protocol):
    """What happens to some calls."""

    def meets(self, operation: str, name: str) -> bool:
        """Tell whether a call of *operation* on *name* falls under this rule, and use it up by one."""
        ...


R = TypeVar("R", bound=Rule)


class Faults(Generic[R]):
    """The rules that hold now."""

    def __init__(self) -> None:
        self._rules: list[R] = []
        self._lock = threading.Lock()
        self.recovered = threading.Event()

    def add(self, rule: R) -> None:
        """Let *rule* hold, before all older ones."""
        with self._lock:
            self._rules.insert(0, rule)

    def recover(self) -> None:
        """Drop all rules, and answer what hangs."""
        with self._lock:
            self._rules.clear()
            self.recovered.set()
            self.recovered = threading.Event()

    def find(self, operation: str, name: str) -> R | None:
        """Return the rule that a call falls under."""
        with self._lock:
            return next((rule for rule in self._rules if rule.meets(operation, name)), None)
