"""Faults between a client and a Key Vault, on demand."""

from dataclasses import dataclass
from typing import Literal

from tests.support.azure.rules import Refusal

Answer = Literal["", "reset", "cut", "html", "empty"]


@dataclass(slots=True, kw_only=True)
class Rule:
    """The fault of the next *times* calls of *operation* ("" for any) on *name* ("" for any)."""

    operation: str = ""
    name: str = ""
    times: float = float("inf")
    refusal: Refusal | None = None
    answer: Answer = ""  # instead of the right one: the connection is reset, half of it, a page, {}
    applied: bool = False  # the call is done before
    seconds: float = 0.0  # of delay before
    hangs: bool = False  # no answer until recover

    def meets(self, operation: str, name: str) -> bool:
        """Return whether the rule applies to a call, and count the call."""
        met = self.times > 0 and self.operation in {"", operation} and self.name.lower() in {"", name.lower()}
        self.times -= met
        return met
