"""A third party's plugin for a store that can next to nothing: texts by name, behind ``poor://NAME``."""

from collections.abc import Iterable, Mapping

from tailorsecrets.driver import Caps, Driver, Entry, Problem, Stored, StoreType, Target
from tailorsecrets.errors import SecretNotFound, Unavailable
from tailorsecrets.secret import Secret

STORES: dict[str, dict[str, str]] = {}


class Poor(Driver):
    """Reads, writes and deletes; reports no version, time or stamp, and cannot list."""

    caps = Caps(writes=True, local=True)

    def __init__(self, target: Target) -> None:
        self._texts = STORES.setdefault(target.host, {})

    def get(self, name: str, version: str = "") -> Stored:
        """Return the text."""
        return Stored(Secret(self._texts[name]), Entry(name=name))

    def put(
        self,
        name: str,
        value: Secret,
        *,
        expect: str | None = None,
        stamp: str = "",
        tags: Mapping[str, str] | None = None,
    ) -> Entry:
        """Keep the text."""
        assert (expect, stamp, tags) == (None, "", None), "no cap announces it"
        self._texts[name] = value.reveal()
        return Entry(name=name)

    def delete(self, name: str, *, purge: bool = False) -> None:
        """Forget the text."""
        self._texts.pop(name, None)

    def explain(self, exc: Exception, op: str) -> Problem:
        """Tell what is missing."""
        return Problem(SecretNotFound if isinstance(exc, KeyError) else Unavailable)


def tailorsecrets_stores() -> Iterable[StoreType]:
    """Return the store type."""
    return [StoreType(scheme="poor", open=Poor, prefixed=False)]
