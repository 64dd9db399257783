"""One test of a conformance suite, called as pytest calls it."""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tailorsecrets.testing.backdoor import Backdoor
from tailorsecrets.testing.conformance import Conformance, Connect


def call(suite: type[Conformance], name: str, connect: Connect, backdoor: Backdoor) -> None:
    """Call the test called *name* of *suite* with drivers of *connect*, and close the one that it gets."""
    case = suite()
    test = getattr(case, name)
    with _given(case, connect, backdoor) as given:
        wanted = inspect.signature(test).parameters
        if "vault" in wanted:
            given["vault"] = given["make_vault"]("api")
        test(**{parameter: given[parameter] for parameter in wanted})


@contextmanager
def _given(case: Conformance, connect: Connect, backdoor: Backdoor) -> Iterator[dict[str, Any]]:
    driver = connect()
    try:
        make_vault = case.vault_maker(driver)
        yield {"connect": connect, "backdoor": backdoor, "driver": driver, "make_vault": make_vault}
    finally:
        backdoor.recover()
        driver.close()
