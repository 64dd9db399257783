"""A driver around a driver, which does something about each call; a layer is a driver, so layers stack in any order."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

from tailorsecrets.driver import CallKind, Driver, Entry, Identity, Problem, Stored, seconds_for
from tailorsecrets.errors import SecretsError
from tailorsecrets.secret import Secret

T = TypeVar("T")

_KINDS: Final[Mapping[str, CallKind]] = {
    "get": "get",
    "get_field": "get",
    "get_many": "get",
    "stat": "stat",
    "list": "list",
    "versions": "list",
    "containers": "list",
    "identity": "stat",
    "locate": "stat",
}  # the rest are writes


@dataclass(frozen=True, slots=True)
class Call:
    """A call of method *op* on *name*: a native name, a prefix, a container, or "" for a batch."""

    op: str
    name: str

    @property
    def kind(self) -> CallKind:
        """What it counts as in a quota."""
        return _KINDS.get(self.op, "write")

    @property
    def writes(self) -> bool:
        """Whether it changes the store."""
        return self.kind == "write"

    def budget(self, timeout: float) -> float:
        """Return the seconds that it may take where a read may take *timeout*."""
        return seconds_for(timeout, write=self.writes)


class Layer(Driver):
    """A driver that passes everything to *inner*; a kind of layer overrides ``around`` and ``around_each``."""

    def __init__(self, inner: Driver) -> None:
        self.inner = inner
        self.caps = inner.caps

    def around(self, call: Call, do: Callable[[], T]) -> T:
        """Return the result of *do*, which makes *call* at the inner driver."""
        del call
        return do()

    def around_each(self, call: Call, do: Callable[[], Iterator[Entry]]) -> Iterator[Entry]:
        """Yield the entries of *do*, which makes *call* at the inner driver."""
        del call
        return do()

    def explain(self, exc: Exception, op: str) -> Problem:
        """Return the meaning of *exc*: an error of ours has its own, the inner driver explains the rest."""
        if isinstance(exc, SecretsError):
            return Problem(type(exc), exc.hint, reason=exc.reason, reason_code=exc.reason_code)
        return self.inner.explain(exc, op)

    def get(self, name: str, version: str = "") -> Stored:
        """Pass on."""
        return self.around(Call("get", name), partial(self.inner.get, name, version))

    def native(self, name: str) -> str:
        """Pass on."""
        return self.inner.native(name)

    def get_field(self, name: str, field: str, version: str = "") -> Stored:
        """Pass on."""
        return self.around(Call("get_field", name), partial(self.inner.get_field, name, field, version))

    def get_many(self, names: Sequence[str]) -> Mapping[str, Stored | Exception]:
        """Pass on."""
        return self.around(Call("get_many", ""), partial(self.inner.get_many, names))

    def stat(self, name: str) -> Entry:
        """Pass on."""
        return self.around(Call("stat", name), partial(self.inner.stat, name))

    def list(self, prefix: str, *, deleted: bool = False) -> Iterator[Entry]:
        """Pass on."""
        return self.around_each(Call("list", prefix), partial(self.inner.list, prefix, deleted=deleted))

    def put(
        self,
        name: str,
        value: Secret,
        *,
        expect: str | None = None,
        stamp: str = "",
        tags: Mapping[str, str] | None = None,
    ) -> Entry:
        """Pass on."""
        write = partial(self.inner.put, name, value, expect=expect, stamp=stamp, tags=tags)
        return self.around(Call("put", name), write)

    def delete(self, name: str, *, purge: bool = False) -> None:
        """Pass on."""
        self.around(Call("delete", name), partial(self.inner.delete, name, purge=purge))

    def restore(self, name: str) -> Entry:
        """Pass on."""
        return self.around(Call("restore", name), partial(self.inner.restore, name))

    def check_stamp(self, name: str) -> None:
        """Pass on."""
        self.around(Call("check_stamp", name), partial(self.inner.check_stamp, name))

    def versions(self, name: str) -> Iterator[Entry]:
        """Pass on."""
        return self.around_each(Call("versions", name), partial(self.inner.versions, name))

    def containers(self, prefix: str) -> Iterator[Entry]:
        """Pass on."""
        return self.around_each(Call("containers", prefix), partial(self.inner.containers, prefix))

    def make(self, container: str, note: str) -> None:
        """Pass on."""
        self.around(Call("make", container), partial(self.inner.make, container, note))

    def drop(self, container: str) -> None:
        """Pass on."""
        self.around(Call("drop", container), partial(self.inner.drop, container))

    def transaction(self) -> AbstractContextManager[None]:
        """Pass on."""
        return self.inner.transaction()

    def prepare(self) -> None:
        """Pass on."""
        self.inner.prepare()

    def setup(self) -> str:
        """Pass on."""
        return self.inner.setup()

    def identity(self) -> Identity:
        """Pass on."""
        return self.around(Call("identity", ""), self.inner.identity)

    def skew(self) -> float | None:
        """Pass on."""
        return self.inner.skew()

    def locate(self, name: str) -> str:
        """Pass on."""
        return self.around(Call("locate", name), partial(self.inner.locate, name))

    def close(self) -> None:
        """Pass on."""
        self.inner.close()


def lazily(do: Callable[[], Iterator[Entry]]) -> Iterator[Entry]:
    """Call *do* at the first entry, so that a driver whose method is not a generator fails at the same point."""
    yield from do()
