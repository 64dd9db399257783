"""What is wrong with the declarations of a suite, each in a sentence."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from difflib import get_close_matches

from tailorsecrets.driver import Caps
from tailorsecrets.testing.backdoor import ABILITIES
from tailorsecrets.testing.conformance.cases import announced
from tailorsecrets.testing.conformance.suite import Suite, all_tests

_CALLED = frozenset({"get", "get_many", "stat", "list", "put", "delete", "restore", "versions", "containers"})


def problems_of(suite: type[Suite]) -> list[str]:
    """Return a sentence for each declaration of *suite* that is wrong."""
    return [f"{suite.__name__}.{problem}" for check in _CHECKS for problem in check(suite)]


def missing_fixtures(suite: type[Suite]) -> list[str]:
    """Return a sentence for each required fixture that *suite* does not have."""
    return [f"{suite.__name__}.{problem}" for problem in _fixtures(suite)]


def _fixtures(suite: type[Suite]) -> Iterator[str]:
    for name in ("connect", "backdoor"):
        if next(base for base in suite.__mro__ if name in vars(base)) is Suite:
            yield f"{name} is missing: write a fixture of that name"


def _caps(suite: type[Suite]) -> Iterator[str]:
    if not isinstance(suite.caps, Caps):
        yield f"caps is a {_kind(suite.caps)}, expected Caps(...)"
    elif suite.prefix and not suite.prefix.endswith(suite.caps.joiner):
        yield f"prefix is {suite.prefix!r}, expected the joiner {suite.caps.joiner!r} at its end"


def _cannot(suite: type[Suite]) -> Iterator[str]:
    if not isinstance(suite.cannot, AbstractSet):
        yield f"cannot is a {_kind(suite.cannot)}, expected a frozenset of abilities"
        return
    for name in sorted(map(str, suite.cannot - ABILITIES)):
        yield f"cannot names {name!r}, which is not an ability of a backdoor{_nearest(name, ABILITIES)}"


def _switched_off(suite: type[Suite]) -> Iterator[str]:
    for name in suite.silenced:
        yield f"{name} is None: name it in `switched_off`, with the reason"
    if not isinstance(suite.switched_off, Mapping):
        yield f"switched_off is a {_kind(suite.switched_off)}, expected a mapping from tests to reasons"
        return
    known = all_tests(suite)
    for name, reason in suite.switched_off.items():
        if name not in known:
            yield f"switched_off names {name!r}, which is not a test{_nearest(name, known)}"
        elif not (isinstance(reason, str) and reason.strip()):
            yield f"switched_off has no reason for {name}: say in words why it is left out"


def _module(suite: type[Suite]) -> Iterator[str]:
    if isinstance(suite.sdk, str):
        yield f"sdk is the text {suite.sdk!r}, expected a tuple of modules"
    elif suite.sdk and not suite.module:
        yield "sdk is declared without `module`, the plugin that must not import it"


def _cost(suite: type[Suite]) -> Iterator[str]:
    able = announced(suite.caps if isinstance(suite.caps, Caps) else Caps())
    for name in suite.cost:
        if name not in _CALLED:
            yield f"cost names {name!r}, which is not a method with a cost{_nearest(name, _CALLED)}"
        elif not able.get(name):
            yield f"cost names {name}, which `caps` does not announce"


def _exceptions(suite: type[Suite]) -> Iterator[str]:
    for exc in suite.sdk_exceptions:
        if isinstance(exc, type):
            yield f"sdk_exceptions has the class {exc.__name__}, expected an exception: {exc.__name__}(...)"
        elif not isinstance(exc, Exception):
            yield f"sdk_exceptions has a {_kind(exc)}, expected exceptions"


def _numbers(suite: type[Suite]) -> Iterator[str]:
    if suite.many < 0:
        yield f"many is {suite.many}, expected a number of secrets, or 0 to find it out"
    if suite.timeout <= 0:
        yield f"timeout is {suite.timeout}, expected the seconds of a read of the drivers that `connect` opens"


def _urls(suite: type[Suite]) -> Iterator[str]:
    if isinstance(suite.urls, str) or not isinstance(suite.urls, Sequence):
        yield f"urls is a {_kind(suite.urls)}, expected a tuple of store URLs"


_CHECKS = (_caps, _cannot, _switched_off, _module, _cost, _exceptions, _numbers, _urls)


def _kind(thing: object) -> str:
    return type(thing).__name__


def _nearest(name: str, known: "AbstractSet[str] | Mapping[str, object]") -> str:
    found = get_close_matches(name, list(known), 1)
    return f"; did you mean {found[0]!r}?" if found else ""
