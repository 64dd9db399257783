"""The fetch of the cache: the least calls of a Store that answer for many names."""

from collections.abc import Sequence
from dataclasses import replace

from tailorsecrets.driver import Stored
from tailorsecrets.errors import SecretNotFound, SecretsError
from tailorsecrets.runtime.cache import Want
from tailorsecrets.runtime.freshness import Held
from tailorsecrets.store.names import Place
from tailorsecrets.store.operations import is_version
from tailorsecrets.store.store import Store, workspace_of


def fetch(store: Store, wants: Sequence[Want]) -> dict[Want, Held | SecretsError]:
    """Return an answer of *store* for each of *wants*; a missing secret is an empty Held."""
    places = {want: Place(want.vault, want.secret) for want in wants if want.versions == 1}
    answers = workspace_of(store).read_many(list(places.values()))
    found = {want: _held(answers[place]) for want, place in places.items()} | {
        want: _recent(store, want) for want in wants if want.versions != 1
    }
    return {want: _from(store, answer) for want, answer in found.items()}


def _from(store: Store, answer: Held | SecretsError) -> Held | SecretsError:
    return replace(answer, store=store.url) if isinstance(answer, Held) else answer


def _held(answer: Stored | SecretsError) -> Held | SecretsError:
    if isinstance(answer, SecretNotFound):
        return Held()
    return answer if isinstance(answer, SecretsError) else _filled([answer])


def _recent(store: Store, want: Want) -> Held | SecretsError:
    """Return the current value, and those before it: a secret that is deleted has none, whatever is still there."""
    try:
        current = store.read(want.vault, want.secret)
        history = store.history(want.vault, want.secret)
        older = [entry.version for entry in history if not is_version(entry, current.entry.version)]
        return _filled([current, *(store.read(*want[:2], version) for version in older[: want.versions - 1])])
    except SecretsError as error:
        return _held(error.with_traceback(None))


def _filled(stored: Sequence[Stored]) -> Held:
    """Return the values of *stored*, newest first, as one."""
    first, *rest = stored
    older = tuple(each.value.reveal() for each in rest)
    return Held(first.value.reveal(), first.entry.version, older=older, missing=False)
