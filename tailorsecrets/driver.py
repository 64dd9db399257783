"""The seam: what a store plugin implements, and all that it imports besides ``errors`` and ``secret``.

A store is a flat, versioned map from native names to text. Vaults, labels, stamps and value encoding are built on
top of it, once, in ``store/``; a driver never sees them. Drivers do the least: they raise what their SDK raises
and say in ``explain`` what it means.
"""

import abc
import os
import re
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Generic, Literal, NamedTuple, TypeVar

from tailorsecrets.errors import SecretsError, Unsupported
from tailorsecrets.secret import Secret

API: Final = 1  # raised only when an old driver would do wrong; anything new comes with a default instead
ABSENT: Final = ""  # put(expect=ABSENT): only if there is none
PRESENT: Final = "*"  # put(expect=PRESENT): only if there is one
WRITE_FACTOR: Final = 4  # a write may take this many times as long as a read
CONNECT_SECONDS: Final = 3.0  # that opening a connection may take
REFUSED_SECONDS: Final = 2.0  # of repeats while nothing listens, which is an answer; the server may be starting

T = TypeVar("T")
CallKind = Literal["get", "stat", "list", "write"]
State = Literal["live", "deleted", "disabled", "bare"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """What the store can do; each field has one reader, in the core. The defaults: reads one name, no more."""

    joiner: str = "/"  # between the parts of a native name, outside the name grammar; "--": the escape form of names.py
    max_name: int = 512  # characters of a native name; a longer one gets a hash form, which needs `tags`
    max_bytes: int = 65_536  # of one value in UTF-8
    empty: bool = False  # holds ""
    writes: bool = False  # put and delete
    lists: bool = False  # list
    stats: bool = False  # stat, reading no value
    stamps: bool = False  # keeps put's stamp with the version it wrote
    stamps_apart: bool = False  # the stamp is a call of its own after the write, so a version of ours may lack it
    list_stamps: bool = True  # list tells each version and stamp; else the core stats what it compares and writes, and
    # the stamp of a list, if any, is that of the last put, whoever wrote since: apply --trust-stamps believes it
    tags: bool = False  # keeps put's tags and lists them
    cas: Literal["none", "create", "full"] = "none"  # which `expect` is atomic; the rest is check, then write
    versions: bool = False  # versions, and get of an old one
    undelete: bool = False  # restore undoes delete; list(deleted=True) shows what it can undo
    containers: bool = False  # the part before the last joiner is a place to make and drop
    transactions: bool = False  # the writes inside `transaction` are one write
    local: bool = False  # no call waits for a network, so the core makes them one by one instead of in threads
    batch: int = 1  # names in one get_many
    list_lag: float = 0.0  # seconds by which list may trail a write; the core then stats before it writes
    per_s: Mapping[CallKind, float] = field(default_factory=dict[CallKind, float])  # quota of calls; absent: none
    retries: bool = False  # the SDK retries, and calls `throttled` when that is for too many calls; the core does not


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One secret, or one version of it, without its value. What the store does not tell stays at the default."""

    name: str
    version: str = ""  # differs for every write, also after delete and create; an @ and what follows may be left out
    stamp: str = ""  # of the put that wrote *this* version; "": another hand wrote it, or unknown
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    created: datetime | None = None  # of the secret, aware
    updated: datetime | None = None  # of this version, aware
    state: State = "live"  # bare: a name that never had a value
    branches: tuple[str, ...] = ()  # versions in a merge conflict; none is current, get reads each, `version` means all
    note: str = ""  # of a write: a sentence for the report on what is missing, such as the stamp; "": nothing is


class Stored(NamedTuple):
    """A value with the entry that it belongs to."""

    value: Secret
    entry: Entry


class Problem(NamedTuple):
    """The meaning of an SDK exception, and the remedy.

    ``hint`` never quotes the exception. ``reason`` is the service's own message; the core shows it for reads and
    sign-ins, and drops it for writes, where it may quote the value. ``reason_code`` is the service's own error code.
    """

    kind: type[SecretsError]
    hint: str = ""
    retry_after: float | None = None  # seconds
    reason: str = ""
    reason_code: str = ""


class Identity(NamedTuple):
    """Who is signed in, for ``tailorsecrets doctor``. It holds no credential."""

    name: str = ""  # the user, role or key, in the store's own words; "": the login does not tell
    until: datetime | None = None  # the end of the login, aware; None: it has none, or does not tell
    renews: bool = False  # at its end it is replaced, and nobody has to sign in again


class Driver(abc.ABC):
    """One connection, used by many threads at once. Methods raise what the SDK raises, or a SecretsError.

    Only ``get`` and ``explain`` are required; each other method goes with the cap that announces it, and the core
    never calls one whose cap is off.
    """

    caps: Caps = Caps()

    @abc.abstractmethod
    def get(self, name: str, version: str = "") -> Stored:
        """Return the current value, or that of *version*; missing, deleted, bare: what explains as NotFound."""

    @abc.abstractmethod
    def explain(self, exc: Exception, op: str) -> Problem:
        """Say what *exc*, raised by method *op*, means; call nothing."""

    def get_many(self, names: Sequence[str]) -> Mapping[str, Stored | Exception]:
        """Return an answer for each of at most ``caps.batch`` names."""
        raise Unsupported

    def stat(self, name: str) -> Entry:
        """Return what *name* is now, deleted and bare ones too, as fresh as the store can; reads no value."""
        raise Unsupported

    def list(self, prefix: str, *, deleted: bool = False) -> Iterator[Entry]:
        """Yield what lives (or with *deleted*, only what restore can bring back) under *prefix*, lazily by page.

        Foreign names may be among them.
        """
        raise Unsupported

    def put(
        self,
        name: str,
        value: Secret,
        *,
        expect: str | None = None,
        stamp: str = "",
        tags: Mapping[str, str] | None = None,
    ) -> Entry:
        """Write a new version; *expect* is ABSENT, PRESENT, a version, or None for anything.

        A deleted name counts as absent and is restored first, a bare one is filled. A version that is not current
        explains as Conflict, PRESENT on a missing name as NotFound, ABSENT on a live one as AlreadyExists.
        """
        raise Unsupported

    def delete(self, name: str, *, purge: bool = False) -> None:
        """Delete, softly where ``caps.undelete``; return when it reads as missing. A missing name is fine."""
        raise Unsupported

    def restore(self, name: str) -> Entry:
        """Undo a delete; a name that is not deleted explains as NotFound."""
        raise Unsupported

    def check_stamp(self, name: str) -> None:
        """Raise what the SDK raises if this login may not keep a stamp with *name*; change neither value nor stamp.

        Called only where ``caps.stamps_apart``, for a live version without a stamp whose value may not be read.
        """

    def versions(self, name: str) -> Iterator[Entry]:
        """Yield all versions that can still be read, newest first."""
        raise Unsupported

    def containers(self, prefix: str) -> Iterator[Entry]:
        """Yield the places below *prefix*; their stamp is make's note."""
        raise Unsupported

    def make(self, container: str, note: str) -> None:
        """Make a place; one that is there explains as AlreadyExists."""
        raise Unsupported

    def drop(self, container: str) -> None:
        """Drop a place; one with anything in it, deleted too, explains as NotEmpty."""
        raise Unsupported

    def transaction(self) -> AbstractContextManager[None]:
        """Make the writes of this thread inside the block one write at its end; an exception writes none of them."""
        return nullcontext()

    def setup(self) -> str:
        """Make the store itself where a plugin can; return a sentence on what was made, "" for nothing."""
        return ""

    def identity(self) -> Identity:
        """Return who is signed in; sign in first where that is not done. Goes with no cap, and reads no secret."""
        raise Unsupported

    def skew(self) -> float | None:
        """Return the seconds by which the server's clock is ahead of this machine's, as its answers told; call nothing.

        None: no answer told it. See ``ServerClock``.
        """
        return None

    def locate(self, name: str) -> str:
        """Return the part of the place of *name* that the URL may not tell, for the formats of ``StoreType.where``.

        Goes with no cap. One call at most, and none where the URL tells it; a missing name explains as NotFound.
        """
        raise Unsupported

    def close(self) -> None:
        """Let go of the connection; twice is fine. Never called in a forked child."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A store URL, taken apart. It holds no credential."""

    url: str
    scheme: str
    host: str = ""  # what stands between // and the next slash
    path: str = ""  # what follows it, unquoted, without the slash; for a scheme without //, all of it
    options: Mapping[str, str] = field(default_factory=dict[str, str])  # the query; only known ones
    base: str = "."  # the folder where relative paths start
    create: bool = False  # the user named this store: the first write may make it
    timeout: float = 15.0  # seconds that a read may take, repeats included; see ``seconds``
    environ: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)  # the process environment

    def seconds(self, *, write: bool = False) -> float:
        """Return the seconds that one operation may take, repeats included: a write has four times those of a read."""
        return seconds_for(self.timeout, write=write)


