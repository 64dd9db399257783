"""The store of a manager: chosen and opened at the first read, and opened again in a forked child."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

from tailorsecrets.runtime.forks import on_fork
from tailorsecrets.store.store import Store
from tailorsecrets.targets.choice import Choice
from tailorsecrets.targets.opening import open_choice
from tailorsecrets.targets.routes import choose

Opener = Callable[[], Store]


class Connection:
    """The one open Store of a manager whose config is in *folder*; safe for many threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._given: Choice | None = None  # by the program; else the environment and the profile file choose
        self._opener: Opener | None = None
        self._choice: Choice | None = None
        self._opened: Store | None = None
        self._of_parent: list[Store] = []
        self._new_locks()
        on_fork(self)

    def set_target(self, *, store: str | Opener | None, workspace: str | None, profile: str | None) -> None:
        """Choose the store of the next reads, and close the one before; opens nothing."""
        url = store if isinstance(store, str) else None
        given = choose(
            os.environ, self._folder, store=url, workspace=workspace, profile=profile, option="connect(store=…)"
        )
        with self._lock:
            self._given, self._opener = given, store if callable(store) else None
            before = self._reset()
        _close(before)

    def choice(self) -> tuple[Choice, bool]:
        """Return the chosen target, and whether it was chosen just now; raise ConfigError where none can be chosen."""
        with self._lock:
            new = self._choice is None
            return self._chosen(), new

    def store(self) -> Store:
        """Return the open Store. One thread opens it, for as long as that takes, and the others wait for it."""
        with self._opening:
            while (store := self._current() or self._open()) is None:
                pass
            return store

    def close(self) -> None:
        """Close the Store; the next read chooses and opens again."""
        with self._lock:
            before = self._reset()
        _close(before)

    def forked(self) -> None:
        """Let a forked child open its own Store.

        The child keeps the parent's and does not close it: closing would write to the connection of the parent.
        """
        self._new_locks()
        if self._opened is not None:
            self._of_parent.append(self._opened)
            self._opened = None

    def _new_locks(self) -> None:
        self._lock = threading.Lock()  # never held for long: event loops take it
        self._opening = threading.Lock()  # held while a store is opened; taken before the other one

    def _chosen(self) -> Choice:
        """Return the chosen target; the caller holds the lock."""
        self._choice = self._choice or self._given or choose(os.environ, self._folder)
        return self._choice

    def _reset(self) -> Store | None:
        """Forget the choice and the open Store, and return the Store to close; the caller holds the lock."""
        before, self._opened, self._choice = self._opened, None, None
        return before

    def _current(self) -> Store | None:
        with self._lock:
            return self._opened

    def _open(self) -> Store | None:
        """Open the chosen target; return None, with nothing open, where another target was chosen meanwhile."""
        with self._lock:
            choice, opener = self._chosen(), self._opener
        store = opener() if opener else open_choice(choice, os.environ)
        with self._lock:
            if self._choice is choice:
                self._opened = store
                return store
        store.close()
        return None


def _close(store: Store | None) -> None:
    if store is not None:
        store.close()
