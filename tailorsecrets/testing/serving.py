"""A server process on a free port, for the tests of a plugin."""

import socket
import subprocess
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final

STARTING: Final = 20.0  # seconds that a server may take to start, and to end
_PAUSE: Final = 0.05  # seconds between two attempts to connect
_SHOWN: Final = 2_000  # bytes of a server's last words


class NotStarted(Exception):
    """The server has ended, or does not listen; the message has the end of its output."""


@contextmanager
def serving(
    command: Callable[[int], Sequence[str | Path]],
    *,
    environ: Mapping[str, str] | None = None,
    seconds: float = STARTING,
) -> Generator[int]:
    """Run the server that *command* returns for a free port, and provide the port when it accepts connections.

    *environ* is its environment, default this process's. At the end of the block the server is asked to end, and is
    killed after *seconds*. Raise NotStarted where it does not listen within *seconds*: a test that needs a server fails
    without it, and is not skipped. In a fixture::

        @pytest.fixture(scope="session")
        def etcd():
            with serving(lambda port: ["etcd", "--listen-client-urls", f"http://127.0.0.1:{port}"]) as port:
                yield f"http://127.0.0.1:{port}"
    """
    port = free_port()
    with TemporaryFile() as output:
        process = subprocess.Popen(command(port), stdout=output, stderr=output, env=environ)  # noqa: S603  # the caller's
        try:
            end = time.monotonic() + seconds
            while not _accepts(port):
                if process.poll() is not None or time.monotonic() > end:
                    output.seek(max(0, output.seek(0, 2) - _SHOWN))
                    state = "has ended" if process.poll() is not None else f"does not listen after {seconds:g} seconds"
                    raise NotStarted(f"the server {state}; its output:\n{output.read().decode(errors='replace')}")
                time.sleep(_PAUSE)
            yield port
        finally:
            _end(process, seconds)


def free_port() -> int:
    """Return a port of the loopback that is free."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _end(process: "subprocess.Popen[bytes]", seconds: float) -> None:
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