def seconds_for(timeout: float, *, write: bool) -> float:
    """Return the seconds that one operation may take where a read may take *timeout*."""
    return timeout * WRITE_FACTOR if write else timeout


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a store URL. The core checks its form; help and tables are made from it."""

    help: str  # one line
    form: str = ""  # a regular expression that the whole value must match; "": anything, also nothing
    expected: str = ""  # names the form in errors: "a region, for example eu-west-1"
    separator: str = ""  # between several values, each of which must match the form
    default: str = ""  # in words
    place: bool = True  # False: URLs that differ in this option alone name the same place

    def problem(self, text: str) -> str:
        """Return what is wrong with the value *text*, "" for nothing."""
        texts = text.split(self.separator) if self.separator else [text]
        wrong = next((each for each in texts if self.form and not re.fullmatch(self.form, each, re.ASCII)), None)
        if wrong is None:
            return ""
        several = f", or several with {self.separator!r} between them" if self.separator else ""
        return f"expected {self.expected or self.form}{several}; got {repr(wrong) if wrong else 'an empty value'}"


class VaultNames(NamedTuple):
    """The native names of one vault, from which a plugin makes a policy."""

    secrets: str  # the prefix of its secrets, joiner included
    record: str  # its record
    workspace: str  # the prefix of everything in the workspace, joiner included
    records: str  # the prefix of all records of the workspace; "" where each is in its vault's container
    container: str = ""  # its container, where the store has containers


class Location(NamedTuple):
    """One secret, for a format of ``where``."""

    name: str  # its native name
    vault: str
    secret: str
    locate: Callable[[], str]  # calls ``Driver.locate``, once

    @property
    def label(self) -> str:
        """A name for it where only letters, digits and underscores stand, and no digit first."""
        text = f"{self.vault}_{self.secret}".replace("-", "_")
        return f"_{text}" if text[0].isdigit() else text

    @property
    def variable(self) -> str:
        """The environment variable for it, as ``tailorsecrets run`` names them."""
        return self.label.upper()


class ExternalSecret(NamedTuple):
    """The format ``eso``: what the External Secrets Operator needs; the core makes its manifests."""

    provider: Mapping[str, Any]  # the store, as in ``spec.provider`` of a SecretStore
    key: str
    property: str = ""


class SecretProvider(NamedTuple):
    """The format ``csi``: what the Secrets Store CSI driver needs; the core makes its manifest."""

    provider: str
    parameters: Mapping[str, str]


Format = Callable[[Target, Location], str | ExternalSecret | SecretProvider]  # a str is printed as it is


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreType:
    """One URL scheme that a plugin opens."""

    scheme: str
    open: Callable[[Target], Driver]  # imports the SDK inside; no network, no sign-in before the first call
    options: Mapping[str, Option | str] = field(
        default_factory=dict[str, Option | str]
    )  # a str: help; others are refused
    extra: str = ""  # named when an import fails: pip install 'tailorsecrets[extra]'
    prefixed: bool = True  # the URL's path is a prefix of every native name; False: it is a place, such as a file
    policy: Callable[[Target, Sequence[VaultNames], Literal["read", "deploy"]], str] | None = None  # least privilege
    where: Mapping[str, Format] = field(default_factory=dict[str, Format])  # how other tools name a secret, by format;
    # no value; besides ``native``, which every store has
    sdk: Sequence[str] = ()  # the distributions whose versions ``doctor`` shows
    api: int = API


class Budget:
    """The time of one operation, from now on: *seconds* in all, repeats and pauses included.

    *clock*, *sleep* and *jitter* (numbers from 0 to 1; default random) are arguments for tests.
    """

    FIRST_PAUSE: Final = 0.1  # seconds before the first repeat; doubled for each further one
    LONGEST_PAUSE: Final = 5.0  # seconds
    SHORTEST: Final = 0.05  # seconds that an attempt gets at least

    def __init__(
        self,
        seconds: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] | None = None,
    ) -> None:
        self._clock, self._sleep, self._jitter = clock, sleep, jitter
        self._end, self._repeats = clock() + seconds, 0

    @property
    def left(self) -> float:
        """The seconds that are left for an attempt."""
        return max(self._end - self._clock(), self.SHORTEST)

    def pause(self, asked: float | None = 0.0, *, attempt: float = 0.0) -> float | None:
        """Return the seconds to wait before the next attempt, None where no time is left for one.

        The pause is half to all of the doubling one, on top of *asked*, the seconds that the service asks for. An
        attempt needs at least *attempt* seconds.
        """
        seconds = backoff(self._repeats, self._jitter) + (asked or 0.0)
        if self._clock() + seconds + attempt >= self._end:
            return None
        self._repeats += 1
        return seconds

    def wait(self, asked: float | None = 0.0, *, attempt: float = 0.0) -> bool:
        """Sleep for the next pause and return True; return False at once where no time is left for an attempt."""
        seconds = self.pause(asked, attempt=attempt)
        if seconds is None:
            return False
        self._sleep(seconds)
        return True


def backoff(repeats: int, jitter: Callable[[], float] | None = None) -> float:
    """Return the seconds to wait before the next attempt after *repeats* repeats: 0.1 s doubled up to 5 s, jittered."""
    longest = min(Budget.FIRST_PAUSE * 2.0 ** min(repeats, 30), Budget.LONGEST_PAUSE)
    return longest * (1 + (jitter or _random)()) / 2


def _random() -> float:
    import random  # costs a command more than the rest of this module

    return random.random()  # noqa: S311  # not a secret: it spreads callers out


class PerProcess(Generic[T]):
    """One thing for each process, such as a client: made by *make* at first use, and anew in a forked child.

    The parent's thing stays referenced in the child, and is not closed there: two processes share its connection.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._slots: dict[int, _Slot[T]] = {}

    def get(self) -> T:
        """Return this process's thing; one thread makes it while the others wait."""
        slot = self._slots.get(os.getpid())
        if slot is not None and slot.things:
            return slot.things[0]
        slot = self._slots.setdefault(os.getpid(), _Slot())  # a single step: a fork copies no lock that is held for it
        with slot.lock:
            if not slot.things:
                slot.things.append(self._make())
            return slot.things[0]

    def drop(self, thing: T | None = None) -> T | None:
        """Forget this process's thing, so that the next use makes another, and return it; None where there is none.

        With *thing*, forget it only if it is still the one in use.
        """
        slot = self._slots.get(os.getpid())
        if slot is None or not slot.things or (thing is not None and slot.things[0] is not thing):
            return None
        del self._slots[os.getpid()]
        return slot.things[0]


