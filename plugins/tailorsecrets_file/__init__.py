"""The embedded store: one encrypted file, fit for git.

``docs/file-format.md`` describes what is in it; ``tailorsecrets_file.keys`` manages who can open it.
"""

from collections.abc import Iterable

from tailorsecrets.driver import Driver, StoreType, Target


def tailorsecrets_stores() -> Iterable[StoreType]:
    """Return the store type behind ``file:PATH``."""
    return [StoreType(scheme="file", open=_open, options=_OPTIONS, prefixed=False)]


_OPTIONS = {"keep_versions": "how many versions of each secret the file keeps (default 10)"}


def _open(target: Target) -> Driver:
    from tailorsecrets_file.driver import FileDriver

    return FileDriver(target)
