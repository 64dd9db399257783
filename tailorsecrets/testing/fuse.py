"""The death of this process between two of its steps, as when it is killed there."""

import sys
import threading
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from tailorsecrets.testing.faults import Crash

METHODS = (b"GET ", b"LIST ", b"POST ", b"PUT ", b"PATCH ", b"DELETE ")


@dataclass
class Fuse:
    """Lets *left* steps pass and ends the process at the next; None: never."""

    left: int | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def burn(self) -> None:
        """Take a step, or die."""
        if self.left is None:
            return
        with self._lock:
            self.left -= 1
            if self.left < 0:
                raise Crash


def http_fuse(port: int) -> Fuse:
    """Return a new fuse, which each HTTP request of this process to *port* burns."""
    fuse = _fuses()[port] = Fuse()
    return fuse


@cache
def _fuses() -> dict[int, Fuse]:
    """Return the fuses by port, and burn them from now on: an audit hook cannot be taken back."""
    fuses: dict[int, Fuse] = {}

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event == "http.client.send":
            connection, data = args
            fuse = fuses.get(connection.port)
            if fuse and bytes(data[:7]).startswith(METHODS):  # headers and body are sent one after the other
                fuse.burn()

    sys.addaudithook(hook)
    return fuses
