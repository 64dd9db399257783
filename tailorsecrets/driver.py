"""The seam: what a store plugin implements, and all that it imports besides ``errors`` and ``secret``.

A store is a flat, versioned map from native names to text. Vaults, labels, stamps and value encoding are built on
top of it, once, in ``store/``; a driver never sees them. Drivers do the least: they raise what their SDK raises
and say in ``explain`` what it means. What most drivers need to do that is in ``kit``, and can be imported from here.
"""

import abc
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, cast

from tailorsecrets.errors import ConfigError, Corrupt, NotFound, Unsupported
from tailorsecrets.errors import Problem as Problem
from tailorsecrets.secret import Secret

if TYPE_CHECKING:
    from tailorsecrets.kit.budget import CONNECT_SECONDS as CONNECT_SECONDS
    from tailorsecrets.kit.budget import REFUSED_SECONDS as REFUSED_SECONDS
    from tailorsecrets.kit.budget import Budget as Budget
    from tailorsecrets.kit.budget import backoff as backoff
    from tailorsecrets.kit.per_process import PerProcess as PerProcess
    from tailorsecrets.kit.server_clock import ServerClock as ServerClock
    from tailorsecrets.kit.throttling import on_throttled as on_throttled
    from tailorsecrets.kit.throttling import throttled as throttled

API: Final = 1  # raised only when an old driver would do wrong; anything new comes with a default instead
ABSENT: Final = ""  # put(expect=ABSENT): only if there is none
PRESENT: Final = "*"  # put(expect=PRESENT): only if there is one
WRITE_FACTOR: Final = 4  # a write may take this many times as long as a read

