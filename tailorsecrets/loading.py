"""Finding the config file and running it; whatever goes wrong inside it is one line."""

import re
import sys
import traceback
from collections.abc import Mapping
from importlib.util import module_from_spec, spec_from_file_location
from itertools import dropwhile
from pathlib import Path
from types import ModuleType
from typing import Final

from tailorsecrets.config import Config
from tailorsecrets.errors import ConfigError, SecretsError

CONFIG: Final = "tailor_config.py"
_INIT: Final = "run: tailorsecrets init"
_DEFINE: Final = 'write: config = define_config(name="my-app", secrets=secrets)'
_NAMES_ONLY: Final = (NameError, ImportError, AttributeError, SyntaxError)  # their messages quote no values


def find_config(path: str | None, environ: Mapping[str, str], cwd: Path) -> Path | None:
    """Return the config file: *path*, else ``TAILORSECRETS_CONFIG``, else the nearest one from *cwd* upwards.

    Raise ConfigError where a named file is missing; return None where none was named and none is found.
    """
    named = path or environ.get("TAILORSECRETS_CONFIG", "")
    if named:
        found = cwd / named
        if not found.is_file():
            raise ConfigError(
                f"config {named}: not found", code="CONFIG_NOT_FOUND", hint="tailorsecrets init makes one"
            )
        return found.resolve()
    return next((folder / CONFIG for folder in [cwd, *cwd.parents] if (folder / CONFIG).is_file()), None)


def load_config(path: Path) -> Config:
    """Run the file *path* and return its ``config``.

    Raise ConfigError, in one line, for an exception in the file or a missing ``config``; the frames are its note. No
    message of the file's own exceptions is shown that could quote a value.
    """
    config = getattr(_run(path), "config", None)
    if not isinstance(config, Config):
        raise ConfigError(
            f"{path}: has no config", hint='write: config = define_config(name="my-app", secrets=secrets)'
        )
    return config


def _run(path: Path) -> ModuleType:
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


def _told(path: Path, exc: BaseException) -> ConfigError:
    frames = list(dropwhile(lambda frame: frame.filename != str(path), traceback.extract_tb(exc.__traceback__)))
    inside = [frame.lineno for frame in frames if frame.filename == str(path)]
    line = exc.lineno if isinstance(exc, SyntaxError) else next(reversed(inside), None)
    error = ConfigError(f"{path}:{line or 1}: {type(exc).__name__}{_words(exc)}", hint=_hint(exc))
    error.add_note("\n".join(f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames))
    return error


def _words(exc: BaseException) -> str:
    if isinstance(exc, SyntaxError):
        return f": {exc.msg}"
    if isinstance(exc, _NAMES_ONLY):
        return f": {exc}"
    return f": {exc.args[0]}" if _is_variable(exc) else ""


def _hint(exc: BaseException) -> str:
    return f"set it, or write env({exc.args[0]!r}), which is read only when apply runs" if _is_variable(exc) else ""


def _is_variable(exc: BaseException) -> bool:
    return isinstance(exc, KeyError) and re.fullmatch("[A-Z_][A-Z0-9_]*", str(exc.args[0])) is not None
