"""For tests: a store in memory, faults on demand, and the conformance suite for authors of store plugins.

The suite is :mod:`tailorsecrets.testing.conformance`; it needs ``pip install 'tailorsecrets[testing]'``, the rest
does not. Each name is loaded when it is first used: pytest loads this package in every run, for its fixture.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tailorsecrets.testing.backdoor import Backdoor
    from tailorsecrets.testing.memory import Memory
    from tailorsecrets.testing.seeded import SeededStore

_HOME = {"Backdoor": "backdoor", "Memory": "memory", "SeededStore": "seeded"}

__all__ = ["Backdoor", "Memory", "SeededStore"]

if not TYPE_CHECKING:  # so that a type checker finds a misspelt import

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
