"""Leaks: a unique value (a canary) is written and read, and must show up nowhere but in the store."""

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

writes = where(lambda caps: caps.writes)


@dataclass(frozen=True, slots=True)
class Output:
    """All output of a driver while it handled *canary*."""

    canary: str
    returned: list[Stored | Entry] = field(default_factory=list[Stored | Entry])
    raised: list[tuple[Exception, Problem]] = field(default_factory=list[tuple[Exception, Problem]])
    logged: io.StringIO = field(default_factory=io.StringIO)
    warned: list[str] = field(default_factory=list[str])

    @property
    def errors(self) -> list[SecretsError]:
        """The exceptions that reach a user as they are; the core explains and drops those of an SDK."""
        return [exc for exc, _ in self.raised if isinstance(exc, SecretsError)]


class Leaks(Suite):
    """The tests of every channel through which a value can leak: errors, reprs, tracebacks, logs, warnings, pickles."""

    @writes
    def test_canary_in_no_message(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """No error and no explanation quotes a value."""
        output = self.output(driver, backdoor, vault)
        texts = [f"{error} {error.args} {error.hint}" for error in output.errors]
        texts += [problem.hint for _, problem in output.raised]
        assert output.raised
        assert output.canary not in "\n".join(texts)

    @writes
    def test_canary_in_no_repr(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """No repr of the driver, or of what it returns or raises, shows a value."""
        output = self.output(driver, backdoor, vault)
        assert output.returned
        assert output.canary not in f"{driver!r} {driver} {output.returned!r} {output.errors!r}"

    @writes
    def test_canary_in_no_traceback(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """No traceback with the locals of its frames shows a value."""
        output = self.output(driver, backdoor, vault)
        assert output.canary not in "\n".join(_traceback(error) for error in output.errors)

    @writes
    def test_canary_in_no_context(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """No exception behind an exception quotes a value."""
        output = self.output(driver, backdoor, vault)
        behind = [repr(exc) + str(exc) for error in output.errors for exc in _behind(error)]
        assert output.canary not in "\n".join(behind)

    @writes
    def test_canary_in_no_log(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """No log record of any logger, down to DEBUG, shows a value."""
        output = self.output(driver, backdoor, vault)
        assert output.canary not in output.logged.getvalue()

    @writes
    def test_canary_in_no_warning(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """No warning shows a value."""
        output = self.output(driver, backdoor, vault)
        assert output.canary not in "\n".join(output.warned)

    @writes
    def test_canary_in_no_pickle(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """No pickle of an entry or an error holds a value, and a value cannot be pickled at all."""
        output = self.output(driver, backdoor, vault)
        entries = [found.entry if isinstance(found, Stored) else found for found in output.returned]
        assert output.canary.encode() not in pickle.dumps((entries, output.errors))
        with pytest.raises(TypeError):
            pickle.dumps(driver.get(vault + "key"))

    def output(self, driver: Driver, backdoor: Backdoor, vault: str) -> Output:
        """Read and write a canary, with and without failures, and return all output."""
        output = Output(f"canary-{uuid.uuid4().hex}")
        with _recording(output):
            for op, call in self.calls_with(driver, backdoor, vault, output.canary):
                try:
                    output.returned.append(call())
                except Exception as exc:  # noqa: BLE001 - no exception of a driver may show a value
                    output.raised.append((exc, problem(driver, exc, op)))
        return output

    def calls_with(
        self, driver: Driver, backdoor: Backdoor, vault: str, canary: str
    ) -> Iterator[tuple[str, Callable[[], Stored | Entry]]]:
        """Yield (method, call): first those that succeed, then those that fail."""
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
def _recording(output: Output) -> Generator[None]:
    root, handler = logging.getLogger(), logging.StreamHandler(output.logged)
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield
        output.warned.extend(str(warning.message) for warning in caught)
    finally:
        root.setLevel(level)
        root.removeHandler(handler)


def _traceback(error: SecretsError) -> str:
    """Format *error* with locals, without the frames of this file, which hold the canary."""
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "\n".join(str(frame.locals) for frame in report.stack if frame.filename != __file__)


def _behind(error: BaseException) -> Iterator[BaseException]:
    for exc in (error.__cause__, error.__context__):
        if exc is not None:
            yield exc
            yield from _behind(exc)
