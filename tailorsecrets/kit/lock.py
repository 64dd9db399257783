"""A lock that all processes of a machine respect, for stores that are files."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from tailorsecrets.errors import Unavailable

_POLL: Final = 0.005  # seconds between two attempts; a write of a small file takes about as long


@contextmanager
def locked(path: str, seconds: float, *, what: str = "") -> Generator[None]:
    """Hold the lock file *path* in the block; raise Unavailable where another writer holds it for *seconds*.

    It works between the threads of one process, between processes, and after a fork; it ends with the process that
    holds it. The lock file stays, readable by its owner alone. *what* names the thing that is locked in the error,
    default *path*. Let readers read without it, and replace a file in one step (``os.replace``), so that they never see
    half of it.
    """
    from filelock import FileLock, Timeout  # takes 50 ms, and readers need no lock

    lock = FileLock(path, timeout=seconds, mode=0o600)
    try:
        lock.acquire(poll_interval=_POLL)
    except (Timeout, RuntimeError) as error:  # RuntimeError: another driver in this thread holds it
        raise Unavailable(
            f"another writer holds {what or path}; waited up to {seconds:g} seconds",
            hint="wait until it finishes, or raise the timeout",
        ) from error
    try:
        yield
    finally:
        lock.release()
