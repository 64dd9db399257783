"""The file store keeps the contract, alone and inside of layers."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tailorsecrets.driver import Driver, Target
from tailorsecrets.store.layers import Layer, Quota, Retry, stack
from tailorsecrets.testing.backdoor import LATER, Backdoor
from tailorsecrets.testing.clock import FakeClock
from tailorsecrets.testing.conformance import Conformance, Connect
from tailorsecrets.testing.faults import Faults
from tailorsecrets_file.driver import FileDriver
from tests.support.file.backdoor import FileBackdoor


class InFile(Conformance):
    """The file driver on a file of each test's own, with the layers that the subclass declares."""

    caps = FileDriver.caps
    cannot = frozenset(
        {"bare", "disable", "deny", "deny_purge", "edit_tags", "throttle", "lose_answers", "calls", *LATER}
    )  # a file has no server that could
    examples, many, timeout = 20, 30, 0.5
    module = "tailorsecrets_file"
    sdk = ("cryptography", "filelock", "platformdirs", "pyrage", "pluggy")
    sdk_exceptions = (
        PermissionError(13, "Permission denied"),
        FileNotFoundError(2, "No such file or directory"),
        IsADirectoryError(21, "Is a directory"),
        OSError(28, "No space left on device"),
    )

    @pytest.fixture
    def key_file(self, tmp_path: Path) -> Path:
        """Return where the key is."""
        return tmp_path / "key"

    @pytest.fixture
    def target(self, tmp_path: Path, key_file: Path) -> Target:
        """Return a file that is not there yet, and that a write may make."""
        environ = {"TAILORSECRETS_FILE_KEY_FILE": str(key_file), "HOME": str(tmp_path)}
        folder = tmp_path / "store"
        folder.mkdir()
        path = str(folder / "secrets.jsonl")
        return Target(url=f"file:{path}", scheme="file", path=path, create=True, environ=environ)

    @pytest.fixture
    def layer(self) -> Callable[[Driver], Driver]:
        """Return what puts the layers around a driver."""
        return lambda driver: driver

    @pytest.fixture
    def connect(self, target: Target, layer: Callable[[Driver], Driver]) -> Connect:
        """Return what opens one more driver, after the file was made."""
        FileDriver(target).setup()
        return lambda: layer(FileDriver(target))

    @pytest.fixture
    def backdoor(self, connect: Connect, target: Target, key_file: Path) -> Iterator[Backdoor]:
        """Give the other tool, and mend the disk after it."""
        del connect  # makes the file first
        backdoor = FileBackdoor(target, key_file)
        yield backdoor
        backdoor.recover()


class TestFile(InFile):
    """The driver alone."""

    urls = ("file:secrets.jsonl", "file:/nonexistent/secrets.jsonl", "file:secrets.jsonl?timeout=1")
    switched_off = {"test_missing_sdk_is_told": "tailorsecrets itself depends on cryptography"}  # noqa: RUF012


class TestNewFile(InFile):
    """The driver alone, where the first write makes the file."""

    @pytest.fixture
    def connect(self, target: Target, layer: Callable[[Driver], Driver]) -> Connect:
        """Return what opens one more driver."""
        return lambda: layer(FileDriver(target))


class TestLayer(InFile):
    """Inside of a layer that changes nothing."""

    @pytest.fixture
    def layer(self) -> Callable[[Driver], Driver]:
        """Return the layer."""
        return Layer


class TestAllStacked(InFile):
    """Inside of all layers, on their own clock."""

    @pytest.fixture
    def layer(self) -> Callable[[Driver], Driver]:
        """Return the layers."""
        clock = FakeClock()
        return lambda driver: Retry(
            Quota(Faults(driver), clock=clock, sleep=clock.sleep), clock=clock, sleep=clock.sleep
        )


class TestStack(InFile):
    """Inside of the layers that its capabilities call for."""

    @pytest.fixture
    def layer(self) -> Callable[[Driver], Driver]:
        """Return the stack, with half a second for reads."""
        return lambda driver: stack(driver, timeout=0.5)
