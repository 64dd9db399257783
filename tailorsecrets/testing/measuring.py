"""What a store can do, measured through its plugin with throw-away secrets, compared with the driver's ``caps``."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from tailorsecrets.driver import ABSENT, Caps, Driver, Problem, Stored
from tailorsecrets.errors import AlreadyExists, Conflict, NotFound, SecretsError, StoreNotFound, Unsupported
from tailorsecrets.secret import Secret
from tailorsecrets.store.store import Store, workspace_of

_STAMP: Final = "q3JmW8x-T0_vLr5kYc2ZbH9sNfDgA7eP"  # like those of the core
_STALE: Final = "stale"  # no version of anything
Measured = bool | None  # None: cannot be seen from here


class Finding(NamedTuple):
    """One ability: whether the driver declares it, and what was measured.

    *measured* is "yes", "no", or "-" for what was not measured; *note* says why, or what came instead. *good* is False
    for an ability that is declared and is not there.
    """

    ability: str
    declared: bool
    measured: str
    note: str = ""

    @property
    def good(self) -> bool:
        """Whether the declaration holds."""
        return not (self.declared and self.measured == "no")


def throwaway_vault() -> str:
    """Return the name of a vault that nobody uses."""
    return f"plugin-check-{secrets.token_hex(4)}"


def measure(store: Store, vault: str) -> Iterator[Finding]:
    """Yield what *store* can do, each as soon as it is known, and delete all of *vault* at the end.

    A store that cannot write is only read; one that does not exist yet is made where a first write makes it. Raise the
    error of a store that does not answer or refuses the login.
    """
    try:
        store.get(vault, "missing")
    except StoreNotFound:
        if not (store.caps.writes and workspace_of(store).may_create):
            raise
    names = workspace_of(store).vault_names(vault)
    trial = _Trial(workspace_of(store).driver, names.secrets, names.container)
    if names.container and store.caps.writes:
        workspace_of(store).operations.make(vault, "made by tailorsecrets plugin check")
    try:
        yield from (trial.finding(probe) for probe in _PROBES)
    finally:
        trial.end()


@dataclass
class _Trial:
    """The throw-away secrets whose names begin with *prefix*."""

    driver: Driver
    prefix: str
    container: str
    names: set[str] = field(default_factory=set[str])

    @property
    def caps(self) -> Caps:
        return self.driver.caps

    def end(self) -> None:
        """Delete what was written, as far as the store allows."""
        if not self.caps.writes:
            return
        for name in sorted(self.names):
            for purge in (False, True):
                with suppress(Exception):
                    self.driver.delete(name, purge=purge)
        if self.container:
            with suppress(Exception):
                self.driver.drop(self.container)

    def name(self, part: str) -> str:
        """Return a name of this vault; it is deleted at the end."""
        self.names.add(self.prefix + part)
        return self.prefix + part

    def put(self, part: str, text: str = "throw-away") -> str:
        """Write a secret and return its name."""
        name = self.name(part)
        self.driver.put(name, Secret(text))
        return name

    def holds(self, name: str, text: str = "throw-away", version: str = "") -> bool:
        """Tell whether *name* reads as *text*."""
        stored = self.driver.get(name, version) if version else self.driver.get(name)
        return stored.value == Secret(text)

    def kind(self, exc: Exception, op: str) -> type[SecretsError]:
        """Return what *exc* means."""
        problem = Problem(type(exc)) if isinstance(exc, SecretsError) else self.driver.explain(exc, op)
        return problem.kind

    def refused(self, op: str, call: Callable[[], object], *kinds: type[SecretsError]) -> bool:
        """Tell whether *call*, of method *op*, is refused as one of *kinds*."""
        try:
            call()
        except Exception as exc:  # noqa: BLE001  # whatever a driver raises has a meaning
            return issubclass(self.kind(exc, op), kinds)
        return False

    def finding(self, probe: "_Probe") -> Finding:
        """Return the result of *probe*."""
        declared = probe.declared(self.caps)
        if probe.writes and not self.caps.writes:
            return Finding(probe.ability, declared, "-", "needs a store that can be written")
        try:
            seen = probe.see(self)
        except Exception as exc:  # noqa: BLE001  # whatever a driver raises has a meaning
            kind = self.kind(exc, probe.op)
            came = "" if not declared or issubclass(kind, Unsupported) else f"{probe.op}: {kind.meaning}"
            return Finding(probe.ability, declared, "no", came)
        if seen is None:
            return Finding(probe.ability, declared, "-", probe.unseen)
        note = "works, and is not declared" if seen and not declared else ""
        return Finding(probe.ability, declared, "yes" if seen else "no", note)


@dataclass(frozen=True, slots=True)
class _Probe:
    """How one ability is measured; *op* is its method."""

    ability: str
    declared: Callable[[Caps], bool]
    op: str
    see: Callable[[_Trial], Measured]
    writes: bool = True
    unseen: str = ""


def _missing(trial: _Trial) -> Measured:
    return trial.refused("get", lambda: trial.driver.get(trial.prefix + "missing"), NotFound)


def _write(trial: _Trial) -> Measured:
    return trial.holds(trial.put("written"))


def _delete(trial: _Trial) -> Measured:
    name = trial.put("deleted")
    trial.driver.delete(name)
    return trial.refused("get", lambda: trial.driver.get(name), NotFound)


def _list(trial: _Trial) -> Measured:
    name = trial.put("listed")
    listed = [entry.name for entry in trial.driver.list(trial.prefix)]
    return True if name in listed else None if trial.caps.list_lag else False


def _stat(trial: _Trial) -> Measured:
    return trial.driver.stat(trial.put("looked-at")).state == "live"


def _stamp(trial: _Trial) -> Measured:
    name = trial.name("stamped")
    trial.driver.put(name, Secret("throw-away"), stamp=_STAMP)
    return trial.driver.get(name).entry.stamp == _STAMP


def _tags(trial: _Trial) -> Measured:
    name = trial.name("tagged")
    trial.driver.put(name, Secret("throw-away"), tags={"plugin-check": "yes"})
    return trial.driver.get(name).entry.tags.get("plugin-check") == "yes"


def _create_once(trial: _Trial) -> Measured:
    name = trial.put("created")
    again = Secret("again")
    return trial.refused(
        "put", lambda: trial.driver.put(name, again, expect=ABSENT), AlreadyExists, Conflict
    ) and trial.holds(name)


def _update_once(trial: _Trial) -> Measured:
    name = trial.put("updated")
    again = Secret("again")
    return trial.refused("put", lambda: trial.driver.put(name, again, expect=_STALE), Conflict) and trial.holds(name)


def _old_version(trial: _Trial) -> Measured:
    name = trial.put("versioned", "first")
    trial.put("versioned", "second")
    versions = [entry.version for entry in trial.driver.versions(name)]
    return len(versions) > 1 and trial.holds(name, "first", versions[1]) and trial.holds(name, "second")


def _restore(trial: _Trial) -> Measured:
    name = trial.put("restored")
    trial.driver.delete(name)
    trial.driver.restore(name)
    return trial.holds(name)


def _batch(trial: _Trial) -> Measured:
    name, missing = trial.put("batched"), trial.prefix + "missing"
    answers = trial.driver.get_many([name, missing])
    lacking = answers[missing]
    return isinstance(answers[name], Stored) and isinstance(lacking, Exception)


def _empty(trial: _Trial) -> Measured:
    return trial.holds(trial.put("empty", ""), "")


def _longest_value(trial: _Trial) -> Measured:
    text = "x" * trial.caps.max_bytes
    return trial.holds(trial.put("long-value", text), text)


def _longest_name(trial: _Trial) -> Measured:
    return trial.holds(trial.put("n" * (trial.caps.max_name - len(trial.prefix))))


def _container(trial: _Trial) -> Measured:
    return trial.container in [entry.name for entry in trial.driver.containers(trial.container)]


def _transaction(trial: _Trial) -> Measured:
    name = trial.name("undone")
    with suppress(_Undone), trial.driver.transaction():
        trial.driver.put(name, Secret("throw-away"))
        raise _Undone
    return trial.refused("get", lambda: trial.driver.get(name), NotFound)


class _Undone(Exception):
    """Ends a transaction."""


_PROBES: Final[tuple[_Probe, ...]] = (
    _Probe("a missing secret reads as missing", lambda _: True, "get", _missing, writes=False),
    _Probe("write and read", lambda caps: caps.writes, "put", _write),
    _Probe("delete", lambda caps: caps.writes, "delete", _delete),
    _Probe("list names", lambda caps: caps.lists, "list", _list, unseen="lists may lag behind writes"),
    _Probe("read metadata without the value", lambda caps: caps.stats, "stat", _stat),
    _Probe("keep a stamp", lambda caps: caps.stamps, "put", _stamp),
    _Probe("keep tags", lambda caps: caps.tags, "put", _tags),
    _Probe("create only if absent", lambda caps: caps.cas != "none", "put", _create_once),
    _Probe("update only if unchanged", lambda caps: caps.cas == "full", "put", _update_once),
    _Probe("keep old versions", lambda caps: caps.versions, "versions", _old_version),
    _Probe("restore what was deleted", lambda caps: caps.undelete, "restore", _restore),
    _Probe("read several in one call", lambda caps: caps.batch > 1, "get_many", _batch),
    _Probe("keep the empty value", lambda caps: caps.empty, "put", _empty),
    _Probe("write the longest value", lambda caps: caps.writes, "put", _longest_value),
    _Probe("write the longest name", lambda caps: caps.writes, "put", _longest_name),
    _Probe("make a container for a vault", lambda caps: caps.containers, "containers", _container),
    _Probe("make several writes one", lambda caps: caps.transactions, "put", _transaction),
)
