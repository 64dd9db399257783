"""Silence: a value that nobody has seen before shows up in no channel but the store."""

import io
import logging
import pickle
import traceback
import uuid
import warnings
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from tailorsecrets.driver import ABSENT, Driver, Entry, Problem, Stored
from tailorsecrets.errors import SecretsError
from tailorsecrets.secret import Secret
from tailorsecrets.testing.backdoor import Backdoor
from tailorsecrets.testing.conformance.suite import STAMP, Suite, problem, where

quiet = where(lambda caps: caps.writes)


@dataclass(frozen=True, slots=True)
class Heard:
    """All that a driver said while it handled *canary*."""

    canary: str
    returned: list[Stored | Entry] = field(default_factory=list[Stored | Entry])
    raised: list[tuple[Exception, Problem]] = field(default_factory=list[tuple[Exception, Problem]])
    logged: io.StringIO = field(default_factory=io.StringIO)
    warned: list[str] = field(default_factory=list[str])

    @property
    def errors(self) -> list[SecretsError]:
        """The exceptions that reach a user as they are; what an SDK raised is explained and dropped."""
        return [exc for exc, _ in self.raised if isinstance(exc, SecretsError)]


class Silence(Suite):
    """The tests of every channel that a value could leak through."""

    @quiet
    def test_canary_in_no_message(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """No error and no explanation quotes a value."""
        heard = self.heard(driver, backdoor, vault)
        told = [f"{error} {error.args} {error.hint}" for error in heard.errors]
        told += [problem.hint for _, problem in heard.raised]
        assert heard.raised
        assert heard.canary not in "\n".join(told)

    @quiet
    def test_canary_in_no_repr(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """No repr of the driver, or of what it returns or raises, shows a value."""
        heard = self.heard(driver, backdoor, vault)
        assert heard.returned
        assert heard.canary not in f"{driver!r} {driver} {heard.returned!r} {heard.errors!r}"

    @quiet
    def test_canary_in_no_traceback(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """No traceback with the locals of its frames shows a value."""
        heard = self.heard(driver, backdoor, vault)
        assert heard.canary not in "\n".join(_traceback(error) for error in heard.errors)

    @quiet
    def test_canary_in_no_context(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """No exception behind an exception quotes a value."""
        heard = self.heard(driver, backdoor, vault)
        behind = [repr(exc) + str(exc) for error in heard.errors for exc in _behind(error)]
        assert heard.canary not in "\n".join(behind)

    @quiet
    def test_canary_in_no_log(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """No log record of any logger, down to DEBUG, shows a value."""
        heard = self.heard(driver, backdoor, vault)
        assert heard.canary not in heard.logged.getvalue()

    @quiet
    def test_canary_in_no_warning(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """No warning shows a value."""
        heard = self.heard(driver, backdoor, vault)
        assert heard.canary not in "\n".join(heard.warned)

    @quiet
    def test_canary_in_no_pickle(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """No pickle of an entry or an error holds a value, and a value cannot be pickled at all."""
        heard = self.heard(driver, backdoor, vault)
        entries = [found.entry if isinstance(found, Stored) else found for found in heard.returned]
        assert heard.canary.encode() not in pickle.dumps((entries, heard.errors))
        with pytest.raises(TypeError):
            pickle.dumps(driver.get(vault + "key"))

    def heard(self, driver: Driver, backdoor: Backdoor, vault: str) -> Heard:
        """Read and write a canary, well and badly, and return all that was said."""
        heard = Heard(f"canary-{uuid.uuid4().hex}")
        with _listening(heard):
            for op, call in self.mishaps(driver, backdoor, vault, heard.canary):
                try:
                    heard.returned.append(call())
                except Exception as exc:  # noqa: BLE001 - whatever a driver raises has to be silent
                    heard.raised.append((exc, problem(driver, exc, op)))
        return heard

    def mishaps(
        self, driver: Driver, backdoor: Backdoor, vault: str, canary: str
    ) -> Iterator[tuple[str, Callable[[], Stored | Entry]]]:
        """Yield (method, call): first what goes well, then all that can be made to go wrong here."""
        key, text = vault + "key", canary
        yield "put", lambda: driver.put(key, Secret(text), stamp=STAMP if self.caps.stamps else "")
        yield "get", lambda: driver.get(key)
        yield "get", lambda: driver.get(vault + "missing")
        if self.caps.cas != "none":
            yield "put", lambda: driver.put(key, Secret(text), expect=ABSENT)
        if self.caps.cas == "full":
            yield "put", lambda: driver.put(key, Secret(text), expect="stale")
        yield "put", lambda: driver.put(key, Secret(text + "\udc80"))
        if "write_bytes" not in self.cannot:
            backdoor.write_bytes(vault + "foreign", text.encode() + b"\xff")
            yield "get", lambda: driver.get(vault + "foreign")
        if "unreachable" not in self.cannot:
            backdoor.unreachable()
            yield "put", lambda: driver.put(key, Secret(text))
            backdoor.recover()


@contextmanager
def _listening(heard: Heard) -> Generator[None]:
    root, handler = logging.getLogger(), logging.StreamHandler(heard.logged)
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield
        heard.warned.extend(str(warning.message) for warning in caught)
    finally:
        root.setLevel(level)
        root.removeHandler(handler)


def _traceback(error: SecretsError) -> str:
    """Format *error* with locals, without the frames of this file, which know the canary."""
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "\n".join(str(frame.locals) for frame in report.stack if frame.filename != __file__)


def _behind(error: BaseException) -> Iterator[BaseException]:
    for exc in (error.__cause__, error.__context__):
        if exc is not None:
            yield exc
            yield from _behind(exc)
