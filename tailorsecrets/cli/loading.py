"""Importing the app of ``--app``, on the target of the options."""

import gc
import sys
from contextlib import redirect_stdout
from importlib import import_module
from typing import TYPE_CHECKING

from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.errors import ConfigError, SecretsError, interrupted

if TYPE_CHECKING:
    from tailorsecrets.app import App

_FORM = "write --app MODULE:NAME, for example orders:app for app = App(...) in orders.py"


def load_app(invocation: Invocation, spec: str) -> "App":
    """Import the app. Its secrets come from the target of the options, if one is given.

    Raise ConfigError for anything but an app, and for an exception in the module, without its message.
    """
    from tailorsecrets.app import App

    found = _found(invocation, spec)
    if not isinstance(found, App):
        raise ConfigError(f"--app {spec}: not a tailorsecrets.app.App", hint=_FORM)
    common = invocation.common
    if found.secrets and (common.store or common.workspace_id or common.profile):
        found.secrets._follow(invocation.routes[0], invocation.environ)  # noqa: SLF001  # not for users
    return found


def _found(invocation: Invocation, spec: str) -> object:
    from tailorsecrets.app.outcome import failure

    module, _, name = spec.partition(":")
    if not module or not name:
        raise ConfigError(f"--app {spec}: not an app", hint=_FORM)
    invocation.environ  # noqa: B018  # the env files come before the module that may read them
    gc.enable()  # an app may run long and leave much garbage
    sys.path.insert(0, str(invocation.io.cwd))
    try:
        with redirect_stdout(invocation.io.stderr):
            return getattr(import_module(module), name, None)
    except SecretsError:
        raise
    except (Exception, SystemExit) as exc:  # noqa: BLE001  # the module is the user's and may raise anything
        if interrupted(exc):
            error: BaseException = KeyboardInterrupt()
        elif isinstance(exc, ImportError):
            problem = exc if exc.name else "ImportError"  # the interpreter's own have a name, and quote no value
            error = ConfigError(f"--app {spec}: {problem}", hint=_FORM)
        else:
            error = failure(f"--app {spec}", exc)
    finally:
        sys.path.remove(str(invocation.io.cwd))
    raise error
