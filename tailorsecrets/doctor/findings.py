"""What an examination finds, and what follows from it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tailorsecrets.driver import Caps, Identity
from tailorsecrets.errors import SecretsError

State = Literal["ok", "warning", "failed", "untried"]  # a warning stops nothing
Use = Literal["", "reading", "planning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was checked. It holds no value and no credential."""

    name: str
    state: State
    text: str
    stops: Use = ""  # what fails with it; without reading there is no planning either
    code: str = ""  # of the error
    hint: str = ""
    seconds: float | None = None  # of the call


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What was found out about one target. ``store`` is "" for a URL that is wrong, and may hold a credential."""

    store: str
    workspace: str
    may_plan: bool  # the profile may write, and the store can be written
    plugin: str = ""  # its distribution and version
    sdk: Mapping[str, str] = field(default_factory=dict[str, str])  # versions by distribution
    identity: Identity | None = None
    latency: float | None = None  # seconds of the fastest call
    skew: float | None = None  # seconds by which the store's clock is ahead
    caps: Caps | None = None
    checks: tuple[Check, ...] = ()

    @property
    def reading(self) -> bool:
        """Whether a program can read here."""
        return not any(check.stops == "reading" for check in self.checks if check.state == "failed")

    @property
    def planning(self) -> bool:
        """Whether ``apply`` can make a plan here."""
        return self.reading and not any(check.stops for check in self.checks if check.state in {"failed", "warning"})

    @property
    def ok(self) -> bool:
        """Whether all works that the profile is for."""
        return self.reading and (self.planning or not self.may_plan)


def failed(name: str, error: SecretsError, stops: Use, *, needed: bool = True, seconds: float | None = None) -> Check:
    """Return the check *name*, which ended in *error*; a warning where what it *stops* is not *needed*."""
    return Check(
        name=name,
        state="failed" if needed else "warning",
        text=str(error),
        stops=stops,
        code=error.code,
        hint=error.hint,
        seconds=seconds,
    )


def limits(caps: Caps) -> str:
    """Return the limits that a driver announces, in words."""
    rates = ", ".join(f"{number:g} {kind}s" for kind, number in caps.per_s.items())
    parts = [
        f"values of {caps.max_bytes:,} bytes, names of {caps.max_name:,} characters",
        f"{caps.batch:,} secrets in one read" if caps.batch > 1 else "",
        f"{rates} a second" if rates else "",
    ]
    return "; ".join(filter(None, parts))


def list_lag(caps: Caps) -> str:
    """Return how late a list may be, in words."""
    if not caps.lists:
        return "the store cannot list its secrets"
    return f"a list may miss the last {caps.list_lag:g} seconds" if caps.list_lag else "none"
