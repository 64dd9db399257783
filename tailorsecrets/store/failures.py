"""Calls of a driver: whatever it raises becomes one error, with a meaning, the place and the store's URL."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final, ParamSpec, TypeVar

from tailorsecrets import errors
from tailorsecrets.driver import Driver, Entry, Problem
from tailorsecrets.errors import AlreadyExists, NotFound, SecretsError, reworded
from tailorsecrets.store.names import Place
from tailorsecrets.store.origin import origin_of

T = TypeVar("T")
P = ParamSpec("P")

STORE_ERRORS: Final = (errors.StoreNotFound, errors.Throttled, errors.Unauthenticated, errors.Unavailable)
_READS: Final = frozenset({"get", "get_many", "stat", "list", "versions", "containers", "identity", "locate"})
_LONGEST_REASON: Final = 300  # characters
_SPECIFIC: Final[Mapping[type[SecretsError], tuple[type[SecretsError], type[SecretsError]]]] = {
    NotFound: (errors.VaultNotFound, errors.SecretNotFound),
    AlreadyExists: (errors.VaultAlreadyExists, errors.SecretAlreadyExists),
}


class Calls:
    """Calls methods of *driver*; *url* names the store in errors."""

    def __init__(self, driver: Driver, url: str) -> None:
        self._driver, self._url = driver, url

    def call(self, op: str, place: Place | None, do: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
        """Return what *do* returns, which is method *op* of the driver."""
        try:
            return do(*args, **options)
        except Exception as exc:  # noqa: BLE001  # the one place where whatever a driver raises gets its meaning
            error = self.error(op, place, exc)
        raise error  # outside the block: an SDK's exception may quote a value, and must not stay as __context__

    def each(self, op: str, place: Place | None, start: Callable[[], Iterator[Entry]]) -> Iterator[Entry]:
        """Yield the entries of *start*, which is method *op* of the driver."""
        entries = self.call(op, place, start)
        while (entry := self.call(op, place, _next_entry, entries)) is not None:
            yield entry

    def error(self, op: str, place: Place | None, exc: Exception) -> SecretsError:
        """Return the error for *exc*, which method *op* of the driver raised."""
        if isinstance(exc, SecretsError):
            kind, text, hint, code, retryable = _kind(exc), str(exc), exc.hint, exc.code, exc.retryable
            reason, reason_code = exc.reason, exc.reason_code
        else:
            problem: Problem = self._driver.explain(exc, op)
            kind, text, hint, code = problem.kind, "", problem.hint, problem.kind.code
            retryable = problem.kind.retryable and not self._driver.caps.retries  # else the SDK has tried again already
            reason, reason_code = problem.reason, problem.reason_code
        vault, secret = (place.vault, place.secret) if place else ("", "")
        specific = _SPECIFIC.get(kind, (kind, kind))[bool(secret)] if vault else kind
        message = text if text and text != kind.meaning else specific.meaning
        error = specific(
            f"{place if vault else self._url}: {message}",
            hint=hint,
            code=specific.code if code == kind.code else code,
            op=op,
            store=self._url,
            vault=vault,
            secret=secret,
            retryable=retryable,
            reason=_reason(reason, reason_code, op),
            reason_code=reason_code,
        )
        error.origin = origin_of(exc)
        return error


def untried(place: Place, failure: SecretsError) -> SecretsError:
    """Return the error for *place*, which was not asked for: the store refused another one of the same read."""
    cause = f"not read, because the read of {failure.vault}/{failure.secret} failed: {failure.code}"
    return reworded(failure, f"{place}: {cause}", vault=place.vault, secret=place.secret, retryable=False)


def _next_entry(entries: Iterator[Entry]) -> Entry | None:
    return next(entries, None)


def _reason(reason: str, code: str, op: str) -> str:
    """Return the service's own code and message in one line; of a write only its code, for the rest may quote it."""
    printable = "".join(character if character.isprintable() else " " for character in reason)
    message = " ".join(printable.split())[:_LONGEST_REASON] if op in _READS else ""
    return ": ".join(part for part in (code, message) if part)


def _kind(error: SecretsError) -> type[SecretsError]:
    return next(kind for kind in type(error).__mro__ if kind.__module__ == errors.__name__)
