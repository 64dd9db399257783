"""A third party's plugin: stores in memory that fail on demand, behind ``memory://NAME``."""

from collections.abc import Iterable
from dataclasses import replace

from tailorsecrets.driver import StoreType, Target
from tailorsecrets.testing.faults import Faults
from tailorsecrets.testing.memory import FULL, Memory

DRIVERS: dict[str, Faults] = {}
OPTIONS = {
    "stamps": "0: keep none",
    "transactions": "0: write one by one",
    "empty": "0: cannot hold the empty text",
    "undelete": "0: deletes for good",
    "lists": "0: cannot list",
    "stats": "0: tells metadata with values alone",
    "list_stamps": "0: lists tell no stamps",
    "versions": "0: keeps no old versions",
    "max_bytes": "the longest value",
    "slow": "seconds that a write takes",
}


def tailorsecrets_stores() -> Iterable[StoreType]:
    """Return the store type; its options switch capabilities off."""
    return [StoreType(scheme="memory", open=_open, options=OPTIONS, prefixed=False)]


def _open(target: Target) -> Faults:
    if target.host not in DRIVERS:
        off: dict[str, bool] = dict.fromkeys({name for name, text in target.options.items() if text == "0"}, False)
        caps = replace(FULL, **off)  # type: ignore[arg-type]
        if "max_bytes" in target.options:
            caps = replace(caps, max_bytes=int(target.options["max_bytes"]))
        DRIVERS[target.host] = Faults(Memory(caps=caps))
        if "slow" in target.options:
            DRIVERS[target.host].slow("put", float(target.options["slow"]))
    return DRIVERS[target.host]
