"""What others build on: the names and signatures in ``signatures.txt`` are promised, and change only by intent."""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import tailorsecrets
from tailorsecrets import SecretsError, driver, kit

TABLE = Path(__file__).with_name("signatures.txt")
SEAM = (
    *("Budget", "Caps", "Driver", "Entry", "ExternalSecret", "Identity", "Location", "Option", "PerProcess", "Problem"),
    *(
        "SecretProvider",
        "ServerClock",
        "StoreType",
        "Stored",
        "Target",
        "VaultNames",
        "as_field",
        "backoff",
        "imported",
        "throttled",
    ),
)


def shapes(module: ModuleType, name: str) -> Iterator[str]:
    """Yield a line for what *module* exports as *name*, and one for each public method of a class."""
    thing, where = getattr(module, name), module.__name__.rpartition(".")[2]
    if inspect.isclass(thing) and issubclass(thing, SecretsError) and thing.__base__ is not Exception:
        yield f"{where}.{name} extends {thing.__base__.__name__ if thing.__base__ else ''}"
        return
    yield f"{where}.{name}{signature(thing)}"
    for method, found in sorted(vars(thing).items()) if inspect.isclass(thing) else ():
        if not method.startswith("_") and inspect.isfunction(found):
            yield f"{where}.{name}.{method}{signature(found)}"


def signature(thing: object) -> str:
    """Return the parameters of *thing*, with types as short as the code has them, and defaults that are plain."""
    assert callable(thing)
    found = inspect.signature(thing)
    plain = [given.replace(default=default(given)) for given in found.parameters.values()]
    return re.sub(r"\b([a-z_]+\.)+(?=[A-Za-z])", "", str(found.replace(parameters=plain)))


def default(given: inspect.Parameter) -> object:
    """Return the default of a parameter, ``...`` for one that is made anew or depends on the system."""
    kinds = (str, int, float, type(None), type(inspect.Parameter.empty))
    return given.default if isinstance(given.default, kinds) else ...


def found() -> list[str]:
    """Return the table of what is there now."""
    exported = [(driver, name) for name in SEAM]
    exported += [(module, name) for module in (kit, tailorsecrets) for name in module.__all__]
    return [line for module, name in exported for line in shapes(module, name)]


def test_names_and_signatures_are_those_promised() -> None:
    """Whoever changes one of them changes the table, and adds it to the changelog."""
    assert found() == TABLE.read_text().splitlines()


def test_a_changed_seam_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver's method with one parameter more, a new one, and a name less, each make another table."""
    promised = found()
    monkeypatch.setattr(driver.Driver, "stat", lambda self, name, fresh=False: None)
    monkeypatch.setattr(driver.Driver, "rename", lambda self, name: None, raising=False)
    monkeypatch.setattr(tailorsecrets, "__all__", tailorsecrets.__all__[1:])
    assert sorted(set(found()) ^ set(promised)) == [
        "driver.Driver.rename(self, name)",
        "driver.Driver.stat(self, name, fresh=False)",
        "driver.Driver.stat(self, name: str) -> Entry",
        "tailorsecrets.AlreadyExists extends SecretsError",
    ]
