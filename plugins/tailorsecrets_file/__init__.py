"""The built-in store: one encrypted file that git can merge.

``docs/file-format.md`` describes the file. ``tailorsecrets_file.keys`` manages the keys that open it.
"""

from collections.abc import Iterable

from tailorsecrets.driver import Driver, StoreType, Target


def tailorsecrets_stores() -> Iterable[StoreType]:
    """Return the store type behind ``file:PATH``."""
    return [StoreType(scheme="file", open=_open, options=_OPTIONS, prefixed=False, sdk=("cryptography",))]


_OPTIONS = {"keep_versions": "number of versions that the file keeps of each secret (default 10)"}


def _open(target: Target) -> Driver:
    from tailorsecrets_file.driver import FileDriver

    return FileDriver(target)
