"""The system keyring, behind ``keyring:[SERVICE]``."""

from collections.abc import Iterable

from tailorsecrets.driver import Driver, Option, StoreType, Target

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
    return [StoreType(scheme="keyring", open=_open, options=OPTIONS, prefixed=False, sdk=("keyring",))]


def _open(target: Target) -> Driver:
    from tailorsecrets_keyring.driver import Keyring

    return Keyring(target)
