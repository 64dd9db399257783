"""A stretch of wire between a client and a server: it passes bytes, or refuses, resets or swallows them."""

import socket
import struct
import threading
from contextlib import suppress
from typing import Final, Literal

Mode = Literal["pass", "reset", "swallow"]
_PIECE: Final = 65_536
_RESET: Final = struct.pack("ii", 1, 0)  # linger for no time: closing sends RST


class Wire:
    """A loopback port that leads to *address*; ``mode`` may change while connections stand."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.mode: Mode = "pass"
        self._target = address
        self._ends: list[socket.socket] = []
        self._lock = threading.Lock()
        self._listener = self._listen(0)
        self.port: int = self._listener.getsockname()[1]

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Refuse new connections, and reset those that stand."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.reset()

    def mend(self) -> None:
        """Listen again, on the same port, and pass everything on."""
        if self.mode != "pass":
            self.mode = "pass"
            self.reset()
        if self._listener.fileno() == -1:
            self._listener = self._listen(self.port)

    def reset(self) -> None:
        """Reset the connections that stand."""
        with self._lock:
            ends, self._ends = self._ends, []
        for end in ends:
            _drop(end)

    def _listen(self, port: int) -> socket.socket:
        listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        return listener

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(self._target)
                for end in (client, server):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else small pieces wait for an ACK
                with self._lock:
                    self._ends += [client, server]
                for source, sink in ((client, server), (server, client)):
                    threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while piece := source.recv(_PIECE):
                if self.mode == "reset":
                    break
                if self.mode == "pass":
                    sink.sendall(piece)
        _drop(source)
        _drop(sink)


def _drop(end: socket.socket) -> None:
    with suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        end.shutdown(socket.SHUT_RDWR)
    end.close()
