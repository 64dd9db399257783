"""What may go wrong between a client and a Key Vault, on demand."""

import threading
from dataclasses import dataclass
from typing import Literal

from tests.contract.azure_server_rules import Refusal

FOREVER = 10**9
Answer = Literal["", "reset", "cut", "html", "empty"]


@dataclass(slots=True, kw_only=True)
class Rule:
    """What happens to the next *times* calls of *operation* ("" for any) on *name* ("" for any)."""

    operation: str = ""
    name: str = ""
    times: int = FOREVER
    refusal: Refusal | None = None
    answer: Answer = ""  # instead of the right one: the connection is reset, half of it, a page, {}
    applied: bool = False  # the call is done before
    seconds: float = 0.0  # of delay before
    hangs: bool = False  # no answer until recover

    def meets(self, operation: str, name: str) -> bool:
        """Tell whether a call falls under this rule."""
        return self.times > 0 and self.operation in {"", operation} and self.name.lower() in {"", name.lower()}


class Faults:
    """The rules that hold now."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []
        self._lock = threading.Lock()
        self.recovered = threading.Event()

    def add(self, rule: Rule) -> None:
        """Let *rule* hold, before all older ones."""
        with self._lock:
            self._rules.insert(0, rule)

    def recover(self) -> None:
        """Drop all rules, and answer what hangs."""
        with self._lock:
            self._rules.clear()
            self.recovered.set()
            self.recovered = threading.Event()

    def find(self, operation: str, name: str) -> Rule:
        """Return the rule that a call falls under, used up by one; one that does nothing where there is none."""
        with self._lock:
            found = next((rule for rule in self._rules if rule.meets(operation, name)), Rule())
            found.times -= 1
            return found
