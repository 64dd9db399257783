"""The records of vaults, as a store holds them: of many vaults at once, damaged ones, and those of two branches."""

from collections.abc import Iterator, Sequence
from contextlib import suppress

from tailorsecrets.driver import PRESENT, Entry, Stored
from tailorsecrets.errors import Conflict, Corrupt, Denied, NotFound, SecretsError, StoreNotFound, Unsupported, reworded
from tailorsecrets.store.names import Place
from tailorsecrets.store.operations import Operations, ReadResult
from tailorsecrets.store.record import Record, load_record, merged

RecordResult = Record | SecretsError


class Records:
    """Reads records by *operations*; *url* names the store in errors."""

    def __init__(self, operations: Operations, url: str) -> None:
        self._operations, self._url = operations, url

    def read(self, vaults: Sequence[str]) -> dict[str, Record]:
        """Return the record of each of *vaults* that has one; raise the first error."""
        return {vault: _record_or_raise(result) for vault, result in self.results(vaults).items()}

    def results(self, vaults: Sequence[str]) -> dict[str, RecordResult]:
        """Return the record of each of *vaults* that has one, or the error of one that is denied or damaged."""
        results = self._operations.get_many([Place(vault) for vault in vaults])
        return {
            place.vault: self._result(place, result)
            for place, result in results.items()
            if not isinstance(result, NotFound) or isinstance(result, StoreNotFound)
        }

    def _result(self, place: Place, result: ReadResult) -> RecordResult:
        try:
            return self._load(place, result)
        except (Denied, Corrupt, Unsupported) as error:
            message = str(error) if error.vault else f"{place}: {error}"
            return reworded(error, message, vault=place.vault, store=self._url)

    def _load(self, place: Place, result: ReadResult) -> Record:
        if isinstance(result, Stored):
            return load_record(result.value, result.entry.version or PRESENT)
        entry = self._operations.stat(place) if isinstance(result, Conflict) else None
        if entry is None:
            raise result
        return merged(list(self._branches(place, entry)), entry.version)

    def _branches(self, place: Place, entry: Entry) -> Iterator[Record]:
        for version in entry.branches:
            with suppress(SecretsError):  # a branch deleted it, or encrypted it with a key that is gone
                yield load_record(self._operations.get(place, version).value, version)


def _record_or_raise(result: RecordResult) -> Record:
    if isinstance(result, SecretsError):
        raise result
    return result
