"""The conformance suite of tailorsecrets, on the file backend of keyrings.alt."""

from base64 import encodebytes
from configparser import RawConfigParser
from pathlib import Path

import pytest
from conftest import BACKEND
from keyring.core import load_keyring
from keyring.errors import InitError, KeyringLocked, NoKeyringError, PasswordDeleteError, PasswordSetError
from keyrings.alt.escape import escape
from tailorsecrets.driver import Target
from tailorsecrets.testing.backdoor import ABILITIES, Backdoor
from tailorsecrets.testing.conformance import Conformance, Connect

from tailorsecrets_keyring.driver import Keyring

SERVICE = "tailorsecrets"


class OtherTool(Backdoor):
    """The command keyring, and a user who edits its file."""

    def __init__(self, home: Path) -> None:
        self._backend = load_keyring(BACKEND)
        self._file = home / "python_keyring" / "keyring_pass.cfg"

    def write(self, name: str, text: str) -> None:
        """Set the password."""
        self._backend.set_password(SERVICE, name, text)

    def read(self, name: str) -> str:
        """Return the password."""
        text = self._backend.get_password(SERVICE, name)
        assert text is not None
        return text

    def write_bytes(self, name: str, octets: bytes) -> None:
        """Put bytes into the file that are not text."""
        self._backend.set_password(SERVICE, name, "text")
        config = RawConfigParser()
        config.read(self._file)
        config.set(escape(SERVICE), escape(name), encodebytes(octets).decode())
        with self._file.open("w") as file:
            config.write(file)


class TestConformance(Conformance):
    """What the suite checks follows from these declarations."""

    caps = Keyring.caps
    cannot = ABILITIES - {"write_bytes"}
    one_right = True
    urls = (f"keyring:?backend={BACKEND}", f"keyring:my-service?backend={BACKEND}")
    module = "tailorsecrets_keyring"
    sdk = ("keyring",)
    sdk_exceptions = (InitError(), KeyringLocked(), NoKeyringError(), PasswordDeleteError(), PasswordSetError())

    @pytest.fixture
    def connect(self) -> Connect:
        """Return a function that opens one more driver."""
        return lambda: Keyring(Target(url="keyring:", scheme="keyring", options={"backend": BACKEND}))

    @pytest.fixture
    def backdoor(self, home: Path) -> Backdoor:
        """Return the other tool."""
        return OtherTool(home)
