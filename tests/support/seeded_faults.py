"""Faults seeded in two right drivers, and how many of them the conformance suite catches.

``python -m tests.support.seeded_faults`` prints it; each fault runs the test that should catch it. With ``--all``, each
fault runs the whole suite, and the tests that catch it are named.
"""

import gc
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from http.client import HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from tailorsecrets.driver import Target
from tailorsecrets.testing.backdoor import ABILITIES, Backdoor
from tailorsecrets.testing.conformance import Conformance, Connect
from tailorsecrets.testing.conformance.suite import Broken, all_tests
from tailorsecrets.testing.proxy import Proxy
from tests.support.conformance_run import call
from tests.support.seeded import poor, rich
from tests.support.seeded.fault import Fault, patched
from tests.support.seeded.file import FileBackdoor
from tests.support.seeded.poor_faults import POOR_FAULTS
from tests.support.seeded.rich_faults import RICH_FAULTS
from tests.support.seeded.service import PASSWORD, Service, ServiceBackdoor

Open = Callable[["Fault | None"], "tuple[Connect, Backdoor]"]
SECONDS = 0.3  # of a read


class RichSuite(Conformance):
    """The suite of the rich driver."""

    caps = rich.CAPS
    cannot = frozenset[str]()
    examples, timeout = 10, SECONDS
    cost = {"get": 1, "get_many": 1, "stat": 1, "list": 1, "put": 1, "versions": 1}  # noqa: RUF012
    sdk_exceptions = (rich.HttpError(500, "", {}), OSError(), HTTPException())


class PoorSuite(Conformance):
    """The suite of the poor driver."""

    caps = poor.CAPS
    cannot = ABILITIES - {"write_bytes", "unreachable", "cut_answers"}
    examples, timeout = 10, SECONDS
    sdk_exceptions = (OSError(), KeyError(), PermissionError())


class Subject(NamedTuple):
    """A driver with faults: its name, its suite, its faults, and what opens it with one of them."""

    name: str
    suite: type[Conformance]
    faults: Sequence[Fault]
    open: Open


@contextmanager
def subjects() -> Iterator[list[Subject]]:
    """Provide both drivers, until the end of the block."""
    with ExitStack() as stack:
        service = Service()
        stack.callback(service.close)
        proxy = stack.enter_context(Proxy(service.url).running())
        folder = Path(stack.enter_context(TemporaryDirectory()))
        yield [
            Subject("rich", RichSuite, RICH_FAULTS, partial(open_rich, service, proxy)),
            Subject("poor", PoorSuite, POOR_FAULTS, partial(open_poor, folder)),
        ]


def open_rich(service: Service, proxy: Proxy, fault: Fault | None) -> tuple[Connect, Backdoor]:
    """Return what opens the rich driver with *fault* in it, and the other tool."""
    target = Target(
        url="",
        scheme="rich",
        host=f"127.0.0.1:{proxy.port}",
        timeout=SECONDS,
        environ={"RICH_PASSWORD": PASSWORD},
    )
    module = patched(rich, fault)
    return lambda: module.Rich(target), ServiceBackdoor(service, proxy)


def open_poor(folder: Path, fault: Fault | None) -> tuple[Connect, Backdoor]:
    """Return what opens the poor driver with *fault* in it, and the other tool."""
    path = folder / f"{time.monotonic_ns()}.json"
    module = patched(poor, fault)
    return lambda: module.Poor(Target(url="", scheme="poor", path=str(path), timeout=SECONDS)), FileBackdoor(path)


def is_caught(subject: Subject, fault: Fault, test: str) -> str:
    """Return the sentence with which *test* of the subject's suite catches *fault*, "" where it does not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # of faults that leave files and sockets open
        connect, backdoor = subject.open(fault)
        try:
            call(subject.suite, test, connect, backdoor)
        except Broken as exc:
            return str(exc.with_traceback(None))
        except Exception as exc:  # noqa: BLE001 - of a fixture: pytest tells it as an error
            return f"{type(exc).__name__}: {exc}"
        finally:
            del connect
            gc.collect()
    return ""


def main(arguments: Sequence[str]) -> int:
    """Print what is caught, and return 0 if everything is."""
    caught = total = 0
    with subjects() as found:
        for subject in found:
            for fault in subject.faults:
                tests = names_of_tests(subject.suite) if "--all" in arguments else [fault.test]
                by = {test: said for test in tests if (said := is_caught(subject, fault, test))}
                total, caught = total + 1, caught + bool(by)
                print(f"{subject.name}: {fault.what}: {', '.join(by) or 'NOT CAUGHT'}")
                if "--tell" in arguments:
                    print("".join(f"    {said}\n" for said in by.values()), end="")
    print(f"{caught} of {total} caught")
    return 0 if caught == total else 1


def names_of_tests(suite: type[Conformance]) -> list[str]:
    """Return the names of the tests that *suite* has."""
    return [name for name in all_tests(suite) if getattr(suite, name) is not None]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
