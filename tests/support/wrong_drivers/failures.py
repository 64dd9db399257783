"""Deliberately wrong drivers that take a failure for an answer, wait for ever, or lose what others write."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from tailorsecrets.driver import Entry, Problem, Stored
from tailorsecrets.errors import (
    Denied,
    NotFound,
    SecretsError,
    Throttled,
    Unauthenticated,
    Unavailable,
)
from tailorsecrets.secret import Secret
from tailorsecrets.testing.memory import Memory


class _EmptyWithoutTheStore(Memory):
    def list(self, prefix: str, *, deleted: bool = False) -> Iterator[Entry]:
        with suppress(Unavailable):
            yield from super().list(prefix, deleted=deleted)


class _DeletesWithoutALogin(Memory):
    def delete(self, name: str, *, purge: bool = False) -> None:
        with suppress(Unauthenticated):
            super().delete(name, purge=purge)


class _NothingWithoutRights(Memory):
    def versions(self, name: str) -> Iterator[Entry]:
        with suppress(Denied):
            yield from super().versions(name)


class _RestoresWhenThrottled(Memory):
    def restore(self, name: str) -> Entry:
        with suppress(Throttled):
            return super().restore(name)
        return Entry(name=name)


class _PutsAreAlwaysDone(Memory):
    def put(self, name: str, value: Secret, **options: Any) -> Entry:
        try:
            return super().put(name, value, **options)
        except Unavailable:
            raise NotFound from None


class _WaitsForEver(Memory):
    def stat(self, name: str) -> Entry:
        with suppress(Unavailable):
            return super().stat(name)
        self.server.trouble.recovered.wait(60)
        raise Unavailable


class _StatsAfterThePut(Memory):
    def put(self, name: str, value: Secret, **options: Any) -> Entry:
        super().put(name, value, **options)
        try:
            return self.stat(name)
        except Unavailable:
            raise NotFound from None


class _CutIsMissing(Memory):
    def get(self, name: str, version: str = "") -> Stored:
        try:
            return super().get(name, version)
        except Unavailable:
            raise NotFound from None


class _EndsWithThePage(Memory):
    def list(self, prefix: str, *, deleted: bool = False) -> Iterator[Entry]:
        entries = list(super().list(prefix, deleted=deleted))
        yield from entries[:10]
        with suppress(Unavailable):
            self.server.arrive("list")
            yield from entries[10:]


class _EverythingIsAnOutage(Memory):
    def explain(self, exc: Exception, op: str) -> Problem:
        return super().explain(exc, op) if isinstance(exc, SecretsError) else Problem(Unavailable)


class _ForgetsTheName(Memory):
    def put(self, name: str, value: Secret, **options: Any) -> Entry:
        return replace(super().put(name, value, **options), name="")


class _DeletesTheBeginning(Memory):
    def delete(self, name: str, *, purge: bool = False) -> None:
        for other in [*self.server.secrets()]:
            if other.startswith(name):
                super().delete(other, purge=purge)


class _AnyVersionIsTheCurrentOne(Memory):
    def get(self, name: str, version: str = "") -> Stored:
        with suppress(NotFound):
            return super().get(name, version)
        return super().get(name)


class _ExpiredIsUnavailable(Memory):
    def get(self, name: str, version: str = "") -> Stored:
        try:
            return super().get(name, version)
        except NotFound:
            if version:
                raise Unavailable from None
            raise


class _SendsValues(Memory):
    def stat(self, name: str) -> Entry:
        return super().get(name).entry


class _ShowsItsLogin(Memory):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.token = self.server.login


class _LastWriterPerConnection(Memory):
    """Keeps what it has seen, and writes all of that back: a lock for each connection does not help."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._seen = dict(self.server.secrets())
        self._lock = threading.Lock()

    def put(self, name: str, value: Secret, **options: Any) -> Entry:
        with self._lock:
            entry = super().put(name, value, **options)
            self._seen[name] = self.server.find(name)
            with self.server.writing() as secrets:
                for other in set(secrets) - set(self._seen):
                    if "key-" in other:
                        del secrets[other]
            return entry


WRONG_FAILURES: Final[Mapping[str, type[Memory]]] = {
    "test_outage_in_every_method": _EmptyWithoutTheStore,
    "test_expired_login_in_every_method": _DeletesWithoutALogin,
    "test_denied_in_every_method": _NothingWithoutRights,
    "test_throttled_in_every_method": _RestoresWhenThrottled,
    "test_lost_answer_of_every_write": _PutsAreAlwaysDone,
    "test_no_method_waits_for_ever": _WaitsForEver,
    "test_failure_between_the_calls_of_every_method": _StatsAfterThePut,
    "test_cut_answers": _CutIsMissing,
    "test_page_that_fails": _EndsWithThePage,
    "test_programming_error_is_not_an_outage": _EverythingIsAnOutage,
    "test_put_tells_what_it_wrote": _ForgetsTheName,
    "test_delete_leaves_the_others": _DeletesTheBeginning,
    "test_unknown_version_is_missing": _AnyVersionIsTheCurrentOne,
    "test_expired_versions_are_missing": _ExpiredIsUnavailable,
    "test_no_value_in_an_answer": _SendsValues,
    "test_login_is_shown_nowhere": _ShowsItsLogin,
    "test_threads_on_connections": _LastWriterPerConnection,
}
