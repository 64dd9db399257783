"""How the cache reads: the fewest calls of a Store that answer for many keys."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

from tailorsecrets.driver import Entry, Stored
from tailorsecrets.errors import Disabled, NotFound, SecretNotFound, SecretsError
from tailorsecrets.runtime.answers import CacheKey
from tailorsecrets.runtime.freshness import CacheEntry
from tailorsecrets.store.names import Place
from tailorsecrets.store.store import Store, workspace_of
from tailorsecrets.store.versions import is_version


def fetch(store: Store, keys: Sequence[CacheKey], name: str = "") -> dict[CacheKey, CacheEntry | SecretsError]:
    """Return the answer of *store* for each of *keys*; a missing secret is an empty CacheEntry.

    *name* is the store's in the entries; the default is its URL.
    """
    places = {key: Place(key.vault, key.secret) for key in keys if key.versions == 1}
    answers = workspace_of(store).read_many(list(places.values()))
    found = {key: _entry(answers[place]) for key, place in places.items()} | {
        key: _recent(store, key) for key in keys if key.versions != 1
    }
    return {key: _from(name or store.url, answer) for key, answer in found.items()}


def _from(name: str, answer: CacheEntry | SecretsError) -> CacheEntry | SecretsError:
    return replace(answer, store=name) if isinstance(answer, CacheEntry) else answer


def _entry(answer: Stored | SecretsError) -> CacheEntry | SecretsError:
    if isinstance(answer, SecretNotFound):
        return CacheEntry()
    return answer if isinstance(answer, SecretsError) else _with_values([answer])


def _recent(store: Store, key: CacheKey) -> CacheEntry | SecretsError:
    """Return the current value and those before it. A deleted secret has none, even if old versions remain."""
    try:
        current = store.read(key.vault, key.secret)
        return _with_values([current, *islice(_older(store, key, current), key.versions - 1)])
    except SecretsError as error:
        return _entry(error.with_traceback(None))


def _older(store: Store, key: CacheKey, current: Stored) -> Iterator[Stored]:
    """Yield the versions before *current*, newest first, without those that go between the list and the read."""
    for entry in _history(store, key):
        if not is_version(entry, current.entry.version):
            try:
                yield store.read(key.vault, key.secret, entry.version)
            except (NotFound, Disabled):
                continue


def _history(store: Store, key: CacheKey) -> Sequence[Entry]:
    try:
        return store.history(key.vault, key.secret)
    except NotFound:  # the secret was deleted after the read of its current value
        return ()


def _with_values(stored: Sequence[Stored]) -> CacheEntry:
    """Return one entry with the values of *stored*, newest first."""
    first, *rest = stored
    older = tuple(each.value.reveal() for each in rest)
    return CacheEntry(first.value.reveal(), first.entry.version, older=older, missing=False)
