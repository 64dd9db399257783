"""For tests: a store in memory, faults on demand, and the conformance suite for authors of store plugins.

The suite is :mod:`tailorsecrets.testing.conformance`; it alone needs ``pip install 'tailorsecrets[testing]'``. Each
name is loaded at first use, because pytest loads this package in every run, for its fixture.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tailorsecrets.testing.backdoor import Backdoor
    from tailorsecrets.testing.fake_store import FakeStore
    from tailorsecrets.testing.memory import Memory

_HOME = {"Backdoor": "backdoor", "Memory": "memory", "FakeStore": "fake_store"}

__all__ = ["Backdoor", "FakeStore", "Memory"]

if not TYPE_CHECKING:  # so that a type checker finds a misspelt import

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
