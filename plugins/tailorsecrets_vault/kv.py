"""The calls of KV version 2, on a mount and a path in it."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, NamedTuple, cast
from urllib.parse import quote

from tailorsecrets.secret import Secret
from tailorsecrets_vault.client import Connection
from tailorsecrets_vault.entries import STAMP, Facts
from tailorsecrets_vault.hvac_types import Forbidden, InvalidPath
from tailorsecrets_vault.transport import NoAnswer

PAGE: Final = 1_000  # names in one answer, where the server pages
PARALLEL: Final = 8  # metadata reads at once, where a list tells names alone
_MERGE: Final = {"Content-Type": "application/merge-patch+json"}


class Spot(NamedTuple):
    """A secret, or with a slash at its end or empty a folder, in a mount."""

    mount: str
    path: str


class Kv:
    """KV version 2 behind *connection*; the value of a secret is in the field *field* of its entry."""

    def __init__(self, connection: Connection, field: str) -> None:
        self._call, self._field = connection.call, field
        self._details = True  # OpenBao lists metadata with the names; HashiCorp Vault does not

    def read(self, spot: Spot, number: int | None = None) -> tuple[Secret | None, Facts]:
        """Return what the field holds, None where that is no text, and the facts of the version read."""
        facts = self._v2("read_secret_version", spot, version=number, raise_on_deleted_version=True)
        fields: Facts = facts["data"] or {}
        value = fields.get(self._field)
        return Secret(value) if isinstance(value, str) else None, facts["metadata"]

    def write(self, spot: Spot, value: Secret, cas: int) -> Facts:
        """Write a version over version *cas*, 0 for none, and return its facts."""
        return self._v2("create_or_update_secret", spot, secret={self._field: value.reveal()}, cas=cas)

    def metadata(self, spot: Spot) -> Facts:
        """Return all that is known of a secret but its values."""
        return self._v2("read_secret_metadata", spot)

    def mark(self, spot: Spot, stamp: str, max_versions: int) -> None:
        """Keep *stamp* beside the metadata of others, and *max_versions*; both where given."""
        body: dict[str, Any] = {"custom_metadata": {STAMP: stamp}} if stamp else {}
        if max_versions:
            body["max_versions"] = max_versions
        url = _url(spot, "metadata")
        self._call(lambda client: client.adapter.request("patch", url, headers=_MERGE, json=body))

    def delete(self, spot: Spot) -> None:
        """Mark the current version as deleted."""
        self._bare("delete_latest_version_of_secret", spot)

    def undelete(self, spot: Spot, number: int) -> None:
        """Take the mark of version *number* away."""
        self._bare("undelete_secret_versions", spot, versions=[number])

    def purge(self, spot: Spot) -> None:
        """Delete a secret with all its versions and metadata."""
        self._bare("delete_metadata_and_all_versions", spot)

    def is_empty(self, mount: str) -> bool:
        """Tell whether nothing at all is in *mount*."""
        return not self._names(Spot(mount, ""))

    def walk(self, folder: Spot, start: str = "") -> Iterator[tuple[str, Facts]]:
        """Yield (path, metadata) of all below *folder* that is a secret and whose path there begins with *start*."""
        for name, facts in self._page(folder, start):
            below = Spot(folder.mount, folder.path + name)
            if name.endswith("/"):
                yield from self.walk(below)
            else:
                yield below.path, facts

    def _page(self, folder: Spot, start: str) -> Iterator[tuple[str, Facts]]:
        """Yield (name, metadata) of what is right in *folder*; folders have none."""
        if self._details:
            try:
                yield from self._detailed(folder, start)
            except Forbidden:
                self._details = False  # a policy that knows of plain lists alone
            except InvalidPath as exc:
                if exc.errors:
                    raise  # there is no such mount
                if not _is_of_no_such_list(exc):
                    return
                self._details = False
            else:
                return
        yield from self._plain(folder, start)

    def _detailed(self, folder: Spot, start: str) -> Iterator[tuple[str, Facts]]:
        url, after = _url(folder, "detailed-metadata"), ""
        while True:
            page = {"limit": PAGE, "after": after}
            facts = _data(self._call(partial(_listed, url=url, page=page)))
            names: list[str] = facts.get("keys") or []
            for name in names:
                if name.startswith(start):
                    yield name, facts["key_info"].get(name) or {}
            if len(names) < PAGE:
                return
            after = names[-1]

    def _plain(self, folder: Spot, start: str) -> Iterator[tuple[str, Facts]]:
        names = [name for name in self._names(folder) if name.startswith(start)]
        yield from ((name, {}) for name in names if name.endswith("/"))
        secrets = [name for name in names if not name.endswith("/")]
        for first in range(0, len(secrets), PAGE):
            yield from self._looked_up(folder, secrets[first : first + PAGE])

    def _looked_up(self, folder: Spot, names: Sequence[str]) -> Iterator[tuple[str, Facts]]:
        spots = [Spot(folder.mount, folder.path + name) for name in names]
        with ThreadPoolExecutor(PARALLEL) as threads:
            found = threads.map(self._metadata_if_there, spots)
            yield from ((name, facts) for name, facts in zip(names, found, strict=True) if facts is not None)

    def _metadata_if_there(self, spot: Spot) -> Facts | None:
        try:
            return self.metadata(spot)
        except InvalidPath:
            return None  # purged since it was listed

    def _names(self, folder: Spot) -> list[str]:
        try:
            names: list[str] = self._v2("list_secrets", folder)["keys"]
        except InvalidPath as exc:
            if exc.errors:
                raise
            return []
        return names

    def _v2(self, method: str, spot: Spot, **options: Any) -> Facts:
        return _data(self._bare(method, spot, **options))

    def _bare(self, method: str, spot: Spot, **options: Any) -> Any:
        def do(client: Any) -> Any:
            return getattr(client.secrets.kv.v2, method)(path=spot.path, mount_point=spot.mount, **options)

        return self._call(do)


def _listed(client: Any, url: str, page: Mapping[str, Any]) -> Any:
    return client.adapter.list(url, params=page)


def _url(spot: Spot, kind: str) -> str:
    return f"/v1/{quote(spot.mount)}/{kind}/{quote(spot.path)}"


def _data(answer: Any) -> Facts:
    data = cast("Facts", answer).get("data") if isinstance(answer, dict) else None
    if not isinstance(data, dict):
        raise NoAnswer
    return cast("Facts", data)


def _is_of_no_such_list(exc: InvalidPath) -> bool:
    """Tell an unknown path, which Vault answers with a warning, from an empty folder."""
    return bool(exc.json and exc.json.get("warnings"))
