"""Deliberately wrong drivers that write, stamp, delete or talk as they should not; each is wrong in one way."""

import logging
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from typing import Any, Final

from tailorsecrets.driver import ABSENT, PRESENT, Entry, Stored
from tailorsecrets.errors import (
    AlreadyExists,
    Conflict,
    Denied,
    NameInvalid,
    NotFound,
    SecretsError,
    TooLarge,
    Unavailable,
    ValueInvalid,
)
from tailorsecrets.secret import Secret
from tailorsecrets.testing.conformance.writing import THREADS
from tailorsecrets.testing.memory import Memory


class _UnixNewlines(Memory):
    def put(self, name: str, value: Secret, **options: Any) -> Entry:
        return super().put(name, Secret(value.reveal().replace("\r\n", "\n")), **options)


class _NothingEmpty(Memory):
    def put(self, name: str, value: Secret, **options: Any) -> Entry:
        if not value.reveal():
            raise ValueInvalid
        return super().put(name, value, **options)


class _OneByteLess(Memory):
    def put(self, name: str, value: Secret, **options: Any) -> Entry:
        if len(value.reveal().encode()) == self.caps.max_bytes:
            raise TooLarge
        return super().put(name, value, **options)


class _OneCharacterLess(Memory):
    def put(self, name: str, value: Secret, **options: Any) -> Entry:
        if len(name) == self.caps.max_name:
            raise NameInvalid
        return super().put(name, value, **options)


class _Wrapping(Memory):
    def put(self, name: str, value: Secret, **options: Any) -> Entry:
        return super().put(name, Secret("wrapped:" + value.reveal()), **options)

    def get(self, name: str, version: str = "") -> Stored:
        stored = super().get(name, version)
        return Stored(Secret(stored.value.reveal().removeprefix("wrapped:")), stored.entry)


class _LooksThenCreates(Memory):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._all_looked = threading.Barrier(THREADS, timeout=10)

    def put(self, name: str, value: Secret, **options: Any) -> Entry:
        if name in self.server.secrets():
            raise AlreadyExists
        self._all_looked.wait()
        return super().put(name, value)


class _IgnoresAbsent(Memory):
    def put(self, name: str, value: Secret, *, expect: str | None = None, **options: Any) -> Entry:
        return super().put(name, value, expect=None if expect == ABSENT else expect, **options)


class _IgnoresPresent(Memory):
    def put(self, name: str, value: Secret, *, expect: str | None = None, **options: Any) -> Entry:
        return super().put(name, value, expect=None if expect == PRESENT else expect, **options)


class _IgnoresVersions(Memory):
    def put(self, name: str, value: Secret, *, expect: str | None = None, **options: Any) -> Entry:
        return super().put(name, value, expect=expect if expect in {ABSENT, PRESENT} else None, **options)


class _CountsVersions(Memory):
    def _entry(self, entry: Entry) -> Entry:
        return replace(super()._entry(entry), version=str(len(self.server.find(entry.name).versions)))


class _PurgesToWrite(Memory):
    def put(self, name: str, value: Secret, **options: Any) -> Entry:
        if name in self.server.secrets() and self.server.find(name).state == "deleted":
            self.delete(name, purge=True)
        return super().put(name, value, **options)


class _BareIsThere(Memory):
    def put(self, name: str, value: Secret, **options: Any) -> Entry:
        if name in self.server.secrets() and self.server.find(name).state == "bare":
            raise AlreadyExists
        return super().put(name, value, **options)


class _SendsAgain(Memory):
    def put(self, name: str, value: Secret, **options: Any) -> Entry:
        with suppress(Unavailable):
            return super().put(name, value, **options)
        return super().put(name, value, **options)


class _OneByOne(Memory):
    def transaction(self) -> AbstractContextManager[None]:
        return nullcontext()


class _ListsNoStamps(Memory):
    def list(self, prefix: str, *, deleted: bool = False) -> Iterator[Entry]:
        return (replace(entry, stamp="") for entry in super().list(prefix, deleted=deleted))


class _StampsTheName(Memory):
    def _entry(self, entry: Entry) -> Entry:
        stamps = [version.stamp for version in self.server.find(entry.name).versions if version.stamp]
        return replace(super()._entry(entry), stamp=stamps[-1] if stamps else "")


class _TagsUnstamp(Memory):
    def _entry(self, entry: Entry) -> Entry:
        return replace(super()._entry(entry), stamp="" if entry.tags else entry.stamp)


class _ListsNoTags(Memory):
    def list(self, prefix: str, *, deleted: bool = False) -> Iterator[Entry]:
        return (replace(entry, tags={}) for entry in super().list(prefix, deleted=deleted))


class _MissingCannotBeDeleted(Memory):
    def delete(self, name: str, *, purge: bool = False) -> None:
        self.stat(name)
        super().delete(name, purge=purge)


class _RestoresNothing(Memory):
    def restore(self, name: str) -> Entry:
        return super().put(name, Secret(""))


class _PurgesSoftly(Memory):
    def delete(self, name: str, *, purge: bool = False) -> None:
        del purge
        super().delete(name)


class _PurgesInVain(Memory):
    def delete(self, name: str, *, purge: bool = False) -> None:
        with suppress(Denied):
            super().delete(name, purge=purge)


