"""SIGTERM, as when a CI job is cancelled: an apply ends as after Ctrl-C, with an exit code of its own."""

import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from threading import current_thread, main_thread
from types import FrameType


@contextmanager
def sigterm_as_ctrl_c() -> Generator[Callable[[], bool]]:
    """Let SIGTERM in the block do what Ctrl-C does there; yield the function that tells whether it came.

    A SIGTERM that this process ignores stays ignored.
    """
    came = False

    def stop(_number: int, frame: FrameType | None) -> None:
        nonlocal came
        came = True
        on_ctrl_c = signal.getsignal(signal.SIGINT)
        if not callable(on_ctrl_c):  # a shell starts background jobs with Ctrl-C ignored
            raise KeyboardInterrupt
        on_ctrl_c(signal.SIGINT, frame)

    before = signal.getsignal(signal.SIGTERM)
    if current_thread() is not main_thread() or before is not signal.SIG_DFL:
        yield lambda: came
        return
    signal.signal(signal.SIGTERM, stop)
    try:
        yield lambda: came
    finally:
        signal.signal(signal.SIGTERM, before)