CallKind = Literal["get", "stat", "list", "write"]
State = Literal["live", "deleted", "disabled", "bare"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """What the store can do; the core never calls what is not declared. By default: read one name, no more.

    - `joiner`: the text between the parts of a native name, of characters outside the grammar of names. `"--"` is the
      form for stores without such a character, in which a hyphen of a name is escaped
    - `max_name`: characters of the longest native name; a longer one gets a hash form, which needs `tags`
    - `max_bytes`: bytes of the largest value in UTF-8; a larger one is refused before the call
    - `empty`: the store holds the empty text; else the core writes another text for it
    - `writes`: `put` and `delete`
    - `lists`: `list`
    - `stats`: `stat`, which reads no value; else the core reads the value where it needs the metadata
    - `stamps`: the store keeps the stamp of `put` with the version that it wrote, so that plans read no value
    - `stamps_apart`: the stamp needs a separate call after the write, so a version of ours may lack it
    - `list_stamps`: `list` shows each version and stamp. Where it is off, the core reads the metadata of what it
      compares and writes. A stamp in a list is then that of the last put, even if another tool wrote later; `apply
      --trust-stamps` trusts it
    - `tags`: the store keeps the tags of `put`, and lists them
    - `cas`: which `expect` of `put` is atomic in the store: `"none"`, `"create"` (ABSENT) or `"full"` (ABSENT, PRESENT
      and versions). For the rest the core reads first and then writes
    - `versions`: `versions`, and `get` of an old one
    - `undelete`: `restore` undoes `delete`, and `list(deleted=True)` shows what it can undo
    - `containers`: the part of a name before its last joiner is a container, which `make` creates and `drop` deletes
    - `transactions`: the writes inside `transaction` are one write
    - `local`: no call waits for a network, so the core calls one by one instead of in threads
    - `batch`: names in one `get_many`; 1: there is none
    - `list_lag`: seconds by which a list may lag behind a write; where it is over 0, the core reads the metadata before
      it writes
    - `per_s`: the store's quota in calls a second, by `"get"`, `"stat"`, `"list"` and `"write"`; no entry: no quota
    - `retries`: the SDK retries, and the driver calls `throttled` each time the store throttles a call; the core then
      does not retry
    """

    joiner: str = "/"
    max_name: int = 512
    max_bytes: int = 65_536
    empty: bool = False
    writes: bool = False
    lists: bool = False
    stats: bool = False
    stamps: bool = False
    stamps_apart: bool = False
    list_stamps: bool = True
    tags: bool = False
    cas: Literal["none", "create", "full"] = "none"
    versions: bool = False
    undelete: bool = False
    containers: bool = False
    transactions: bool = False
    local: bool = False
    batch: int = 1
    list_lag: float = 0.0
    per_s: Mapping[CallKind, float] = field(default_factory=dict[CallKind, float])
    retries: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One secret, or one version of it, without its value. A field that the store does not report keeps its default.

    - `name`: the native name
    - `version`: a text that differs for every write, also after a delete and a create. An @ and what follows it may be
      left out of a version that the driver gets
    - `stamp`: the stamp of the put that wrote this version; "": another tool wrote it, or it is not known
    - `tags`: what `put` got as tags, and those of other tools
    - `created`: when the secret was created, aware
    - `updated`: when this version was written, aware
    - `state`: `"live"`, `"deleted"`, `"disabled"`, or `"bare"` for a name that never had a value
    - `branches`: versions in a merge conflict. None is current, `get` reads each, and `version` means all of them
    - `note`: of a write, a sentence for the report on what is missing, such as the stamp; "": nothing is
    """

    name: str
    version: str = ""
    stamp: str = ""
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    created: datetime | None = None
    updated: datetime | None = None
    state: State = "live"
    branches: tuple[str, ...] = ()
    note: str = ""


class Stored(NamedTuple):
    """A value with the entry that it belongs to."""

    value: Secret
    entry: Entry


class Identity(NamedTuple):
    """Who is signed in, for ``tailorsecrets doctor``. It holds no credential."""

    name: str = ""  # the user, role or key, in the store's own words; "": the login does not tell
    until: datetime | None = None  # the end of the login, aware; None: it has none, or does not tell
    renews: bool = False  # at its end it is replaced, and nobody has to sign in again


class Driver(abc.ABC):
    """One connection, used by many threads at once. Methods raise what the SDK raises, or a SecretsError.

    Only ``get`` and ``explain`` are required; each other method belongs to the cap that announces it, and the core
    never calls one whose cap is off.
    """

    caps: Caps = Caps()

    @abc.abstractmethod
    def get(self, name: str, version: str = "") -> Stored:
        """Return the current value, or that of *version*; missing, deleted or bare: raise what explains as NotFound."""

    @abc.abstractmethod
    def explain(self, exc: Exception, op: str) -> Problem:
        """Say what *exc*, raised by method *op*, means; call nothing.

        *exc* is what the SDK raised, or a mistake in this plugin. Name the SDK's classes and statuses, and return
        ``Problem(SecretsError)`` for the rest: a TypeError is not an outage, and would be retried as one.
        """

    def native(self, name: str) -> str:
        """Return the name for ``get`` of another tool's entry, whose *name* the user gives in the store's own terms."""
        return name

    def get_field(self, name: str, field: str, version: str = "") -> Stored:
        """Return the text of one *field* of an entry, or of an old *version* of it; any other value as compact JSON.

        This is the field of the JSON object in the value. A driver whose entries have fields overrides it. A missing
        field: NotFound; a value that is not a JSON object: Corrupt.
        """
        value, entry = self.get(name, version) if version else self.get(name)
        return Stored(field_of(value, field), entry)

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
        """Raise what the SDK raises if this login may not keep a stamp with *name*; do not change value or stamp.

        Called only where ``caps.stamps_apart``, for a live version without a stamp whose value may not be read.
        """

    def versions(self, name: str) -> Iterator[Entry]:
        """Yield all versions that can still be read, newest first."""
        raise Unsupported

    def containers(self, prefix: str) -> Iterator[Entry]:
        """Yield the containers below *prefix*; their stamp is make's note."""
        raise Unsupported

    def make(self, container: str, note: str) -> None:
        """Make a container; one that exists explains as AlreadyExists."""
        raise Unsupported

    def drop(self, container: str) -> None:
        """Drop a container; one with anything in it, even deleted, explains as NotEmpty."""
        raise Unsupported

    def transaction(self) -> AbstractContextManager[None]:
        """Make the writes of this thread inside the block one write at its end; an exception writes none of them."""
        return nullcontext()

    def prepare(self) -> None:  # nothing to do where a client is made quickly
        """Make what the first call needs and takes long, such as the SDK's client; call nothing over a network."""

    def setup(self) -> str:
        """Make the store itself where a plugin can; return a sentence on what was made, "" for nothing."""
        return ""

    def identity(self) -> Identity:
        """Return who is signed in; sign in first where that is not done. Needs no cap, and reads no secret."""
        raise Unsupported

    def skew(self) -> float | None:
        """Return the seconds by which the server's clock is ahead of this machine's; call nothing.

        It is taken from the dates of the answers so far. None: no answer had a date. See ``ServerClock``.
        """
        return None

    def locate(self, name: str) -> str:
        """Return the part of the place of *name* that the URL may lack, for the formats of ``StoreType.where``.

        Needs no cap. One call at most, and none if the URL has it; a missing name explains as NotFound.
        """
        raise Unsupported

    def close(self) -> None:
        """Close the connection; may be called twice. Never called in a forked child."""


def field_of(value: Secret, field: str) -> Secret:
    """Return *field* of the JSON object that *value* is; see ``Driver.get_field``."""
    import json

    try:
        fields: object = json.loads(value.reveal())
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise Corrupt("the value is not a JSON object", hint="leave #FIELD out to read the whole value")
    return as_field(cast("dict[str, object]", fields), field)


def as_field(fields: Mapping[str, object], field: str) -> Secret:
    """Return *field* of the fields of an entry: its text, or the compact JSON of another value; NotFound for none."""
    import json

    if field not in fields:
        raise NotFound(f"the entry has no field {field!r}")
    found = fields[field]
    return Secret(found if isinstance(found, str) else json.dumps(found, separators=(",", ":"), ensure_ascii=False))


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A store URL, taken apart by the core. It holds no credential: those are in `environ`, or found by the SDK.

    - `url`: the whole URL, as the user wrote it
    - `scheme`: in lower case
    - `host`: the text between // and the next slash
    - `path`: what follows the host, unquoted, without the slash; for a scheme without //, all of it
    - `options`: the query; only options that the store type declares, each in its form
    - `base`: the folder where relative paths start
    - `create`: the user named this store, so that the first write may make it
    - `timeout`: seconds that a read may take, retries included; see `seconds`
    - `environ`: the environment variables; a driver reads these, and not those of the process
    """

    url: str
    scheme: str
    host: str = ""
    path: str = ""
    options: Mapping[str, str] = field(default_factory=dict[str, str])
    base: str = "."
    create: bool = False
    timeout: float = 15.0
    environ: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)

    def seconds(self, *, write: bool = False) -> float:
        """Return the seconds that one operation may take, retries included: a write has four times those of a read."""
        return seconds_for(self.timeout, write=write)

    def several(self, option: str) -> tuple[str, ...]:
        """Return the values of *option*, which commas separate; () where the URL does not have it."""
        text = self.options.get(option, "")
        return tuple(text.split(",")) if text else ()

    def pairs(self, option: str, *, most: int) -> dict[str, str]:
        """Return the values of *option*, each ``key=value``; ConfigError for over *most* of them, or a key twice."""
        found = [text.partition("=") for text in self.several(option)]
        pairs = {key: value for key, _, value in found}
        if len(found) > most or len(pairs) < len(found):
            wrong = f"{option}={self.options[option]}"
            raise ConfigError(f"{wrong}: expected up to {most} {option}, each key once")
        return pairs

    def file(self, option: str) -> str:
        """Return the path of the file that *option* names, "" where the URL does not have it; ConfigError for none."""
        name = self.options.get(option, "")
        path = os.path.join(self.base, name)  # noqa: PTH118  # pathlib is a tenth of a short command
        if name and not os.path.isfile(path):  # noqa: PTH113
            raise ConfigError(f"{option}={name}: the file does not exist")
        return path if name else ""


def seconds_for(timeout: float, *, write: bool) -> float:
    """Return the seconds that one operation may take where a read may take *timeout*."""
    return timeout * WRITE_FACTOR if write else timeout


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a store URL. The core checks its form; help and tables are made from it.

    - `help`: one line
    - `form`: a regular expression that the whole value must match; "": anything, also nothing
    - `expected`: the form in words, for errors: "a region, for example eu-west-1"
    - `separator`: the text between several values, each of which must match the form; "": one value
    - `default`: what happens without the option, in words
    - `place`: False where URLs that differ in this option alone name the same place
    """

    help: str
    form: str = ""
    expected: str = ""
    separator: str = ""
    default: str = ""
    place: bool = True

    def problem(self, text: str) -> str:
        """Return what is wrong with the value *text*, "" for nothing."""
        texts = text.split(self.separator) if self.separator else [text]
        wrong = next((each for each in texts if self.form and not re.fullmatch(self.form, each, re.ASCII)), None)
        if wrong is None:
            return ""
        several = f", or several with {self.separator!r} between them" if self.separator else ""
        return f"expected {self.expected or self.form}{several}; got {repr(wrong) if wrong else 'an empty value'}"


class VaultNames(NamedTuple):
    """The native names of one vault, from which a plugin makes a policy.

    For an external secret with a native name, ``secrets`` is that name and has no joiner at its end; a policy for
    reading grants just this name.

    - `secrets`: the prefix of its secrets, joiner included
    - `record`: its record
    - `workspace`: the prefix of everything in the workspace, joiner included
    - `records`: the prefix of all records of the workspace; "" where each is in its vault's container
    - `container`: its container, where the store has containers
    - `copied`: secrets whose values a deployer must read, since they are copied to other targets
    """

    secrets: str
    record: str
    workspace: str
    records: str
    container: str = ""
    copied: tuple[str, ...] = ()


class Location(NamedTuple):
    """One secret, for a format of ``where``."""

    name: str  # its native name
    vault: str
    secret: str
    locate: Callable[[], str]  # calls ``Driver.locate``, once

    @property
    def label(self) -> str:
        """A name for it with only letters, digits and underscores, which does not begin with a digit."""
        text = f"{self.vault}_{self.secret}".replace("-", "_")
        return f"_{text}" if text[0].isdigit() else text

    @property
    def variable(self) -> str:
        """The environment variable for it: as ``tailorsecrets run`` names it, after "_" if that begins with a digit."""
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
    """One URL scheme that a plugin opens.

    - `scheme`: the scheme, in lower case
    - `open`: returns a driver for a target. It imports the SDK, calls nothing and does not sign in: the first call of
      the driver does. See `imported`. A wrong option is a ConfigError that names it
    - `options`: the URL's options, each an Option, or its line of help; others are refused before `open`. Every store
      has the option `timeout`
    - `extra`: the extra that is named when an import fails: `pip install 'DISTRIBUTION[extra]'`
    - `prefixed`: the URL's path is a prefix of every native name, which the core adds. False: the path is a place, such
      as a file
    - `policy`: returns the least-privilege policy, as text, for a use of some vaults; None: the store has none
    - `where`: how other tools name a secret, by format, without its value; the format `native` is every store's
    - `sdk`: the distributions whose versions `tailorsecrets doctor` shows
    - `api`: the version of this seam that the plugin needs
    """

    scheme: str
    open: Callable[[Target], Driver]
    options: Mapping[str, Option | str] = field(default_factory=dict[str, Option | str])
    extra: str = ""
    prefixed: bool = True
    policy: Callable[[Target, Sequence[VaultNames], Literal["read", "deploy"]], str] | None = None
    where: Mapping[str, Format] = field(default_factory=dict[str, Format])
    sdk: Sequence[str] = ()
    api: int = API


def imported(name: str) -> Callable[..., Any]:
    """Return a function that imports the one that *name* names, ``module:function``, when it is called, and calls it.

    For ``StoreType.open`` and ``policy``: importing a plugin must import no SDK.
    """

    def call(*args: Any) -> Any:
        module, _, function = name.partition(":")
        return getattr(import_module(module), function)(*args)

    return call


_IN_THE_KIT: Final = {
    "CONNECT_SECONDS": "budget",
    "REFUSED_SECONDS": "budget",
    "Budget": "budget",
    "backoff": "budget",
    "PerProcess": "per_process",
    "ServerClock": "server_clock",
    "on_throttled": "throttling",
    "throttled": "throttling",
}  # name -> the module that has it, loaded when the name is used


if not TYPE_CHECKING:  # so that a type checker finds a misspelt import

    def __getattr__(name: str) -> object:
        if name not in _IN_THE_KIT:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"tailorsecrets.kit.{_IN_THE_KIT[name]}"), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *_IN_THE_KIT})
