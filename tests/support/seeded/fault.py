"""A fault: a patch of a right driver, and the test of the suite that must catch it."""

from pathlib import Path
from types import ModuleType
from typing import NamedTuple


class Fault(NamedTuple):
    """In words what is wrong, the test that catches it, and the text that is replaced in the right driver."""

    what: str
    test: str
    old: str
    new: str


def patched(right: ModuleType, fault: Fault | None) -> ModuleType:
    """Return a module like *right* with *fault* in it, *right* itself for None."""
    if fault is None:
        return right
    path = Path(str(right.__file__))
    text = path.read_text()
    assert text.count(fault.old) == 1, f"{fault.what}: its old text is there {text.count(fault.old)} times"
    module = ModuleType(right.__name__)
    exec(compile(text.replace(fault.old, fault.new), f"{path.name}: {fault.what}", "exec"), vars(module))
    return module