class _Slot(Generic[T]):
    def __init__(self) -> None:
        self.lock, self.things = threading.Lock(), list[T]()  # none or one; a list, since the thing may be None


class ServerClock:
    """The clock of a server, to about a second, from the Date header of its answers. Safe for many threads."""

    TOLERANCE: Final = 1.0  # seconds of difference that count as none: a Date header has whole seconds

    def __init__(self) -> None:
        self.ahead: float | None = None  # seconds by which it is ahead of this machine's clock; None: not known
        self._last = ""

    def now(self) -> float:
        """Return the seconds since 1970 on the server's clock; on this machine's, where the difference is not known."""
        return time.time() + (self.ahead or 0.0)

    def hear(self, date: str) -> None:
        """Take the Date header of an answer that has just come; anything else changes nothing."""
        if not date or date == self._last:
            return
        from email.utils import parsedate_to_datetime

        self._last = date
        try:
            there = parsedate_to_datetime(date).timestamp() + 0.5  # the middle of its second
        except (ValueError, TypeError):
            return
        if abs(there - self.now()) > self.TOLERANCE:
            self.ahead = there - time.time()
        elif self.ahead is None:
            self.ahead = 0.0


_throttle_listeners: Final = ContextVar[tuple[Callable[[], None], ...]]("tailorsecrets_throttle", default=())


def throttled() -> None:
    """Report that the store has refused a call as one too many, and that the SDK will try again.

    A driver with ``caps.retries`` calls it for each such refusal, in the thread in which its method runs; calls of the
    same kind then go out at half their rate. Outside of a quota it does nothing.
    """
    for listener in _throttle_listeners.get():
        listener()


@contextmanager
def on_throttled(listener: Callable[[], None]) -> Generator[None]:
    """Call *listener* for each ``throttled`` in the block."""
    before = _throttle_listeners.set((*_throttle_listeners.get(), listener))
    try:
        yield
    finally:
        _throttle_listeners.reset(before)
