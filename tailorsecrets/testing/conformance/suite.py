"""The base of all conformance tests: the author's fixtures, and the choice of tests by a store's declarations."""

import time
import uuid
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import wraps
from typing import Any, ClassVar, Final, NamedTuple, TypeVar

import pytest

from tailorsecrets.driver import Caps, Driver, Entry, Problem
from tailorsecrets.errors import NotFound, SecretsError
from tailorsecrets.testing.backdoor import LATER, Backdoor, Lacking

Test = TypeVar("Test", bound=Callable[..., None])
Connect = Callable[[], Driver]
MakeVault = Callable[[str], str]  # a vault's name -> the beginning of its native names

STAMP: Final = "q3JmW8x-T0_vLr5kYc2ZbH9sNfDgA7eP"  # like those of the core: 32 characters of URL-safe base 64
_SIZES: Final = (1, 30, 120, 480, 1_100)  # secrets, until a list takes more calls than that of one secret
_FEWEST: Final = 30  # secrets that are written at least
_FILLING: Final = 5.0  # seconds for more of them, where the store is slow
DOCS: Final = "https://tailorsecrets.github.io/tailorsecrets/contract/"


class Suite:
    """The declarations and fixtures that an author fills in; :class:`Conformance` describes each of them."""

    caps: ClassVar[Caps] = Caps()
    cannot: ClassVar[frozenset[str]] = frozenset()
    switched_off: ClassVar[Mapping[str, str]] = {}
    prefix: ClassVar[str] = ""
    foreign_name: ClassVar[str] = "Not_A.Secret"
    many: ClassVar[int] = 0
    examples: ClassVar[int] = 50
    timeout: ClassVar[float] = 15.0
    one_right: ClassVar[bool] = False
    in_memory: ClassVar[bool] = False
    urls: ClassVar[Sequence[str]] = ()
    environ: ClassVar[Mapping[str, str]] = {}
    module: ClassVar[str] = ""
    sdk: ClassVar[Sequence[str]] = ()
    cost: ClassVar[Mapping[str, int]] = {}
    sdk_exceptions: ClassVar[Sequence[Exception]] = ()

    @pytest.fixture
    def connect(self) -> Connect:
        """Return a function that opens one more connection to the same store, which tests may share."""
        raise NotImplementedError(f"{type(self).__name__} has no fixture `connect`")

    @pytest.fixture
    def backdoor(self) -> Backdoor:
        """Return the other tool on the store of ``connect``."""
        raise NotImplementedError(f"{type(self).__name__} has no fixture `backdoor`")

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

    def fill(self, driver: Driver, backdoor: Backdoor, vault: str) -> list[str]:
        """Write secrets of more than one page of a list into *vault*, and return their names in order; see ``many``."""
        counts = can(backdoor, "calls") and not self.many
        written: list[str] = []
        first, end = 0, time.monotonic() + _FILLING
        for size in _SIZES if counts else (self.many or _SIZES[-1],):
            new = [f"{vault}key-{number:04}" for number in range(len(written), size)]
            for name in new:
                if not self.many and len(written) >= _FEWEST and time.monotonic() > end:
                    break
                backdoor.write(name, "value")
                written.append(name)
            backdoor.settle()
            taken = _calls_of_list(driver, backdoor, vault) if counts else 0
            first = first or taken
            if 0 < taken - first < size - 1:  # it asked for another page; a call for each entry is not a page
                break
        return written

    silenced: ClassVar[tuple[str, ...]] = ()  # tests that a class body sets to None

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        nothing = [name for name, member in vars(cls).items() if name.startswith("test_") and member is None]
        cls.silenced = (*cls.silenced, *nothing)
        for name, test in all_tests(cls).items():
            if name in vars(cls):
                continue
            reason = why_not(cls, name, test)
            setattr(cls, name, None if reason else test)


Kind = TypeVar("Kind", bound=type[Suite])


@dataclass(frozen=True, slots=True)
class _Need:
    """What a test needs, and the reason why it is left out without that."""

    holds: Callable[[type[Suite]], bool]
    reason: Callable[[type[Suite]], str]


