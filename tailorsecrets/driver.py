"""The seam: what a store plugin implements, and all that it imports besides ``errors`` and ``secret``.

A store is a flat, versioned map from native names to text. Vaults, labels, stamps and value encoding are built on
top of it, once, in ``store.py``; a driver never sees them. Drivers do the least: they raise what their SDK raises
and say in ``explain`` what it means.
"""

import abc
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, NamedTuple

from tailorsecrets.errors import SecretsError, Unsupported
from tailorsecrets.secret import Secret

API: Final = 1  # raised only when an old driver would do wrong; anything new comes with a default instead
ABSENT: Final = ""  # put(expect=ABSENT): only if there is none
PRESENT: Final = "*"  # put(expect=PRESENT): only if there is one


Kind = Literal["get", "stat", "list", "write"]
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
    list_stamps: bool = True  # list tells each version and stamp; else the core stats what it compares and writes, and
    # the stamp of a list, if any, is that of the last put, whoever wrote since: apply --trust-stamps believes it
    tags: bool = False  # keeps put's tags and lists them
    cas: Literal["none", "create", "full"] = "none"  # which `expect` is atomic; the rest is check, then write
    versions: bool = False  # versions, and get of an old one
    undelete: bool = False  # restore undoes delete; list(deleted=True) shows what it can undo
    containers: bool = False  # the part before the last joiner is a place to make and drop
    transactions: bool = False  # the writes inside `transaction` are one write
    batch: int = 1  # names in one get_many
    list_lag: float = 0.0  # seconds by which list may trail a write; the core then stats before it writes
    per_s: Mapping[Kind, float] = field(default_factory=dict[Kind, float])  # quota of calls; absent: none
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
    sides: tuple[str, ...] = ()  # of a conflict, none of which is current: `version` stands for all, get takes each


class Stored(NamedTuple):
    """A value with the entry that it belongs to."""

    value: Secret
    entry: Entry


class Problem(NamedTuple):
    """What an SDK exception means and what to do about it. Never quotes the exception of a write."""

    kind: type[SecretsError]
    hint: str = ""
    retry_after: float | None = None  # seconds


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
        """Say what *exc*, raised by method *op*, means. Calls nothing."""

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
    timeout: float = 15.0  # seconds a read may take in all; a write four times as many
    environ: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)  # the process environment


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreType:
    """One URL scheme that a plugin opens."""

    scheme: str
    open: Callable[[Target], Driver]  # imports the SDK inside; no network, no sign-in before the first call
    options: Mapping[str, str] = field(default_factory=dict[str, str])  # option -> a line of help; others are refused
    extra: str = ""  # named when an import fails: pip install 'tailorsecrets[extra]'
    prefixed: bool = True  # the URL's path is a prefix of every native name; False: it is a place, such as a file
    policy: Callable[[Target, Sequence[str], Literal["read", "deploy"]], str] | None = None
    # least privilege, as text, for native names: a vault's record, or how its secrets begin, with the joiner at the end
    api: int = API


_ears: Final[ContextVar[tuple[Callable[[], None], ...]]] = ContextVar("tailorsecrets_ears", default=())


def throttled() -> None:
    """Say that the store has refused a call as one too many, and that the SDK will try again.

    A driver with ``caps.retries`` calls it for each such refusal, in the thread in which its method runs; calls of the
    same kind then go out at half their rate. Outside of a quota it does nothing.
    """
    for ear in _ears.get():
        ear()


@contextmanager
def hearing(ear: Callable[[], None]) -> Generator[None]:
    """Call *ear* for each ``throttled`` in the block."""
    before = _ears.set((*_ears.get(), ear))
    try:
        yield
    finally:
        _ears.reset(before)
