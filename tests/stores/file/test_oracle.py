"""Random operations on a file against a plain model in memory."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tailorsecrets.driver import ABSENT, PRESENT, Driver
from tailorsecrets.errors import AlreadyExists, Conflict, NotFound, SecretsError
from tailorsecrets.secret import Secret
from tests.support.file.opening import opened, text

NAMES = ("a", "a/b", "a-b", "é")
VALUES = st.text(max_size=20) | st.sampled_from(["", "\0", "a\r\n", "\ufeff", "\U0001f511"])
EXPECTS = st.sampled_from([None, None, None, ABSENT, PRESENT, "current", "stale"])
OPERATIONS = st.one_of(
    st.tuples(st.just("put"), st.sampled_from(NAMES), VALUES, EXPECTS),
    st.tuples(st.just("delete"), st.sampled_from(NAMES), st.booleans()),
    st.tuples(st.just("restore"), st.sampled_from(NAMES)),
)


@dataclass
class Model:
    """What a store is: of each name the values it had, newest last, and whether it lives."""

    values: dict[str, list[str]] = field(default_factory=dict)
    living: set[str] = field(default_factory=set)

    def put(self, name: str, value: str, expect: str | None) -> type[SecretsError] | None:
        """Put, or return the error that it is."""
        lives = name in self.living
        if expect == ABSENT and lives:
            return AlreadyExists
        if expect == PRESENT and not lives:
            return NotFound
        if expect == "stale" or (expect == "current" and name not in self.values):
            return Conflict
        self.values.setdefault(name, []).append(value)
        self.living.add(name)
        return None

    def delete(self, name: str, purge: bool) -> type[SecretsError] | None:
        """Delete; nothing is wrong with a name that is not there."""
        self.living.discard(name)
        if purge:
            self.values.pop(name, None)
        return None

    def restore(self, name: str) -> type[SecretsError] | None:
        """Restore, or return the error that it is."""
        if name in self.living or name not in self.values:
            return NotFound
        self.values[name].append(self.values[name][-1])
        self.living.add(name)
        return None


def done(driver: Driver, operation: tuple[object, ...]) -> type[SecretsError] | None:
    """Do to the store what the model does, and return the error as the model does."""
    try:
        match operation:
            case ("put", str(name), str(value), expect):
                version = token(driver, name) if expect == "current" else expect
                driver.put(name, Secret(value), expect="9.nonsense" if expect == "stale" else str_or_none(version))
            case ("delete", str(name), purge):
                driver.delete(name, purge=bool(purge))
            case (_, name):
                driver.restore(str(name))
            case _:
                raise AssertionError(operation)
    except SecretsError as error:
        return type(error)
    return None


def str_or_none(expect: object) -> str | None:
    """Return what put takes."""
    return None if expect is None else str(expect)


def token(driver: Driver, name: str) -> str:
    """Return the version token of a name, some other one where it is not there."""
    try:
        return driver.stat(name).version
    except NotFound:
        return "9.nonsense"


def check(driver: Driver, model: Model) -> None:
    """Check that every reading of the store is what the model says."""
    assert {entry.name for entry in driver.list("")} == model.living
    assert {entry.name for entry in driver.list("", deleted=True)} == set(model.values) - model.living
    for name in NAMES:
        answer = driver.get_many([name])[name]
        if name in model.living:
            assert text(driver, name) == model.values[name][-1]
        else:
            assert isinstance(answer, NotFound)
        if name in model.values:
            seen = [text(driver, name, entry.version) for entry in driver.versions(name)]
            assert seen[:10] == model.values[name][:-11:-1]  # a transaction prunes at its end


@contextmanager
def two_drivers() -> Iterator[list[Driver]]:
    """Yield two drivers of one new file."""
    with tempfile.TemporaryDirectory() as folder:
        drivers = [opened(Path(folder)), opened(Path(folder))]
        drivers[0].setup()
        yield drivers


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 1), OPERATIONS), max_size=25), st.booleans())
def test_any_operations(steps: list[tuple[int, tuple[object, ...]]], together: bool) -> None:
    """Whatever is done through two drivers, or in one transaction, the store is what a plain model is."""
    model = Model()
    with two_drivers() as drivers:
        with drivers[0].transaction() if together else nullcontext():
            for which, operation in steps:
                driver = drivers[0 if together else which]
                kind, *args = operation
                assert done(driver, operation) is getattr(model, str(kind))(*args)
                check(driver, model)
        check(drivers[1], model)
