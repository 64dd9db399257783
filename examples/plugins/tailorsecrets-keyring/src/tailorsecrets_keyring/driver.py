"""The driver: each operation as calls of keyring.

The native name is the user name of an entry of one service. A keyring keeps one text for each and nothing else: no
list, no version, no stamp, no time.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.core import get_keyring, load_keyring
from keyring.errors import (
    InitError,
    KeyringLocked,
    NoKeyringError,
    PasswordDeleteError,
    PasswordSetError,
)
from platformdirs import user_state_path
from tailorsecrets.driver import Caps, Driver, Entry, PerProcess, Problem, Stored, Target
from tailorsecrets.errors import (
    ConfigError,
    Corrupt,
    Denied,
    NotFound,
    SecretsError,
    Unauthenticated,
    Unavailable,
    Unsupported,
)
from tailorsecrets.kit import locked
from tailorsecrets.secret import Secret

_SERVICE = "tailorsecrets"


class Keyring(Driver):
    """The entries of one service in the keyring of this user."""

    caps = Caps(writes=True, local=True)

    def __init__(self, target: Target) -> None:
        self._service = target.path or _SERVICE
        self._seconds = target.seconds(write=True)
        name = target.options.get("backend", "")
        self._backends = PerProcess(lambda: _backend(name))

    def get(self, name: str, version: str = "") -> Stored:
        """Return the text of the entry; without the lock, a backend that is a file may be half written."""
        if version:
            raise Unsupported
        with self._locked():
            value = self._text(name)
        if value is None:
            raise NotFound
        return Stored(value, Entry(name=name))

    def put(
        self,
        name: str,
        value: Secret,
        *,
        expect: str | None = None,
        stamp: str = "",
        tags: Mapping[str, str] | None = None,
    ) -> Entry:
        """Write the text."""
        if expect is not None or stamp or tags:
            raise Unsupported  # the core passes these only where `caps` announces them
        with self._locked():
            self._backend.set_password(self._service, name, value.reveal())
        return Entry(name=name)

    def delete(self, name: str, *, purge: bool = False) -> None:
        """Delete the entry, for good; a missing one is fine; the backends report it in different ways."""
        with self._locked():
            if self._text(name) is not None:
                self._backend.delete_password(self._service, name)

    def explain(self, exc: Exception, op: str) -> Problem:
        """Say what an exception of keyring means; one that it does not raise is a bug, not an outage."""
        match exc:
            case NoKeyringError():
                return Problem(ConfigError, "this system has no keyring that the package keyring knows")
            case KeyringLocked() | InitError():
                return Problem(Unauthenticated, "unlock the keyring")
            case PasswordSetError() | PasswordDeleteError() | PermissionError():
                return Problem(Denied, "the keyring refuses it")
            case UnicodeError():
                return Problem(Corrupt, "the value is not text")
            case OSError():
                return Problem(Unavailable)
        return Problem(SecretsError)

    @property
    def _backend(self) -> KeyringBackend:
        return self._backends.get()

    def _text(self, name: str) -> Secret | None:
        text = self._backend.get_password(self._service, name)
        return None if text is None else Secret(text)

    def _locked(self) -> AbstractContextManager[None]:
        """Let one call of this user at a time into the block: a backend that is a file loses writes otherwise."""
        folder = Path(user_state_path("tailorsecrets", ensure_exists=True))
        return locked(str(folder / "keyring.lock"), self._seconds, what="the keyring")


def _backend(name: str) -> KeyringBackend:
    return load_keyring(name) if name else get_keyring()
