"""A web server on a loopback port, with which tests play a service; it can reset connections on demand."""

import socket
import ssl
import struct
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

RESET: Final = struct.pack("ii", 1, 0)  # linger for no time: closing sends RST


class WebServer(ThreadingHTTPServer):
    """Runs until ``close``, over TLS where there is a *context*. The handlers answer for *owner*."""

    daemon_threads = True
    request_queue_size = 128  # a connection that finds no place is reset, which would look like a fault

    def __init__(
        self, handler: "type[Handler]", owner: Any = None, context: ssl.SSLContext | None = None, *, port: int = 0
    ) -> None:
        super().__init__(("127.0.0.1", port), handler)
        self.owner, self.context = owner, context
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Shake hands in the thread of the connection, not in the one that accepts."""
        if self.context is None:
            super().finish_request(request, client_address)
            return
        with self.context.wrap_socket(request, server_side=True) as secured:
            super().finish_request(secured, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log nothing about clients that close the connection; that is what the tests do."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def close(self) -> None:
        """Stop listening."""
        self.shutdown()
        self.server_close()
        self._thread.join()


class Handler(BaseHTTPRequestHandler):
    """One connection. Subclasses ``respond``."""

    server: WebServer  # pyright: ignore[reportIncompatibleVariableOverride]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def respond(self) -> None:
        """Answer the request of method ``command`` at ``path``, or reset."""
        raise NotImplementedError

    def do_GET(self) -> None:
        """Respond."""
        self.respond()

    do_HEAD = do_LIST = do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815  # their names in the base class

    def body(self) -> bytes:
        """Return the body of the request."""
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def answer(self, status: int, body: bytes, headers: Mapping[str, str], *, sent: int | None = None) -> None:
        """Send an answer, or break off after *sent* bytes of its *body*."""
        self.send_response(status)
        for name, text in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(body[:sent])
        self.wfile.flush()
        if sent is not None:
            self.close_connection = True

    def reset(self) -> None:
        """Reset the connection."""
        self.close_connection = True
        with suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            socket.socket(fileno=self.connection.detach()).close()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # its name in the base class
        """Say nothing."""
