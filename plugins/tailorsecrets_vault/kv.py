"""The calls of KV version 2 on a mount and a path in it."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, NamedTuple, cast
from urllib.parse import quote

from hvac import Client
from hvac.exceptions import Forbidden, InvalidPath

from tailorsecrets.secret import Secret
from tailorsecrets_vault.client import Connection
from tailorsecrets_vault.entries import STAMP, Json
from tailorsecrets_vault.transport import InvalidAnswer

PAGE: Final = 1_000  # names in one answer, where the server pages
PARALLEL: Final = 8  # metadata reads at once, where a list has only names
_MERGE_PATCH: Final = {"Content-Type": "application/merge-patch+json"}


class KvPath(NamedTuple):
    """A secret in a mount; a folder where *path* is empty or ends in a slash."""

    mount: str
    path: str


class Kv:
    """KV version 2 behind *connection*; the value of a secret is in the field *field* of its entry."""

    def __init__(self, connection: Connection, field: str) -> None:
        self._call, self._field = connection.call, field
        self._lists_metadata = True  # OpenBao lists metadata with the names; HashiCorp Vault does not

    def read(self, path: KvPath, number: int | None = None) -> tuple[Secret | None, Json]:
        """Return the text in the field, None where it holds none, and the metadata of the version."""
        fields, metadata = self.read_fields(path, number)
        value = fields.get(self._field)
        return Secret(value) if isinstance(value, str) else None, metadata

    def read_fields(self, path: KvPath, number: int | None = None) -> tuple[Json, Json]:
        """Return all fields of the entry, and the metadata of the version."""
        data = self._data("read_secret_version", path, version=number, raise_on_deleted_version=True)
        return data["data"] or {}, data["metadata"]

    def write(self, path: KvPath, value: Secret, cas: int) -> Json:
        """Write a version over version *cas*, 0 for none, and return its metadata."""
        return self._data("create_or_update_secret", path, secret={self._field: value.reveal()}, cas=cas)

    def metadata(self, path: KvPath) -> Json:
        """Return the metadata of a secret."""
        return self._data("read_secret_metadata", path)

    def patch_metadata(self, path: KvPath, stamp: str, max_versions: int) -> None:
        """Set *stamp* and *max_versions*, each if given; other custom metadata stays."""
        body: dict[str, Any] = {"custom_metadata": {STAMP: stamp}} if stamp else {}
        if max_versions:
            body["max_versions"] = max_versions
        self._patch(path, body)

    def patch_nothing(self, path: KvPath) -> None:
        """Send a patch of the metadata that changes nothing, which needs the right to patch."""
        self._patch(path, {"custom_metadata": {}})

    def delete(self, path: KvPath) -> None:
        """Mark the current version as deleted."""
        self._request("delete_latest_version_of_secret", path)

    def undelete(self, path: KvPath, number: int) -> None:
        """Remove the deletion mark of version *number*."""
        self._request("undelete_secret_versions", path, versions=[number])

    def purge(self, path: KvPath) -> None:
        """Delete a secret with all its versions and metadata."""
        self._request("delete_metadata_and_all_versions", path)

    def is_empty(self, mount: str) -> bool:
        """Tell whether nothing at all is in *mount*."""
        return not self._names(KvPath(mount, ""))

    def walk(self, folder: KvPath, start: str = "") -> Iterator[tuple[str, Json]]:
        """Yield (path, metadata) of each secret below *folder* whose path there begins with *start*."""
        for name, metadata in self._children(folder, start):
            below = KvPath(folder.mount, folder.path + name)
            if name.endswith("/"):
                yield from self.walk(below)
            else:
                yield below.path, metadata

    def _children(self, folder: KvPath, start: str) -> Iterator[tuple[str, Json]]:
        """Yield (name, metadata) of the secrets and folders directly in *folder*; folders have no metadata."""
        if self._lists_metadata:
            try:
                yield from self._list_with_metadata(folder, start)
            except Forbidden:
                self._lists_metadata = False  # the policy allows plain lists only
            except InvalidPath as exc:
                if exc.errors:
                    raise  # there is no such mount
                if not _is_unknown_endpoint(exc):
                    return
                self._lists_metadata = False
            else:
                return
        yield from self._list_then_read(folder, start)

    def _list_with_metadata(self, folder: KvPath, start: str) -> Iterator[tuple[str, Json]]:
        url, after = _url(folder, "detailed-metadata"), ""
        while True:
            page = {"limit": PAGE, "after": after}
            data = _data(self._call(partial(_list, url=url, page=page)))
            names: list[str] = data.get("keys") or []
            for name in names:
                if name.startswith(start):
                    yield name, data["key_info"].get(name) or {}
            if len(names) < PAGE:
                return
            after = names[-1]

    def _list_then_read(self, folder: KvPath, start: str) -> Iterator[tuple[str, Json]]:
        names = [name for name in self._names(folder) if name.startswith(start)]
        yield from ((name, {}) for name in names if name.endswith("/"))
        secrets = [name for name in names if not name.endswith("/")]
        for first in range(0, len(secrets), PAGE):
            yield from self._metadata_of(folder, secrets[first : first + PAGE])

    def _metadata_of(self, folder: KvPath, names: Sequence[str]) -> Iterator[tuple[str, Json]]:
        paths = [KvPath(folder.mount, folder.path + name) for name in names]
        with ThreadPoolExecutor(PARALLEL) as threads:
            answers = threads.map(self._metadata_if_any, paths)
            yield from ((name, answer) for name, answer in zip(names, answers, strict=True) if answer is not None)

    def _metadata_if_any(self, path: KvPath) -> Json | None:
        try:
            return self.metadata(path)
        except InvalidPath:
            return None  # purged since it was listed

    def _names(self, folder: KvPath) -> list[str]:
        try:
            names: list[str] = self._data("list_secrets", folder)["keys"]
        except InvalidPath as exc:
            if exc.errors:
                raise
            return []
        return names

    def _data(self, method: str, path: KvPath, **options: Any) -> Json:
        return _data(self._request(method, path, **options))

    def _patch(self, path: KvPath, body: Json) -> None:
        url = _url(path, "metadata")
        self._call(lambda client: client.adapter.request("patch", url, headers=_MERGE_PATCH, json=body))

    def _request(self, method: str, path: KvPath, **options: Any) -> Any:
        def do(client: Client) -> Any:
            return getattr(client.secrets.kv.v2, method)(path=path.path, mount_point=path.mount, **options)

        return self._call(do)


def _list(client: Client, url: str, page: Mapping[str, Any]) -> Any:
    return client.adapter.list(url, params=page)


def _url(path: KvPath, kind: str) -> str:
    return f"/v1/{quote(path.mount)}/{kind}/{quote(path.path)}"


def _data(answer: Any) -> Json:
    data = cast("Json", answer).get("data") if isinstance(answer, dict) else None
    if not isinstance(data, dict):
        raise InvalidAnswer
    return cast("Json", data)


def _is_unknown_endpoint(exc: InvalidPath) -> bool:
    """Distinguish an endpoint that the server lacks, for which Vault answers a warning, from an empty folder."""
    return bool(exc.json and exc.json.get("warnings"))