class _Rules(NamedTuple):
    needs: list[_Need]
    later: list[str]  # abilities that a backdoor may lack without a declaration


_RULES: Final[dict[Callable[..., None], _Rules]] = {}


def where(condition: Callable[[Caps], bool], lacking: str = "") -> Callable[[Test], Test]:
    """Mark a test of a promise of some capabilities; *lacking* says in words what a driver without them lacks."""
    return _marked(_Need(lambda suite: condition(suite.caps), lambda _: lacking or "the driver does not declare it"))


def uses(*abilities: str) -> Callable[[Test], Test]:
    """Mark a test that needs *abilities* of the backdoor."""

    def mark(test: Test) -> Test:
        rules(test).later.extend(ability for ability in abilities if ability in LATER)
        return _marked(
            _Need(
                lambda suite: not lacks(suite, abilities),
                lambda suite: f"`cannot` names {', '.join(lacks(suite, abilities))}",
            )
        )(test)

    return mark


def lacks(suite: type[Suite], abilities: Iterable[str]) -> list[str]:
    """Return those of *abilities* that the backdoor of *suite* lacks by its declaration."""
    return [ability for ability in abilities if ability in suite.cannot]


def unless(attribute: str, reason: str) -> Callable[[Test], Test]:
    """Mark a test that is left out, for *reason*, where *attribute* of the suite is true."""
    return _marked(_Need(lambda suite: not getattr(suite, attribute), lambda _: reason))


def declares(*attributes: str) -> Callable[[Test], Test]:
    """Mark a test that needs the author's declarations in *attributes* of the suite."""

    def missing(suite: type[Suite]) -> list[str]:
        return [attribute for attribute in attributes if not getattr(suite, attribute)]

    return _marked(_Need(lambda suite: not missing(suite), lambda suite: f"no `{missing(suite)[0]}` is declared"))


def rules(test: Callable[..., None]) -> _Rules:
    """Return the rules of *test*, or of the test that it wraps."""
    return _RULES.setdefault(getattr(test, "__wrapped__", test), _Rules([], []))


def all_tests(cls: type[Suite]) -> dict[str, Callable[..., None]]:
    """Return all tests of a suite by name, also those that its declarations rule out."""
    members: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        members |= {name: member for name, member in vars(base).items() if callable(member)}
    return {name: member for name, member in members.items() if name.startswith("test_")}


def why_not(cls: type[Suite], name: str, test: Callable[..., None]) -> str:
    """Return why the test called *name* is not for a class with the declarations of *cls*, "" where it is."""
    if not isinstance(cls.caps, Caps):
        return ""  # declarations.problems_of says so
    if isinstance(cls.switched_off, Mapping) and name in cls.switched_off:
        return f"switched off: {cls.switched_off[name]}"
    return next((need.reason(cls) for need in rules(test).needs if not need.holds(cls)), "")


def left_out(cls: type[Suite]) -> dict[str, str]:
    """Return the reason for each test that *cls* does not have, by name."""
    reasons = {name: why_not(cls, name, test) for name, test in all_tests(cls).items() if not vars(cls).get(name)}
    return {name: reason for name, reason in reasons.items() if reason}


class Broken(AssertionError):
    """A promise that a driver does not keep: what it promised, what it did, and where that is written."""


def group(name: str) -> Callable[[Kind], Kind]:
    """Put the tests of a class into the group *name* (``pytest -k group_NAME``), and make each failure one sentence."""

    def mark(cls: Kind) -> Kind:
        for test_name, test in list(vars(cls).items()):
            if test_name.startswith("test_"):
                telling = _telling(test)
                vars(telling)[f"group_{name}"] = True  # pytest's -k finds a test by its attributes, too
                setattr(cls, test_name, telling)
        return cls

    return mark


