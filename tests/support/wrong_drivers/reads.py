"""Deliberately wrong drivers that read, list, declare or work under strain in a wrong way; each is wrong in one way."""

import os
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from tailorsecrets.driver import Entry, Problem, Stored
from tailorsecrets.errors import (
    AlreadyExists,
    Corrupt,
    Denied,
    Disabled,
    NameInvalid,
    NotFound,
    SecretsError,
    Throttled,
    Unauthenticated,
    Unavailable,
    Unsupported,
)
from tailorsecrets.secret import Secret
from tailorsecrets.testing.conformance.strain import THREADS
from tailorsecrets.testing.memory import Memory


class _MissingIsEmpty(Memory):
    def get(self, name: str, version: str = "") -> Stored:
        try:
            return super().get(name, version)
        except NotFound:
            return Stored(Secret(""), Entry(name=name))


class _DeniedIsMissing(Memory):
    def get(self, name: str, version: str = "") -> Stored:
        try:
            return super().get(name, version)
        except Denied:
            raise NotFound from None


class _DisabledIsMerelyDenied(Memory):
    def get(self, name: str, version: str = "") -> Stored:
        try:
            return super().get(name, version)
        except Disabled:
            raise Denied from None


class _UnreachableIsMissing(Memory):
    def get(self, name: str, version: str = "") -> Stored:
        try:
            return super().get(name, version)
        except Unavailable:
            raise NotFound from None


class _ExpiredLoginIsDenied(Memory):
    def get(self, name: str, version: str = "") -> Stored:
        try:
            return super().get(name, version)
        except Unauthenticated:
            raise Denied from None


class _ThrottledIsDenied(Memory):
    def get(self, name: str, version: str = "") -> Stored:
        try:
            return super().get(name, version)
        except Throttled:
            raise Denied from None


class _AsksAgainInSilence(Memory):
    def get(self, name: str, version: str = "") -> Stored:
        with suppress(Throttled):
            return super().get(name, version)
        return self.get(name, version)


class _Replacing(Memory):
    def get(self, name: str, version: str = "") -> Stored:
        try:
            return super().get(name, version)
        except Corrupt:
            return Stored(Secret("\N{REPLACEMENT CHARACTER}"), Entry(name=name))


class _Stripping(Memory):
    def get(self, name: str, version: str = "") -> Stored:
        stored = super().get(name, version)
        return Stored(Secret(stored.value.reveal().strip()), stored.entry)


class _OnlyNewest(Memory):
    def get(self, name: str, version: str = "") -> Stored:
        del version
        return super().get(name)


class _DeletesNothing(Memory):
    def delete(self, name: str, *, purge: bool = False) -> None:
        del name, purge


class _OneForAll(Memory):
    def get_many(self, names: Sequence[str]) -> Mapping[str, Stored | Exception]:
        first = super().get_many(names)[names[0]]
        return dict.fromkeys(names, first)


class _AllOrNothing(Memory):
    def get_many(self, names: Sequence[str]) -> Mapping[str, Stored | Exception]:
        answers = super().get_many(names)
        for answer in answers.values():
            if isinstance(answer, Exception):
                raise answer
        return answers


class _PrefixWithoutItsEnd(Memory):
    def list(self, prefix: str, *, deleted: bool = False) -> Iterator[Entry]:
        return super().list(prefix.removesuffix(self.caps.joiner), deleted=deleted)


class _FirstPageOnly(Memory):
    def list(self, prefix: str, *, deleted: bool = False) -> Iterator[Entry]:
        for entry, _ in zip(super().list(prefix, deleted=deleted), range(25), strict=False):
            yield entry


class _ListsTheDead(Memory):
    def list(self, prefix: str, *, deleted: bool = False) -> Iterator[Entry]:
        yield from super().list(prefix, deleted=False)
        yield from super().list(prefix, deleted=True) if not deleted else ()


class _ReadsToList(Memory):
    def list(self, prefix: str, *, deleted: bool = False) -> Iterator[Entry]:
        return (self.get(entry.name).entry for entry in super().list(prefix, deleted=deleted))


class _ChokesOnForeignNames(Memory):
    def list(self, prefix: str, *, deleted: bool = False) -> Iterator[Entry]:
        for entry in super().list(prefix, deleted=deleted):
            if not entry.name.islower():
                raise NameInvalid
            yield entry


class _ListsNoVersions(Memory):
    def list(self, prefix: str, *, deleted: bool = False) -> Iterator[Entry]:
        return (replace(entry, version="") for entry in super().list(prefix, deleted=deleted))


