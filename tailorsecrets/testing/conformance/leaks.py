"""Leaks: a unique value (a canary) is written and read, and must show up nowhere but in the store."""

import io
import logging
import pickle
import traceback
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tailorsecrets.driver import ABSENT, Driver, Entry, Problem, Stored
from tailorsecrets.errors import SecretsError
from tailorsecrets.secret import Secret
from tailorsecrets.testing.backdoor import Backdoor
from tailorsecrets.testing.conformance.canary import new_canary, shows
from tailorsecrets.testing.conformance.suite import STAMP, Suite, check, group, problem, uses, where

writes = where(lambda caps: caps.writes, "the driver declares no writes")

LEAST = 6  # characters of a credential; a shorter word may be anywhere


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

    @property
    def messages(self) -> list[str]:
        """What a user sees of all exceptions: our own with their notes, and the explanations of others."""
        texts = [f"{error} {error.args} {error.hint} {error.reason} {notes_of(error)}" for error in self.errors]
        return texts + [f"{problem.hint} {problem.reason_code}" for _, problem in self.raised]

    @property
    def behind(self) -> list[str]:
        """The exceptions behind those that reach a user."""
        return [f"{exc!r} {exc} {notes_of(exc)}" for error in self.errors for exc in _behind(error)]


@group("leak")
class Leaks(Suite):
    """The tests of every channel through which a value can leak: errors, reprs, tracebacks, logs, warnings, pickles."""

    @writes
    def test_canary_in_no_message(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """No error, no note on it and no explanation quotes a value, in any encoding."""
        output = self.output(driver, backdoor, vault)
        check(output.raised, "no call of those that must fail raised anything")
        self.check_hidden(output.canary, "an error message or hint", output.messages)

    @writes
    def test_canary_in_no_repr(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """No repr of the driver, of its attributes, or of what it returns or raises, shows a value."""
        output = self.output(driver, backdoor, vault)
        check(output.returned, "no call returned anything")
        self.check_hidden(output.canary, "the repr of a result", [repr(output.returned), repr(output.errors)])
        self.check_hidden(output.canary, "the repr of the driver or of its attributes", reprs_of(driver))

    @writes
    def test_canary_in_no_traceback(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """No traceback with the locals of its frames shows a value."""
        output = self.output(driver, backdoor, vault)
        shown = [place for error in output.errors for place in _locals_with(output.canary, error)]
        check(not shown, shown[0] if shown else "")

    @writes
    def test_canary_in_no_context(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """No exception behind an exception, and no note on it, quotes a value."""
        output = self.output(driver, backdoor, vault)
        self.check_hidden(output.canary, "an exception behind another", output.behind)

    @writes
    def test_canary_in_no_log(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """No log record of any logger, down to DEBUG, shows a value, in any encoding."""
        output = self.output(driver, backdoor, vault)
        self.check_hidden(output.canary, "a log record", [output.logged.getvalue()])

    @writes
    def test_canary_in_no_warning(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """No warning shows a value."""
        output = self.output(driver, backdoor, vault)
        self.check_hidden(output.canary, "a warning", output.warned)

    @writes
    def test_canary_in_no_pickle(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """No pickle of an entry or an error holds a value, and a value cannot be pickled at all."""
        output = self.output(driver, backdoor, vault)
        entries = [found.entry if isinstance(found, Stored) else found for found in output.returned]
        self.check_hidden(output.canary, "a pickle", [pickle.dumps((entries, output.errors))])
        with pytest.raises(TypeError):
            pickle.dumps(driver.get(vault + "key"))

    @writes
    @uses("credentials")
    def test_login_is_shown_nowhere(self, driver: Driver, backdoor: Backdoor, vault: str) -> None:
        """No error, note, repr, log or warning shows the credential that signs the driver in, in any encoding."""
        output = self.output(driver, backdoor, vault)
        if "expire_login" not in self.cannot:
            backdoor.expire_login()
            with _recording(output):
                self.note(output, driver, "get", lambda: driver.get(vault + "key"))
            backdoor.recover()
        credentials = backdoor.credentials()
        check(credentials, "the backdoor knows no credential with which the driver has signed in")
        for credential in credentials:
            self.check_login_hidden(credential, driver, output)

    def check_login_hidden(self, credential: str, driver: Driver, output: Output) -> None:
        """Check that *output* does not show *credential*, or its part after a word such as Bearer."""
        for text in {each for each in (credential, credential.rpartition(" ")[2]) if len(each) >= LEAST}:
            self.check_hidden(text, "an error message or hint", output.messages, "the login")
            self.check_hidden(text, "an exception behind another", output.behind, "the login")
            self.check_hidden(text, "a log record", [output.logged.getvalue()], "the login")
            self.check_hidden(text, "a warning", output.warned, "the login")
            self.check_hidden(text, "the repr of the driver or of its attributes", reprs_of(driver), "the login")

    def check_hidden(self, secret: str, place: str, texts: "Iterator[str] | Sequence[object]", what: str = "") -> None:
        """Check that *texts*, which are of *place*, hold *secret* in no form."""
        form = shows(secret, *texts)
        check(not form, f"{place} shows {what or 'a value'} ({form})")

    def output(self, driver: Driver, backdoor: Backdoor, vault: str) -> Output:
        """Read and write a canary, with and without failures, and return all output."""
        output = Output(new_canary())
        if "write_bytes" not in self.cannot:  # before: the backdoor may log what it writes
            backdoor.write_bytes(vault + "foreign", output.canary.encode() + b"\xff")
        with _recording(output):
            for op, call in self.calls_with(driver, backdoor, vault, output.canary):
                self.note(output, driver, op, call)
        return output

    def note(self, output: Output, driver: Driver, op: str, call: Callable[[], Stored | Entry]) -> None:
        """Add to *output* what *call* of method *op* returns or raises."""
        try:
            output.returned.append(call())
        except Exception as exc:  # noqa: BLE001 - no exception of a driver may show a value
            output.raised.append((exc, problem(driver, exc, op)))

    def calls_with(
        self, driver: Driver, backdoor: Backdoor, vault: str, canary: str
    ) -> Iterator[tuple[str, Callable[[], Stored | Entry]]]:
        """Yield (method, call): first those that succeed, then those that fail."""
        key, text = vault + "key", canary
        yield "put", lambda: driver.put(key, Secret(text), stamp=STAMP if self.caps.stamps else "")
        yield "get", lambda: driver.get(key)
        yield "get", lambda: driver.get(vault + "missing")
        if self.caps.stats:
            yield "stat", lambda: driver.stat(key)
        if self.caps.cas != "none":
            yield "put", lambda: driver.put(key, Secret(text), expect=ABSENT)
        if self.caps.cas == "full":
            yield "put", lambda: driver.put(key, Secret(text), expect="stale")
        yield "put", lambda: driver.put(key, Secret(text + "\udc80"))
        if "write_bytes" not in self.cannot:
            yield "get", lambda: driver.get(vault + "foreign")
        if "unreachable" not in self.cannot:
            backdoor.unreachable()
            yield "put", lambda: driver.put(key, Secret(text))
            yield "get", lambda: driver.get(key)
            backdoor.recover()


def notes_of(exc: BaseException) -> list[str]:
    """Return the notes on *exc*."""
    return getattr(exc, "__notes__", [])


def reprs_of(driver: Driver) -> list[str]:
    """Return what prints, debuggers and crash reports show of *driver*: its repr, and those of its attributes."""
    found = [repr(driver), str(driver)]
    while isinstance(inner := vars(driver).get("inner"), Driver):  # through layers
        found.append(repr(vars(driver)))
        driver = inner
    return [*found, repr(vars(driver))]


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


def _locals_with(secret: str, error: SecretsError) -> Iterator[str]:
    """Tell which local variables in the traceback of *error* show *secret*, the innermost first.

    The frames of this file are left out: they hold the canary.
    """
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    for frame in reversed(report.stack):
        for variable, text in (frame.locals or {}).items():
            if frame.filename != __file__ and (form := shows(secret, text)):
                where = f"{Path(frame.filename).name}:{frame.lineno} in {frame.name}"
                yield f"the local variable {variable} at {where} shows a value ({form}) at {type(error).__name__}"


def _behind(error: BaseException) -> Iterator[BaseException]:
    for exc in (error.__cause__, error.__context__):
        if exc is not None:
            yield exc
            yield from _behind(exc)
