"""The names of executors, resolvers, workflows and jobs, and how errors show them."""

import re
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from tailorsecrets.errors import ConfigError

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}")


def check_name(kind: str, name: object) -> None:
    """Raise ConfigError with *kind*, *name* and the rule for a name that is not allowed."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ConfigError(
            f"{kind} name {name!r}: not allowed",
            hint="a name has 1 to 63 letters, digits, '-' and '_', and begins with a letter",
        )


@contextmanager
def defining(kind: str, name: object) -> Generator[None]:
    """Check *name*, and begin the message of every ConfigError of the block with it."""
    check_name(kind, name)
    try:
        yield
    except ConfigError as error:
        raise ConfigError(f"{kind} {name}: {error}", hint=error.hint) from None
