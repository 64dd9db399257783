"""The store that a manager reads: which one, opened when it is first needed, and again in a forked child."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

from tailorsecrets.runtime.forks import on_fork
from tailorsecrets.store.store import Store
from tailorsecrets.targets.opening import Choice, choose, open_choice

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

    def point(self, *, store: str | Opener | None, workspace: str | None, profile: str | None) -> None:
        """Choose the store of the reads that follow, and let go of the one before; opens nothing."""
        url = store if isinstance(store, str) else None
        given = choose(os.environ, self._folder, store=url, workspace=workspace, profile=profile)
        with self._lock:
            self._given, self._opener = given, store if callable(store) else None
            before = self._let_go()
        _close(before)

    def choice(self) -> tuple[Choice, bool]:
        """Return what is chosen, and whether it was chosen just now; raise ConfigError where that is not possible."""
        with self._lock:
            new = self._choice is None
            return self._chosen(), new

    def store(self) -> Store:
        """Return the open Store. One thread opens it, for as long as that takes, and the others wait for it."""
        with self._opening:
            while (store := self._at_hand() or self._open()) is None:
                pass
            return store

    def close(self) -> None:
        """Let go of the Store; the next read chooses and opens anew."""
        with self._lock:
            before = self._let_go()
        _close(before)

    def forked(self) -> None:
        """Have a forked child open its own Store.

        The parent's is kept and not closed: what its end would send goes over the connection that the parent uses.
        """
        self._new_locks()
        if self._opened is not None:
            self._of_parent.append(self._opened)
            self._opened = None

    def _new_locks(self) -> None:
        self._lock = threading.Lock()  # never held for long: event loops take it
        self._opening = threading.Lock()  # held while a store is opened; taken before the other one

    def _chosen(self) -> Choice:
        """Return what is chosen; the caller holds the lock."""
        self._choice = self._choice or self._given or choose(os.environ, self._folder)
        return self._choice

    def _let_go(self) -> Store | None:
        """Forget what is chosen and open, and return what is to be closed; the caller holds the lock."""
        before, self._opened, self._choice = self._opened, None, None
        return before

    def _at_hand(self) -> Store | None:
        with self._lock:
            return self._opened

    def _open(self) -> Store | None:
        """Open what is chosen; return None, with nothing open, where another target was chosen meanwhile."""
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
