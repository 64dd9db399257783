"""One line on stderr when the store has not answered for a while: a command never waits without saying so."""

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from math import inf
from typing import Final

NOTICE_AFTER: Final = 2.0  # seconds


class WaitNotice:
    """Says that the command waits for the store, once, after two seconds without an answer.

    It counts from ``start``, and from each ``answered`` again. While a prompt is open it is ``paused``.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._since = inf  # monotonic seconds; inf: nothing is awaited
        self._stopped: threading.Event | None = None

    def start(self, store: str) -> None:
        """Begin to wait for *store*, the URL that the notice names."""
        self.stop()
        self._since = time.monotonic()
        self._stopped = threading.Event()
        threading.Thread(target=self._watch, args=(store, self._stopped), daemon=True).start()

    def answered(self) -> None:
        """Count from now on: the store has answered."""
        self._since = time.monotonic()

    @contextmanager
    def paused(self) -> Generator[None]:
        """Do not count in the block: a person is asked, or a progress bar shows more."""
        self._since = inf
        try:
            yield
        finally:
            self.answered()

    def stop(self) -> None:
        """End: the command is done."""
        if self._stopped is not None:
            self._stopped.set()

    def _watch(self, store: str, stopped: threading.Event) -> None:
        left = NOTICE_AFTER
        while not stopped.wait(min(left, NOTICE_AFTER)):
            left = self._since + NOTICE_AFTER - time.monotonic()
            if left <= 0:
                self._say(f"waiting for {store} ...")
                return
