"""Passing the signals of this process on to a child."""

import os
import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import Final

_KEYBOARD: Final = frozenset((signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGWINCH))
_PASSED: Final = _KEYBOARD | {signal.SIGHUP, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCONT}
FOR_PYTHON: Final = (signal.SIGPIPE, signal.SIGXFSZ)  # which Python ignores, and a child would too


class Signals:
    """Passes on what this process gets. ``before``: the signals that were blocked before."""

    def __init__(self, before: set[int], tripped: int) -> None:
        self.before = before
        self._tripped = tripped  # the read end of a pipe with the signals that tripped a handler
        self._child: int | None = None

    def pass_to(self, child: int) -> None:
        """Pass all signals to the process *child*, also those that came since the block began.

        They are awaited, as this process blocks them. A thread that an SDK has left may not, and then one trips a
        handler of Python.
        """
        self._child = child
        Thread(target=self._await, daemon=True).start()
        Thread(target=self._read, daemon=True).start()

    def end(self) -> None:
        """Pass no more signals on: the child has ended."""
        self._child = None

    def _await(self) -> None:
        while True:
            number, for_all = _next_signal()
            self._pass(number, to_child=not for_all)

    def _read(self) -> None:
        while numbers := os.read(self._tripped, 1):
            self._pass(numbers[0], to_child=True)
        os.close(self._tripped)

    def _pass(self, number: int, *, to_child: bool) -> None:
        if to_child and self._child is not None:
            with suppress(ProcessLookupError):
                os.kill(self._child, number)
        if number == signal.SIGTSTP:
            os.kill(os.getpid(), signal.SIGSTOP)


@contextmanager
def passed_on() -> Generator[Signals]:
    """Pass the signals that this process gets in the block on to a child, once it is known; needs the main thread."""
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    signals = Signals({*signal.pthread_sigmask(signal.SIG_BLOCK, _PASSED)}, read_end)
    handlers = {number: signal.getsignal(number) or signal.SIG_DFL for number in _PASSED}
    for number in (number for number, handler in handlers.items() if handler is not signal.SIG_IGN):
        signal.signal(number, lambda _number, _frame: None)
    woken = signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    try:
        yield signals
    finally:
        signal.set_wakeup_fd(woken)
        os.close(write_end)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, signals.before)


def _next_signal() -> tuple[int, bool]:
    """Wait for a signal; return it, and whether all processes on the terminal got it, the child too."""
    if sys.platform == "linux":
        found = signal.sigwaitinfo(_PASSED)
        return found.si_signo, found.si_code > 0
    number = signal.sigwait(_PASSED)
    return number, number in _KEYBOARD and os.isatty(0)
