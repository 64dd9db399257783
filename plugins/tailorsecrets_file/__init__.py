"""The built-in store: one encrypted file that git can merge.

``docs/file-format.md`` describes the file. ``tailorsecrets_file.keys`` manages the keys that open it.
"""

from collections.abc import Iterable

from tailorsecrets.driver import StoreType, imported


def tailorsecrets_stores() -> Iterable[StoreType]:
    """Return the store type behind ``file:PATH``."""
    return [
        StoreType(
            scheme="file",
            open=imported("tailorsecrets_file.driver:FileDriver"),
            options=_OPTIONS,
            prefixed=False,
            sdk=("cryptography",),
        )
    ]


_OPTIONS = {"keep_versions": "number of versions that the file keeps of each secret (default 10)"}
