"""For tests: a store in memory, faults on demand, and the conformance suite for authors of store plugins.

The suite is :mod:`tailorsecrets.testing.conformance`; it needs ``pip install 'tailorsecrets[testing]'``, the rest
does not.
"""

from tailorsecrets.testing.backdoor import Backdoor
from tailorsecrets.testing.memory import Memory

__all__ = ["Backdoor", "Memory"]
