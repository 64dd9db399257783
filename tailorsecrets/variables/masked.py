"""Running a command whose output is masked: this process stays as its parent, and passes signals on."""

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from errno import EACCES, ENOENT, EPIPE
from pathlib import Path
from select import select
from shutil import which
from threading import Event, Thread
from typing import Final

from tailorsecrets.errors import SecretsError
from tailorsecrets.variables.masking import Masker, Texts
from tailorsecrets.variables.signals import FOR_PYTHON, passed_on

_CHUNK: Final = 65536  # bytes, as many as a pipe holds
_IDLE: Final = 1.0  # seconds without output after which no more is awaited, once the command has ended
_STDOUT, _STDERR = 1, 2


def run_masked(words: tuple[str, ...], environ: Mapping[str, str], texts: Iterable[bytes]) -> int:
    """Run *words* in *environ* with *texts* replaced in its stdout and stderr; return its exit code as a shell has it.

    Signals to this process are passed on. Raise OSError where the command cannot be started, and SecretsError with the
    code OUTPUT_FAILED, once the command has ended, where its output cannot be written, for example on a full disk.
    Output of processes that the command leaves behind is masked too, until none comes for a second.
    """
    path, shared, ended, lost = _program(words[0], environ), Texts(texts), Event(), list[str]()
    pipes = _pipes()
    with passed_on() as signals:
        child = _spawned(path, words, environ, pipes, signals.before)
        pumps = [_pumping(read_end, stream, Masker(shared), ended, lost) for stream, (read_end, _) in pipes.items()]
        signals.pass_to(child)
        _, status = os.waitpid(child, 0)
        signals.end()
    ended.set()
    for pump in pumps:
        pump.join()
    if lost:
        raise SecretsError(f"the output of {words[0]} cannot be written: {lost[0]}", code="OUTPUT_FAILED")
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _program(command: str, environ: Mapping[str, str]) -> str:
    """Return the path of *command*, by the PATH of *environ*; raise OSError where there is none that can be run."""
    found = which(command, path=environ.get("PATH", os.defpath))
    if found is None:
        number = EACCES if os.sep in command and Path(command).exists() else ENOENT
        raise OSError(number, os.strerror(number))
    return found


def _pipes() -> dict[int, tuple[int, int]]:
    """Return a pipe for each stream; one for both where they are one file, so that their order stays."""
    same = False
    with suppress(OSError):
        same = os.path.sameopenfile(_STDOUT, _STDERR)
    return {stream: os.pipe() for stream in ((_STDOUT,) if same else (_STDOUT, _STDERR))}


def _spawned(
    path: str,
    words: tuple[str, ...],
    environ: Mapping[str, str],
    pipes: Mapping[int, tuple[int, int]],
    mask: Iterable[int],
) -> int:
    """Start the command with the write ends of *pipes*; return its PID."""
    ends = {stream: pipes.get(stream, pipes[_STDOUT])[1] for stream in (_STDOUT, _STDERR)}
    actions = [(os.POSIX_SPAWN_DUP2, end, stream) for stream, end in ends.items()]
    try:
        return os.posix_spawn(path, words, environ, file_actions=actions, setsigmask=mask, setsigdef=FOR_PYTHON)
    finally:
        for _, end in pipes.values():
            os.close(end)


def _pumping(read_end: int, stream: int, masker: Masker, ended: Event, lost: list[str]) -> Thread:
    thread = Thread(target=_pump, args=(read_end, stream, masker, ended, lost), daemon=True)
    thread.start()
    return thread


def _pump(read_end: int, stream: int, masker: Masker, ended: Event, lost: list[str]) -> None:
    """Copy all to *stream*. If nobody reads that any more, the command gets SIGPIPE, as it would without this.

    Any other reason for which output is not written is added to *lost*.
    """
    try:
        while _has_more(read_end, ended) and (chunk := os.read(read_end, _CHUNK)):
            _write(stream, masker.feed(chunk))
        _write(stream, masker.end())
    except OSError as exc:
        if exc.errno != EPIPE:
            lost.append(exc.strerror or type(exc).__name__)
    os.close(read_end)


def _has_more(read_end: int, ended: Event) -> bool:
    """Wait for output; return False where none came for a second and the command has *ended*."""
    while True:
        was_ended = ended.is_set()
        if select([read_end], [], [], _IDLE)[0]:
            return True
        if was_ended:
            return False


def _write(stream: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(stream, view) :]
