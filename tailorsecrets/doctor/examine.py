"""Examining targets: each right that reading and planning need is tried on names of the config, and nothing is written.

A value that is read is discarded. A name that does not exist is enough to test a right.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, NamedTuple, TypeVar

from tailorsecrets.doctor.findings import Check, Diagnosis, Use, failed, limits, list_lag
from tailorsecrets.driver import Caps, Identity
from tailorsecrets.errors import (
    ConfigError,
    NotFound,
    SecretsError,
    StoreNotFound,
    Throttled,
    Unauthenticated,
    Unavailable,
    Unsupported,
)
from tailorsecrets.store.names import Place
from tailorsecrets.store.parallel import at_once, parallel
from tailorsecrets.store.store import Store, workspace_of
from tailorsecrets.store.workspace import Workspace
from tailorsecrets.targets.choice import Choice
from tailorsecrets.targets.opening import open_choice, parsed
from tailorsecrets.targets.plugins import distribution_of, version_of
from tailorsecrets.targets.routes import Routes

T = TypeVar("T")
Names = Mapping[str, Sequence[str]]  # secrets by vault

PROBE: Final = Place("tailorsecrets-doctor", "probe")  # where no config names a secret
SKEWED: Final = 60.0  # seconds of difference between two clocks that deserve a warning
_OF_THE_STORE: Final = (ConfigError, StoreNotFound, Throttled, Unauthenticated, Unavailable)
_SOON: Final = timedelta(minutes=5)
_NO_NAMES: Final = "there is no config with secrets, so a missing name was tried; run doctor beside a config"
_CLOCK: Final = "set this machine's clock, for example with NTP: services refuse logins if the clock is wrong"


def check_config(load: Callable[[], Names]) -> tuple[Check, Names]:
    """Return the check of the config, and its names, which *load* returns; no names where it fails."""
    try:
        names = load()
    except SecretsError as error:
        if error.code == "CONFIG_NOT_FOUND":
            return Check(name="config", state="untried", text=f"{error}: its names cannot be tried"), {}
        return failed("config", error, "reading"), {}
    count = sum(map(len, names.values()))
    return Check(name="config", state="ok", text=f"vaults: {len(names)}, secrets: {count}"), names


class _Tried(NamedTuple):
    """The answer to one call, or its error; and the seconds that it took."""

    error: SecretsError | None
    seconds: float


def diagnose(targets: Sequence[tuple[Choice, Names]], environ: Mapping[str, str]) -> list[Diagnosis]:
    """Examine *targets* at once, each with the names that it holds; return what was found, in their order.

    It raises nothing.
    """
    return at_once([partial(examine, choice, names, environ) for choice, names in targets])


def targets_of(routes: Sequence[Routes], names: Names) -> list[tuple[Choice, Names]]:
    """Return the targets of *routes*, those of one profile after those of another, with the names that each holds.

    External secrets with a native name are left out.
    """
    return [
        (target, _held(each, target, names))
        for each in routes
        for target in ([each.only] if each.only else each.targets)
    ]


def _held(routes: Routes, target: Choice, names: Names) -> Names:
    vaults = list(names) if routes.only else routes.vaults_at(target, names)
    return {vault: [name for name in names[vault] if not routes.native(Place(vault, name))] for vault in vaults}


def examine(choice: Choice, names: Names, environ: Mapping[str, str]) -> Diagnosis:
    """Examine one target; *names* are secrets that it should hold, of which one in each vault is tried."""
    found = Diagnosis(store="", workspace=choice.workspace, may_plan=not choice.read_only)
    try:
        store_type, _ = parsed(choice, environ)
        found = replace(
            found,
            store=choice.url,
            plugin=_with_version(distribution_of(store_type.scheme)),
            sdk={name: version for name in store_type.sdk if (version := version_of(name))},
        )
        with open_choice(choice, environ, create=False) as store:
            return _Examination(store, found, names).run()
    except SecretsError as error:
        return replace(found, checks=(failed("plugin", error, "reading"),))


def _with_version(distribution: str) -> str:
    return f"{distribution} {version_of(distribution)}".strip()


class _Examination:
    """The calls of one examination, and what they show."""

    def __init__(self, store: Store, found: Diagnosis, names: Names) -> None:
        self._workspace: Workspace = workspace_of(store)
        self._caps: Caps = store.caps
        self._places = [Place(vault, secrets[0]) for vault, secrets in names.items() if secrets] or [PROBE]
        self._vaults = list(names) or [PROBE.vault]
        self._found = replace(found, caps=store.caps, may_plan=found.may_plan and store.caps.writes)
        self._seconds: list[float] = []

    def run(self) -> Diagnosis:
        """Make the calls, the most basic ones first; after an error of the store itself, no more."""
        plugin = Check(name="plugin", state="ok", text=_versions(self._found))
        first = self._try(self._places[0], self._workspace.operations.get)
        stopped = first.error if _is_of_the_store(first.error) else None
        identity, login = (None, _login_refused(stopped)) if stopped else self._login()
        checks = [plugin, login]
        checks += [] if stopped else [*self._reading(first), *self._planning()]
        skew = self._skew()
        latency = min(self._seconds, default=None) if not stopped or skew is not None else None
        return replace(
            self._found,
            identity=identity,
            latency=latency,
            skew=skew,
            checks=(
                *checks[:1],
                _reach(stopped, latency),
                *checks[1:],
                *([Check(name="rights", state="untried", text="not tried")] if stopped else []),
                _clock(skew, self._caps),
                Check(name="limits", state="ok", text=limits(self._caps)),
                Check(name="list lag", state="ok", text=list_lag(self._caps)),
            ),
        )

    def _login(self) -> tuple[Identity | None, Check]:
        """Ask who is signed in; a failure says nothing about secrets: it may need a separate right or service."""
        try:
            identity = self._workspace.operations.identity()
        except Unsupported:
            return None, Check(name="login", state="untried", text="the plugin cannot show who is signed in")
        except SecretsError as error:
            text = f"accepted; its name is not known: {error}"
            return None, Check(name="login", state="warning", text=text, code=error.code)
        return identity, _login(identity, datetime.now(UTC))

    def _reading(self, first: _Tried) -> Iterator[Check]:
        """Try to read one secret in each vault."""
        get = self._workspace.operations.get
        rest = parallel(self._caps, lambda place: self._try(place, get), self._places[1:])
        yield from _rights("read", dict(zip(map(str, self._places), [first, *rest], strict=True)), "reading")

    def _planning(self) -> Iterator[Check]:
        """Try to list names, to read records, and to read metadata."""
        if not self._caps.writes:
            yield Check(name="plan", state="untried", text="the store can only be read")
            return
        needed = self._found.may_plan
        if self._caps.lists:
            yield from _rights("list", {"": self._try(None, lambda _: self._list())}, "planning", needed=needed)
        else:
            yield Check(name="list", state="untried", text="the store cannot list its secrets: apply deletes nothing")
        records = parallel(self._caps, lambda vault: self._try(Place(vault), self._record), self._vaults)
        shown = dict(zip((f"vault {vault}" for vault in self._vaults), records, strict=True))
        yield from _rights("records", shown, "planning", needed=needed)
        if self._caps.stats:
            stats = parallel(self._caps, lambda place: self._try(place, self._stat), self._places)
            stops: Use = "" if self._caps.list_stamps else "planning"
            shown = dict(zip(map(str, self._places), stats, strict=True))
            yield from _rights("metadata", shown, stops, needed=needed and bool(stops))

    def _list(self) -> None:
        """List the first name; in a store with containers, list those and the names in one."""
        operations = self._workspace.operations
        vaults = self._vaults[:1]
        if self._caps.containers:
            there = list(self._workspace.containers())
            vaults = [vault for vault in self._vaults if vault in there][:1]
        for vault in vaults:
            next(operations.list(vault if self._caps.containers else ""), None)

    def _record(self, place: Place) -> None:
        for result in self._workspace.records([place.vault]).values():
            if isinstance(result, SecretsError):
                raise result

    def _stat(self, place: Place) -> None:
        self._workspace.operations.stat(place)

    def _skew(self) -> float | None:
        with suppress(SecretsError):
            return self._workspace.operations.skew()
        return None

    def _try(self, place: T, call: Callable[[T], object]) -> _Tried:
        error: SecretsError | None = None
        start = time.perf_counter()
        try:
            call(place)
        except SecretsError as exc:
            error = exc.with_traceback(None)
        seconds = time.perf_counter() - start
        if not _is_of_the_store(error) or isinstance(error, Unauthenticated):
            self._seconds.append(seconds)
        return _Tried(error, seconds)


def _is_of_the_store(error: SecretsError | None) -> bool:
    """Tell whether *error* is about the store, so that every further call would fail in the same way."""
    return isinstance(error, _OF_THE_STORE)


def _rights(name: str, tried: Mapping[str, _Tried], stops: Use, *, needed: bool = True) -> Iterator[Check]:
    """Yield one check for all places where *name* is allowed, and one for each where it is not."""
    problems = {place: answer for place, answer in tried.items() if _problem(answer.error)}
    fine = [_noted(place, answer) for place, answer in tried.items() if place not in problems]
    if fine:
        seconds = min(answer.seconds for place, answer in tried.items() if place not in problems)
        yield Check(name=name, state="ok", text=", ".join(filter(None, fine)) or "allowed", seconds=seconds)
    for answer in problems.values():
        assert answer.error is not None
        check = failed(name, answer.error, stops, needed=needed, seconds=answer.seconds)
        is_probe = answer.error.vault == PROBE.vault
        yield replace(check, hint="; ".join(filter(None, [check.hint, _NO_NAMES if is_probe else ""])))


def _problem(error: SecretsError | None) -> bool:
    """Tell whether *error* is a problem: that something is missing is not."""
    return error is not None and (isinstance(error, StoreNotFound) or not isinstance(error, NotFound))


def _noted(place: str, answer: _Tried) -> str:
    if place.endswith(str(PROBE)) or place == f"vault {PROBE.vault}":
        return ""
    return f"{place} (does not exist)" if answer.error else place


def _versions(found: Diagnosis) -> str:
    return "; ".join([found.plugin or "not installed as a distribution", *(f"{n} {v}" for n, v in found.sdk.items())])


def _reach(stopped: SecretsError | None, latency: float | None) -> Check:
    """Return the check of the network: a store that refused the login was reached if it sent its time."""
    if stopped is None or (isinstance(stopped, Unauthenticated) and latency is not None):
        return Check(name="reach", state="ok", text=f"answers in {_milliseconds(latency or 0)}", seconds=latency)
    if isinstance(stopped, Unauthenticated):
        return Check(name="reach", state="untried", text="not tried without a login")
    return failed("reach", stopped, "reading")


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1_000:.0f} ms" if seconds >= 0.001 else "under 1 ms"  # noqa: PLR2004


def _login_refused(stopped: SecretsError) -> Check:
    if isinstance(stopped, Unauthenticated):
        return failed("login", stopped, "reading")
    return Check(name="login", state="untried", text="not tried")


def _login(identity: Identity, now: datetime) -> Check:
    name = identity.name or "accepted; its name is not known"
    if identity.until is None:
        return Check(name="login", state="ok", text=name)
    text = f"{name}, until {identity.until.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    if identity.renews:
        return Check(name="login", state="ok", text=f"{text}, then renewed")
    if identity.until - now < _SOON:
        return Check(name="login", state="warning", text=text, hint="sign in again soon")
    return Check(name="login", state="ok", text=text)


def _clock(skew: float | None, caps: Caps) -> Check:
    if skew is None:
        text = "the store is on this machine" if caps.local else "the store did not send its time"
        return Check(name="clock", state="untried", text=text)
    away = f"this machine's clock is {abs(skew):.0f} s {'behind' if skew > 0 else 'ahead of'} the store's"
    if abs(skew) >= SKEWED:
        return Check(name="clock", state="warning", text=away, hint=_CLOCK)
    return Check(name="clock", state="ok", text=away if round(skew) else "agrees with the store's to a second")
