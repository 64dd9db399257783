"""The system keyring, behind ``keyring:[SERVICE]``."""

from collections.abc import Iterable

from tailorsecrets.driver import Option, StoreType, imported

OPTIONS = {
    "backend": Option(
        "the class of a backend of keyring",
        form=r"\w+(\.\w+)+",
        expected="a class, for example keyring.backends.SecretService.Keyring",
        default="the one that keyring chooses",
    ),
}


def tailorsecrets_stores() -> Iterable[StoreType]:
    """Return the store type."""
    opened = imported("tailorsecrets_keyring.driver:Keyring")
    return [StoreType(scheme="keyring", open=opened, options=OPTIONS, prefixed=False, sdk=("keyring",))]