class _LagsInSecret(Memory):
    def list(self, prefix: str, *, deleted: bool = False) -> Iterator[Entry]:
        del prefix, deleted
        return iter(())


class _SmallerThanDeclared(Memory):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.caps = replace(self.caps, max_bytes=1)


class _HasNoVersions(Memory):
    def versions(self, name: str) -> Iterator[Entry]:
        del name
        raise Unsupported


class _StatsUnasked(Memory):
    def stat(self, name: str) -> Entry:
        return self.get(name).entry


class _ExplainsNothing(Memory):
    def explain(self, exc: Exception, op: str) -> Problem:
        del exc, op
        return Problem(SecretsError)


class _SignsInWhenOpened(Memory):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.server.arrive("login")


class _LooksBeforeItReads(Memory):
    def get(self, name: str, version: str = "") -> Stored:
        super().stat(name)
        return super().get(name, version)


class _SharesALocal(Memory):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._value = Secret("")
        self._all_here = threading.Barrier(THREADS, timeout=10)

    def put(self, name: str, value: Secret, **options: Any) -> Entry:
        self._value = value
        self._all_here.wait()
        return super().put(name, self._value, **options)


class _LostInAChild(Memory):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._process = os.getpid()

    def get(self, name: str, version: str = "") -> Stored:
        if os.getpid() != self._process:
            raise Unavailable
        return super().get(name, version)


class _ClosesOnce(Memory):
    _open = True

    def close(self) -> None:
        if not self._open:
            raise Unavailable
        self._open = False


class _ClosesNothing(Memory):
    def get(self, name: str, version: str = "") -> Stored:
        weakref.finalize(self, os.close, os.open(os.devnull, os.O_RDONLY))
        return super().get(name, version)


class _CreatesInTwoSteps(Memory):
    def put(self, name: str, value: Secret, **options: Any) -> Entry:
        if name in self.server.secrets() and not self.server.find(name).versions:
            raise AlreadyExists
        self.server.arrive("create")
        if name not in self.server.secrets():
            self.server.bare(name)
        return super().put(name, value, **options)


WRONG_READS: Final[Mapping[str, type[Memory]]] = {
    "test_missing_is_not_found": _MissingIsEmpty,
    "test_denied_is_not_missing": _DeniedIsMissing,
    "test_bare_is_missing": _MissingIsEmpty,
    "test_deleted_is_missing": _DeletesNothing,
    "test_disabled_is_denied": _DisabledIsMerelyDenied,
    "test_unreachable_is_unavailable": _UnreachableIsMissing,
    "test_expired_login_is_unauthenticated": _ExpiredLoginIsDenied,
    "test_reads_what_another_tool_wrote": _Stripping,
    "test_foreign_bytes_are_corrupt": _Replacing,
    "test_old_version_by_token": _OnlyNewest,
    "test_get_many_answers_each_name": _OneForAll,
    "test_get_many_with_one_missing": _AllOrNothing,
    "test_get_many_with_one_denied": _AllOrNothing,
    "test_keeps_to_prefix": _PrefixWithoutItsEnd,
    "test_pages": _FirstPageOnly,
    "test_list_tells_the_version": _ListsNoVersions,
    "test_skips_deleted": _ListsTheDead,
    "test_deleted_lists_only_deleted": _ListsTheDead,
    "test_no_values_are_read": _ReadsToList,
    "test_foreign_names_pass": _ChokesOnForeignNames,
    "test_list_lag_is_declared": _LagsInSecret,
    "test_declarations_are_true": _SmallerThanDeclared,
    "test_each_cap_shown": _HasNoVersions,
    "test_each_missing_cap_refused": _StatsUnasked,
    "test_every_sdk_exception_explained": _ExplainsNothing,
    "test_open_touches_no_network": _SignsInWhenOpened,
    "test_import_loads_no_sdk": Memory,  # what is wrong is the module
    "test_calls_per_operation": _LooksBeforeItReads,
    "test_threads_16": _SharesALocal,
    "test_fork_then_read": _LostInAChild,
    "test_close_twice": _ClosesOnce,
    "test_close_leaves_nothing_open": _ClosesNothing,
    "test_crash_between_every_two_calls": _CreatesInTwoSteps,
    "test_throttled_then_served": _ThrottledIsDenied,
    "test_throttled_is_reported": _AsksAgainInSilence,
}
