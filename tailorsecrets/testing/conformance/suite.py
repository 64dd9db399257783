"""The base of all conformance tests: the author's fixtures, and the choice of tests by a store's declarations."""

import uuid
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Final, TypeVar

import pytest

from tailorsecrets.driver import Caps, Driver, Entry, Problem
from tailorsecrets.errors import NotFound, SecretsError
from tailorsecrets.testing.backdoor import Backdoor

Test = TypeVar("Test", bound=Callable[..., None])
Connect = Callable[[], Driver]
MakeVault = Callable[[str], str]  # a vault's name -> the beginning of its native names

STAMP: Final = "q3JmW8x-T0_vLr5kYc2ZbH9sNfDgA7eP"  # like those of the core: 32 characters of URL-safe base 64


class Suite:
    """The declarations and fixtures that an author fills in.

    The subclass does not have the tests that its declarations rule out, so no test is skipped. The declarations
    themselves are tested (``test_declarations_are_true``, ``test_each_missing_cap_refused``).
    """

    caps: ClassVar[Caps] = Caps()  # of every driver that `connect` returns
    cannot: ClassVar[frozenset[str]] = frozenset()  # the abilities that the backdoor lacks, of backdoor.ABILITIES
    prefix: ClassVar[str] = ""  # before every native name, such as a mount, with the joiner at its end
    foreign_name: ClassVar[str] = (
        "Not_A.Secret"  # the store allows it as the last part of a name, the name grammar does not
    )
    many: ClassVar[int] = 30  # secrets that need more than one page of a list
    examples: ClassVar[int] = 50  # values that the round trip tries
    module: ClassVar[str] = ""  # the plugin, as it is imported
    sdk: ClassVar[Sequence[str]] = ()  # modules that importing the plugin must not import
    cost: ClassVar[Mapping[str, int]] = {}  # method -> calls that it sends to the store, after the sign-in
    sdk_exceptions: ClassVar[Sequence[Exception]] = ()  # one of each kind that the SDK raises

    @pytest.fixture
    def connect(self) -> Connect:
        """Return a function that opens one more connection to the same store, which tests may share."""
        raise NotImplementedError("the author's subclass must have this fixture")

    @pytest.fixture
    def backdoor(self) -> Backdoor:
        """Return the other tool on the store of ``connect``."""
        raise NotImplementedError("the author's subclass must have this fixture")

    @pytest.fixture
    def driver(self, connect: Connect) -> Iterator[Driver]:
        """Provide a connection, and close it."""
        driver = connect()
        yield driver
        driver.close()

    @pytest.fixture
    def make_vault(self, driver: Driver) -> MakeVault:
        """Return a function that makes a vault of this test and returns the beginning of its native names."""
        return self.vault_maker(driver)

    @pytest.fixture
    def vault(self, make_vault: MakeVault) -> str:
        """Return the beginning of the native names of one vault of this test."""
        return make_vault("api")

    def vault_maker(self, driver: Driver) -> MakeVault:
        """Return a function that makes vaults in a workspace that no other test uses."""
        joiner, workspace = self.caps.joiner, f"{self.prefix}w{uuid.uuid4().hex[:10]}"

        def make_vault(vault: str) -> str:
            container = f"{workspace}{joiner}{vault}"
            if self.caps.containers:
                driver.make(container, "made by the conformance suite")
            return container + joiner

        return make_vault

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for name, test in all_tests(cls).items():
            if name not in vars(cls):
                setattr(cls, name, test if applies(cls, test) else None)


_CONDITIONS: Final[dict[Callable[..., None], list[Callable[[type[Suite]], bool]]]] = {}


def where(condition: Callable[[Caps], bool]) -> Callable[[Test], Test]:
    """Mark a test of a promise of some capabilities."""
    return _marked(lambda suite: condition(suite.caps))


def uses(*abilities: str) -> Callable[[Test], Test]:
    """Mark a test that needs *abilities* of the backdoor."""
    return _marked(lambda suite: suite.cannot.isdisjoint(abilities))


def declares(*attributes: str) -> Callable[[Test], Test]:
    """Mark a test that needs the author's declarations in *attributes* of the suite."""
    return _marked(lambda suite: all(getattr(suite, attribute) for attribute in attributes))


def all_tests(cls: type[Suite]) -> dict[str, Callable[..., None]]:
    """Return all tests of a suite by name, also those that its declarations rule out."""
    members: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        members |= {name: member for name, member in vars(base).items() if callable(member)}
    return {name: member for name, member in members.items() if name.startswith("test_")}


def applies(cls: type[Suite], test: Callable[..., None]) -> bool:
    """Tell whether *test* is for a class with the declarations of *cls*."""
    return all(condition(cls) for condition in _CONDITIONS.get(test, ()))


def problem(driver: Driver, exc: Exception, op: str) -> Problem:
    """Return the meaning of *exc*; an error of ours has its own, as in the core."""
    return Problem(type(exc), exc.hint) if isinstance(exc, SecretsError) else driver.explain(exc, op)


@contextmanager
def refused(driver: Driver, op: str, *kinds: type[SecretsError]) -> Generator[None]:
    """Fail unless the block, which calls *op*, raises an exception that means one of *kinds*."""
    try:
        yield
    except Exception as exc:  # noqa: BLE001 - every exception of a driver must have a meaning
        kind = problem(driver, exc, op).kind
    else:
        raise AssertionError(f"{op} succeeded, and must be refused")
    assert issubclass(kind, kinds), f"{op} was refused as {kind.__name__}"


def names(entries: Iterator[Entry]) -> list[str]:
    """Return the names of *entries*."""
    return [entry.name for entry in entries]


def tokens_of(driver: Driver, name: str) -> list[str]:
    """Return the tokens of the versions of *name*; none where the driver reports it as missing."""
    try:
        return [entry.version for entry in driver.versions(name)]
    except Exception as exc:
        if issubclass(problem(driver, exc, "versions").kind, NotFound):
            return []
        raise


def _marked(condition: Callable[[type[Suite]], bool]) -> Callable[[Test], Test]:
    def mark(test: Test) -> Test:
        _CONDITIONS.setdefault(test, []).append(condition)
        return test

    return mark
