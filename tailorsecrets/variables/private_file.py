"""Writing a file that only its owner may read, whole or not at all."""

import os
from contextlib import suppress
from pathlib import Path

from tailorsecrets.errors import SecretsError
from tailorsecrets.secret import Secret


def write_private(path: Path, text: Secret) -> None:
    """Write *text* to *path* with the mode 0600; others can read no part of it at any time.

    A link is followed, and its target is replaced. Raise SecretsError with the code OUTPUT_FAILED where it cannot be
    written, or is there and not a file; then *path* is as it was.
    """
    try:
        problem = _write(Path(os.path.realpath(path)), text)
    except FileNotFoundError:
        problem = "its folder does not exist"
    except OSError as exc:
        problem = exc.strerror or type(exc).__name__
    if problem:
        hint = "name a file in a folder that exists and that you may write to"
        raise SecretsError(f"{path} cannot be written: {problem}", code="OUTPUT_FAILED", hint=hint)


def _write(target: Path, text: Secret) -> str:
    from tempfile import mkstemp

    if target.is_dir():
        return "it is a folder"
    if target.exists() and not target.is_file():
        return "it is not a file"
    handle, draft = mkstemp(prefix=f".{target.name[:100]}.", dir=target.parent)  # 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.reveal().encode())
            file.flush()
            os.fsync(file.fileno())
        Path(draft).replace(target)
    except BaseException:
        with suppress(OSError):
            Path(draft).unlink()
        raise
    return ""
