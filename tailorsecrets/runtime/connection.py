"""The stores of a manager: chosen at the first read, opened when one is asked, and opened again in a forked child."""

import os
import threading
from collections.abc import Callable, Mapping

from tailorsecrets.declared.declarations import Declarations
from tailorsecrets.runtime.forks import on_fork
from tailorsecrets.store.store import Store, workspace_of
from tailorsecrets.targets.choice import Choice
from tailorsecrets.targets.opening import open_choice
from tailorsecrets.targets.routes import Routes, choose_routes

Opener = Callable[[], Store]


class Connection:
    """The open Stores of a manager with these *declarations*, one for each target; safe for many threads."""

    def __init__(self, declarations: Declarations) -> None:
        self._declarations, self._folder = declarations, declarations.folder
        self._given: Routes | None = None  # by the program; else the environment and the profile file choose
        self._environ: Mapping[str, str] = os.environ
        self._opener: Opener | None = None
        self._routes: Routes | None = None
        self._stores: dict[Choice, Store] = {}
        self._of_parent: list[Store] = []
        self._new_locks()
        on_fork(self)

    def set_target(self, *, store: str | Opener | None, workspace: str | None, profile: str | None) -> None:
        """Choose the stores of the next reads, and close those before; opens nothing."""
        url = store if isinstance(store, str) else None
        given = choose_routes(
            os.environ, self._folder, store=url, workspace=workspace, profile=profile, option="connect(store=…)"
        )
        if callable(store):  # it opens one store, which all reads ask
            given = Routes((given.primary,))
        self.follow(given, os.environ, store if callable(store) else None)

    def follow(self, routes: Routes, environ: Mapping[str, str], opener: Opener | None = None) -> None:
        """Read from the targets of *routes* from now on, and close the stores before; opens nothing."""
        with self._lock:
            self._given, self._environ, self._opener = routes, environ, opener
            before = self._reset()
        _close(before)

    def routes(self) -> tuple[Routes, bool]:
        """Return the targets of each vault, and whether they were chosen just now.

        Raise ConfigError where none can be chosen, and for a profile that names what the config does not declare.
        """
        with self._lock:
            new = self._routes is None
            return self._chosen(), new

    def store(self, choice: Choice, of: Routes) -> Store | None:
        """Return the open Store of *choice*, one of the targets *of*; None where others are chosen by now.

        One thread opens it, for as long as that takes, and the others wait for it.
        """
        with self._opening_of(choice):
            with self._lock:
                if self._chosen() is not of:
                    return None
                store = self._stores.get(choice)
            return store or self._kept(self._open(choice, of), choice, of)

    def close(self) -> None:
        """Close the Stores; the next read chooses and opens again."""
        with self._lock:
            before = self._reset()
        _close(before)

    def forked(self) -> None:
        """Let a forked child open its own Stores.

        The child keeps the parent's and does not close them: closing would write to the connections of the parent.
        """
        self._new_locks()
        self._of_parent += self._stores.values()
        self._stores = {}

    def _new_locks(self) -> None:
        self._lock = threading.Lock()  # never held for long: event loops take it
        self._opening: dict[Choice, threading.Lock] = {}  # held while a store is opened; taken before the other one

    def _opening_of(self, choice: Choice) -> threading.Lock:
        with self._lock:
            return self._opening.setdefault(choice, threading.Lock())

    def _chosen(self) -> Routes:
        """Return the chosen targets; the caller holds the lock."""
        if self._routes is None:
            routes = self._given or choose_routes(os.environ, self._folder)
            routes.check_declared(self._declarations.names(), self._declarations.external)
            self._routes = routes
        return self._routes

    def _reset(self) -> list[Store]:
        """Forget the choice and the open Stores, and return the Stores to close; the caller holds the lock."""
        before, self._stores, self._routes = list(self._stores.values()), {}, None
        return before

    def _open(self, choice: Choice, of: Routes) -> Store:
        """Open a Store; every one of a manager is opened here."""
        if self._opener:
            return self._opener()
        store = open_choice(choice, self._environ, external=of.external_at(choice))
        if of.has_several:
            workspace_of(store).operations.prepare()  # else the time that it takes looks like a store that is silent
        return store

    def _kept(self, store: Store, choice: Choice, of: Routes) -> Store | None:
        """Keep *store*; close it and return None where other targets were chosen meanwhile."""
        with self._lock:
            if self._routes is of:
                self._stores[choice] = store
                return store
        store.close()
        return None


def _close(stores: list[Store]) -> None:
    for store in stores:
        store.close()