def _telling(test: Callable[..., None]) -> Callable[..., None]:
    """Return *test* with a failure that says what was promised, what happened, and which line of the docs says so."""

    @wraps(test)
    def run(self: Suite, *args: Any, **given: Any) -> None:
        __tracebackhide__ = True
        _check_abilities(test, [*args, *given.values()])
        try:
            test(self, *args, **given)
        except AssertionError as exc:
            did = str(exc).partition("\n")[0] or _raised(exc)
        except Exception as exc:
            raise Broken(_sentence(test, _raised(exc))) from exc
        else:
            return
        raise Broken(_sentence(test, did)) from None

    return run


def _raised(exc: Exception) -> str:
    """Say which method of a driver or backdoor raised *exc*, and what it means; its text may quote a value."""
    caller, op = _caller(exc)
    message = f"{op or 'a call'} raised {type(exc).__name__}"
    if isinstance(caller, Backdoor):
        return f"the backdoor's {message}" + (f": {exc}" if isinstance(exc, Lacking) else "")
    if caller is None or isinstance(exc, SecretsError):
        return message
    with suppress(Exception):
        message += f", for which explain returned {caller.explain(exc, op).kind.__name__}"
    return message


def _caller(exc: Exception) -> tuple[Driver | Backdoor | None, str]:
    """Return the driver or backdoor whose method raised *exc*, and the name of the method."""
    frame = exc.__traceback__
    while frame is not None:
        found = frame.tb_frame.f_locals.get("self")
        if isinstance(found, (Driver, Backdoor)):
            return found, frame.tb_frame.f_code.co_name
        frame = frame.tb_next
    return None, ""


def _check_abilities(test: Callable[..., None], given: Sequence[object]) -> None:
    """Leave *test* out where the backdoor lacks an ability that it may lack without a word."""
    for backdoor in (each for each in given if isinstance(each, Backdoor)):
        for ability in rules(test).later:
            if not can(backdoor, ability):
                pytest.skip(f"the backdoor lacks {ability}")


def can(backdoor: object, ability: str) -> bool:
    """Tell whether *backdoor* has *ability*."""
    return getattr(type(backdoor), ability) is not getattr(Backdoor, ability)


def _sentence(test: Callable[..., None], did: str) -> str:
    promise = " ".join((test.__doc__ or "").split()).rstrip(".")
    return f"The contract says: {promise}; but {did}. See {DOCS}#{test.__name__.removeprefix('test_')}"


def problem(driver: Driver, exc: Exception, op: str) -> Problem:
    """Return the meaning of *exc*; an error of ours has its own, as in the core."""
    return Problem(type(exc), exc.hint) if isinstance(exc, SecretsError) else driver.explain(exc, op)


@contextmanager
def refused(driver: Driver, op: str, *kinds: type[SecretsError], why: str = "") -> Generator[None]:
    """Fail unless the block, which calls *op*, raises an exception that means one of *kinds*; *why* tells when."""
    __tracebackhide__ = True
    expected = " or ".join(kind.__name__ for kind in kinds)
    try:
        yield
    except Exception as exc:  # noqa: BLE001 - every exception of a driver must have a meaning
        kind, raised = problem(driver, exc, op).kind, type(exc).__name__
    else:
        raise AssertionError(f"{op}{why and f' {why}'} returned, and did not raise what means {expected}")
    explained = "" if raised == kind.__name__ else f", for which explain returned {kind.__name__}"
    check(issubclass(kind, kinds), f"{op}{why and f' {why}'} raised {raised}{explained}, not {expected}")


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


def _calls_of_list(driver: Driver, backdoor: Backdoor, prefix: str) -> int:
    before = backdoor.calls()
    names(driver.list(prefix))
    return backdoor.calls() - before


def check(held: object, did: str) -> None:
    """Fail with what the driver *did*, unless the promise is *held*."""
    __tracebackhide__ = True
    if not held:
        raise AssertionError(did)


def equal(found: object, expected: object, what: str) -> None:
    """Fail unless *found*, which *what* names, is *expected*."""
    __tracebackhide__ = True
    if found != expected:
        raise AssertionError(f"{what}: got {found!r}, expected {expected!r}")


def _marked(need: _Need) -> Callable[[Test], Test]:
    def mark(test: Test) -> Test:
        rules(test).needs.append(need)
        return test

    return mark