class _OldestFirst(Memory):
    def versions(self, name: str) -> Iterator[Entry]:
        return reversed(list(super().versions(name)))


class _ShowsTheDead(Memory):
    def versions(self, name: str) -> Iterator[Entry]:
        record = self.server.find(name)
        return (record.entry(name, version) for version in reversed(record.versions))


class _MakesAgain(Memory):
    def make(self, container: str, note: str) -> None:
        with suppress(AlreadyExists):
            super().make(container, note)


class _DropsTheDead(Memory):
    def drop(self, container: str) -> None:
        for entry in list(self.list(container + self.caps.joiner, deleted=True)):
            self.delete(entry.name, purge=True)
        super().drop(container)


class _LosesNotes(Memory):
    def containers(self, prefix: str) -> Iterator[Entry]:
        return (replace(entry, stamp="") for entry in super().containers(prefix))


class _Quotes(Memory):
    def put(self, name: str, value: Secret, **options: Any) -> Entry:
        try:
            return super().put(name, value, **options)
        except SecretsError:
            pass
        raise Conflict(f"cannot write {value.reveal()}")


class _Shows(Memory):
    _last = ""

    def put(self, name: str, value: Secret, **options: Any) -> Entry:
        self._last = value.reveal()
        return super().put(name, value, **options)

    def __repr__(self) -> str:
        return f"Memory({self._last})"


class _KeepsALocal(Memory):
    def put(self, name: str, value: Secret, **options: Any) -> Entry:
        text = value.reveal()
        return super().put(name, Secret(text), **options)


class _RaisesFrom(Memory):
    def put(self, name: str, value: Secret, **options: Any) -> Entry:
        try:
            return super().put(name, value, **options)
        except SecretsError:
            raise Conflict from ValueError(value.reveal())


class _Logs(Memory):
    def put(self, name: str, value: Secret, **options: Any) -> Entry:
        text = value.reveal().encode(errors="replace").decode()  # pytest's parallel workers send on no lone surrogate
        logging.getLogger("sdk.wire").debug("PUT %s %s", name, text)
        return super().put(name, value, **options)


class _Warns(Memory):
    def put(self, name: str, value: Secret, **options: Any) -> Entry:
        warnings.warn(f"short value {value.reveal()}", stacklevel=2)
        return super().put(name, value, **options)


class _PickledError(NotFound):
    def __init__(self, sent: str = "") -> None:
        super().__init__()
        self.sent = sent


class _Remembers(Memory):
    def put(self, name: str, value: Secret, **options: Any) -> Entry:
        try:
            return super().put(name, value, **options)
        except SecretsError:
            pass
        raise _PickledError(value.reveal())


class _StampsToCheck(Memory):
    def check_stamp(self, name: str) -> None:
        super().put(name, self.get(name).value, stamp="another stamp")


WRONG_WRITES: Final[Mapping[str, type[Memory]]] = {
    "test_round_trip_text": _UnixNewlines,
    "test_empty_value": _NothingEmpty,
    "test_at_the_limit": _OneByteLess,
    "test_longest_name": _OneCharacterLess,
    "test_another_tool_reads_the_plain_value": _Wrapping,
    "test_absent_creates_once": _LooksThenCreates,
    "test_absent_keeps_what_is_there": _IgnoresAbsent,
    "test_present_never_creates": _IgnoresPresent,
    "test_stale_expect_conflicts": _IgnoresVersions,
    "test_version_differs_after_delete_and_create": _CountsVersions,
    "test_put_after_delete_restores": _PurgesToWrite,
    "test_put_fills_bare": _BareIsThere,
    "test_no_write_is_sent_twice_on_timeout": _SendsAgain,
    "test_transaction_is_one_write": _OneByOne,
    "test_failed_transaction_writes_nothing": _OneByOne,
    "test_stamp_comes_back_in_list_and_stat": _ListsNoStamps,
    "test_foreign_write_clears_stamp": _StampsTheName,
    "test_put_without_stamp_clears_stamp": _StampsTheName,
    "test_listed_stamp_is_of_the_last_put": _StampsTheName,
    "test_rollback_clears_stamp": _StampsTheName,
    "test_check_stamp_changes_nothing": _StampsToCheck,
    "test_tag_edit_keeps_stamp": _TagsUnstamp,
    "test_tags_come_back": _ListsNoTags,
    "test_delete_twice_is_fine": _MissingCannotBeDeleted,
    "test_restore_brings_the_value": _RestoresNothing,
    "test_purge_then_create": _PurgesSoftly,
    "test_purge_forbidden_is_denied": _PurgesInVain,
    "test_versions_newest_first": _OldestFirst,
    "test_deleted_versions_absent": _ShowsTheDead,
    "test_make_twice": _MakesAgain,
    "test_drop_refuses_non_empty": _DropsTheDead,
    "test_note_comes_back": _LosesNotes,
    "test_canary_in_no_message": _Quotes,
    "test_canary_in_no_repr": _Shows,
    "test_canary_in_no_traceback": _KeepsALocal,
    "test_canary_in_no_context": _RaisesFrom,
    "test_canary_in_no_log": _Logs,
    "test_canary_in_no_warning": _Warns,
    "test_canary_in_no_pickle": _Remembers,
}
