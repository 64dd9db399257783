"""Finding the config file and running it; whatever goes wrong inside it is one line."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import dropwhile
from os import PathLike
from types import ModuleType
from typing import TYPE_CHECKING, Final

from tailorsecrets.errors import ConfigError, SecretsError

if TYPE_CHECKING:
    from pathlib import Path
    from traceback import FrameSummary

    from tailorsecrets.config import Config

CONFIG: Final = "tailor_config.py"
TYPES: Final = "tailor_config_types"  # the module that `tailorsecrets generate` writes beside it
_DEFINE: Final = 'write: config = define_config(name="my-app", secrets=secrets)'
_NAMED: Final = (NameError, ImportError, AttributeError)  # the interpreter's own have a name and quote no value
_OS: Final = ("<frozen os>", os.__file__)


def find_config(
    path: str | None, environ: Mapping[str, str], cwd: str | PathLike[str], *, must_exist: bool = True
) -> str | None:
    """Return the config file: *path*, else ``TAILORSECRETS_CONFIG``, else the nearest one from *cwd* upwards.

    Raise ConfigError where a named file is missing and *must_exist*; return None where none was named and none is
    found.
    """
    named = path or environ.get("TAILORSECRETS_CONFIG", "")
    if named:
        found = os.path.join(cwd, named)
        if must_exist and not os.path.isfile(found):
            raise ConfigError(
                f"config {named}: not found", code="CONFIG_NOT_FOUND", hint="tailorsecrets init makes one"
            )
        return os.path.realpath(found)
    return next((path for path in map(_config_in, _upwards(os.fspath(cwd))) if os.path.isfile(path)), None)


def _upwards(folder: str) -> Iterator[str]:
    yield folder
    while (above := os.path.dirname(folder)) != folder:
        yield (folder := above)


def _config_in(folder: str) -> str:
    return os.path.join(folder, CONFIG)


def load_config(path: str | PathLike[str]) -> "Config":
    """Run the file *path* and return its ``config``.

    Raise ConfigError, in one line, for an exception in the file or a missing ``config``; the frames are its note. No
    message of the file's own exceptions is shown that could quote a value.
    """
    from pathlib import Path

    from tailorsecrets.config import Config

    config = getattr(_run(Path(path)), "config", None)
    if not isinstance(config, Config):
        raise ConfigError(f"{path}: has no config", hint=_DEFINE)
    return config


def _run(path: "Path") -> ModuleType:
    from importlib import invalidate_caches
    from importlib.util import module_from_spec, spec_from_file_location

    invalidate_caches()  # the types module beside it may be younger than this process
    spec = spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.path.insert(0, str(path.parent))
    sys.modules[path.stem] = module
    try:
        spec.loader.exec_module(module)
    except SecretsError:
        raise
    except (Exception, SystemExit) as exc:  # noqa: BLE001  # the file is the user's; anything may come
        error = _told(path, exc)
    else:
        return module
    finally:
        sys.path.remove(str(path.parent))
    raise error


def _told(path: "Path", exc: BaseException) -> ConfigError:
    from traceback import extract_tb

    frames = list(dropwhile(lambda frame: frame.filename != str(path), extract_tb(exc.__traceback__)))
    inside = [frame.lineno for frame in frames if frame.filename == str(path)]
    line = exc.lineno if isinstance(exc, SyntaxError) else next(reversed(inside), None)
    words, hint = _words(exc, frames)
    error = ConfigError(f"{path}:{line or 1}: {type(exc).__name__}{words}", hint=hint)
    error.add_note("\n".join(f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames))
    return error


def _words(exc: BaseException, frames: "Sequence[FrameSummary]") -> tuple[str, str]:
    """Return what of the message is sure to quote no value, and a hint."""
    if isinstance(exc, ModuleNotFoundError) and exc.name == TYPES:
        return f": {exc}", "run: tailorsecrets generate"
    if isinstance(exc, SyntaxError):
        return f": {exc.msg}", ""
    if isinstance(exc, _NAMED) and exc.name:
        return f": {exc}", ""
    if isinstance(exc, KeyError) and frames and frames[-1].filename in _OS:  # os.environ["NAME"]
        return f": {exc.args[0]}", f"set it, or write env({exc.args[0]!r}), which is read only when apply runs"
    return "", ""
