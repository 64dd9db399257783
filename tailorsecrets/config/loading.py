"""Finding the config file and running it; every failure inside it is one line."""

import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import dropwhile
from os import PathLike
from types import ModuleType
from typing import TYPE_CHECKING, Final

from tailorsecrets.errors import ConfigError, SecretsError, interrupted

if TYPE_CHECKING:
    from pathlib import Path
    from traceback import FrameSummary

    from tailorsecrets.config.config import Config

CONFIG: Final = "tailor_config.py"
TYPES: Final = "tailor_config_types"  # the module that `tailorsecrets generate` writes beside it
_DEFINE: Final = 'write: config = define_config(name="my-app", secrets=secrets)'
_NAMED: Final = (NameError, ImportError, AttributeError)  # the interpreter's own have a name and quote no value
_UNKNOWN_OPTION: Final = re.compile(r"[\w.]+\(\) got an unexpected keyword argument '\w+'(\. Did you mean '\w+'\?)?")
_OS: Final = ("<frozen os>", os.__file__)


def find_config(
    path: str | None, environ: Mapping[str, str], cwd: str | PathLike[str], *, must_exist: bool = True
) -> str | None:
    """Return the config file: *path*, else ``TAILORSECRETS_CONFIG``, else the nearest one from *cwd* upwards.

    Raise ConfigError for a named file that is not a Python file, or is missing and *must_exist*; return None if none is
    named and none is found. A link is not followed: the config's folder is that of the link.
    """
    named = path or environ.get("TAILORSECRETS_CONFIG", "")
    if named:
        return _named(named, os.path.abspath(os.path.join(cwd, named)), must_exist=must_exist)
    return next((path for path in map(_config_in, _upwards(os.fspath(cwd))) if os.path.isfile(path)), None)


def _named(named: str, found: str, *, must_exist: bool) -> str:
    if os.path.isdir(found) or not found.endswith(".py"):
        raise ConfigError(f"config {named}: not a Python file", hint="name one that ends in .py")
    if must_exist and not os.path.isfile(found):
        raise ConfigError(f"config {named}: not found", code="CONFIG_NOT_FOUND", hint="tailorsecrets init creates one")
    return found


def _upwards(folder: str) -> Iterator[str]:
    yield folder
    while (above := os.path.dirname(folder)) != folder:
        yield (folder := above)


def _config_in(folder: str) -> str:
    return os.path.join(folder, CONFIG)


def load_config(path: str | PathLike[str]) -> "Config":
    """Run the file *path* and return its ``config``.

    Raise ConfigError, in one line, for an exception in the file or a missing ``config``; the frames are its note. No
    message of the file's own exceptions is shown that could quote a value. Ctrl-C stays KeyboardInterrupt.
    """
    from pathlib import Path

    from tailorsecrets.config.config import Config

    config = getattr(_run(Path(path)), "config", None)
    if not isinstance(config, Config):
        raise ConfigError(f"{path}: has no config", hint=_DEFINE)
    return config


def _run(path: "Path") -> ModuleType:
    from importlib import invalidate_caches
    from importlib.util import module_from_spec, spec_from_loader

    from tailorsecrets.config.source_imports import SourceLoader, source_imports

    invalidate_caches()  # the types module beside it may be younger than this process
    name = _module_name(path)
    loader = SourceLoader(name, str(path))
    spec = spec_from_loader(name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        with source_imports(str(path.parent)):
            loader.exec_module(module)
    except SecretsError:
        raise
    except (Exception, SystemExit) as exc:  # noqa: BLE001  # the file is the user's; anything may come
        error = KeyboardInterrupt() if interrupted(exc) else _config_error(path, exc)
    else:
        return module
    raise error


def _module_name(path: "Path") -> str:
    """Return the name by which the app imports the config, or another one if a module has that name."""
    if path.name == CONFIG:
        return path.stem
    taken = getattr(sys.modules.get(path.stem), "__file__", str(path)) != str(path)
    return f"_tailorsecrets_{path.stem}" if taken or path.stem in sys.stdlib_module_names else path.stem


def _config_error(path: "Path", exc: BaseException) -> ConfigError:
    from traceback import extract_tb

    frames = list(dropwhile(lambda frame: frame.filename != str(path), extract_tb(exc.__traceback__)))
    inside = [frame.lineno for frame in frames if frame.filename == str(path)]
    line = exc.lineno if isinstance(exc, SyntaxError) else next(reversed(inside), None)
    message, hint = _safe_message(exc, frames)
    error = ConfigError(f"{path}:{line or 1}: {type(exc).__name__}{message}", hint=hint)
    error.add_note("\n".join(f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames))
    return error


def _safe_message(exc: BaseException, frames: "Sequence[FrameSummary]") -> tuple[str, str]:
    """Return the part of the message that cannot quote a value, and a hint."""
    if isinstance(exc, ModuleNotFoundError) and exc.name == TYPES:
        return f": {exc}", "run: tailorsecrets generate"
    if isinstance(exc, SyntaxError):
        return f": {exc.msg}", ""
    if (isinstance(exc, _NAMED) and exc.name) or _UNKNOWN_OPTION.fullmatch(str(exc)):
        return f": {exc}", ""
    if isinstance(exc, OSError) and isinstance(exc.errno, int):
        path = f": {exc.filename!r}" if isinstance(exc.filename, str) else ""
        return f": {os.strerror(exc.errno)}{path}", ""
    if isinstance(exc, KeyError) and frames and frames[-1].filename in _OS:  # os.environ["NAME"]
        return f": {exc.args[0]}", f"set it, or write env({exc.args[0]!r}), which is read only when apply runs"
    return "", ""
