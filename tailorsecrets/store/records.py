"""The records of vaults, as a store holds them: of many vaults at once, damaged ones, and those of two branches."""

from collections.abc import Iterator, Sequence
from contextlib import suppress

from tailorsecrets.driver import Entry, Stored
from tailorsecrets.errors import Conflict, Corrupt, Denied, NotFound, SecretsError, StoreNotFound, Unsupported
from tailorsecrets.store.names import Place
from tailorsecrets.store.operations import Operations
from tailorsecrets.store.record import Record, joined, load_record

RecordAnswer = Record | SecretsError


class Records:
    """Reads the records by *calls*; *url* names the store in errors."""

    def __init__(self, calls: Operations, url: str) -> None:
        self._calls, self._url = calls, url

    def require(self, vaults: Sequence[str]) -> dict[str, Record]:
        """Return the record of each of *vaults* that has one; the first that cannot be read raises."""
        return {vault: _readable(record) for vault, record in self.read(vaults).items()}

    def read(self, vaults: Sequence[str]) -> dict[str, RecordAnswer]:
        """Return the record of each of *vaults* that has one, or why it is denied or cannot be understood."""
        answers = self._calls.get_many([Place(vault) for vault in vaults])
        return {
            place.vault: self._record(place, answer)
            for place, answer in answers.items()
            if not isinstance(answer, NotFound) or isinstance(answer, StoreNotFound)
        }

    def _record(self, place: Place, answer: Stored | SecretsError) -> RecordAnswer:
        try:
            return self._loaded(place, answer)
        except (Denied, Corrupt, Unsupported) as error:
            told = str(error) if error.vault else f"{place}: {error}"
            return type(error)(told, hint=error.hint, code=error.code, vault=place.vault, store=self._url)

    def _loaded(self, place: Place, answer: Stored | SecretsError) -> Record:
        if isinstance(answer, Stored):
            return load_record(answer.value, answer.entry.version)
        entry = self._calls.stat(place) if isinstance(answer, Conflict) else None
        if entry is None:
            raise answer
        return joined(list(self._sides(place, entry)), entry.version)

    def _sides(self, place: Place, entry: Entry) -> Iterator[Record]:
        for side in entry.sides:
            with suppress(SecretsError):  # a branch deleted it, or wrote it in a key that is no more
                yield load_record(self._calls.get(place, side).value, side)


def _readable(record: RecordAnswer) -> Record:
    if isinstance(record, SecretsError):
        raise record
    return record
