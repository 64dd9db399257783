"""The store that a manager reads: which one, opened when it is first needed, and again in a forked child."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

from tailorsecrets.process import on_fork
from tailorsecrets.store import Store
from tailorsecrets.targets import Choice, choose, open_choice

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
        self._lock = threading.Lock()
        on_fork(self)

    def point(self, *, store: str | Opener | None, workspace: str | None, profile: str | None) -> None:
        """Choose the store of the reads that follow, and let go of the one before; opens nothing."""
        url = store if isinstance(store, str) else None
        given = choose(os.environ, self._folder, store=url, workspace=workspace, profile=profile)
        self.close()
        with self._lock:
            self._given, self._opener = given, store if callable(store) else None

    def choice(self) -> tuple[Choice, bool]:
        """Return what is chosen, and whether it was chosen just now; raise ConfigError where that is not possible."""
        with self._lock:
            new = self._choice is None
            self._choice = self._choice or self._given or choose(os.environ, self._folder)
            return self._choice, new

    def store(self) -> Store:
        """Return the open Store."""
        choice, _ = self.choice()
        with self._lock:
            if self._opened is None:
                self._opened = self._opener() if self._opener else open_choice(choice, os.environ)
            return self._opened

    def close(self) -> None:
        """Let go of the Store; the next read chooses and opens anew."""
        with self._lock:
            opened, self._opened, self._choice = self._opened, None, None
        if opened is not None:
            opened.close()

    def forked(self) -> None:
        """Have a forked child open its own Store.

        The parent's is kept and not closed: what its end would send goes over the connection that the parent uses.
        """
        self._lock = threading.Lock()
        if self._opened is not None:
            self._of_parent.append(self._opened)
            self._opened = None
